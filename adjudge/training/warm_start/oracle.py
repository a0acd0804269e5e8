"""An oracle of the closed world: it searches with a query that finds the source, and names the right response.

It stands where the policy will stand, in the same graph, so what it writes becomes token sequences of just the form
that the policy will sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.agents.seeding import content_words
from adjudge.errors import ConfigError
from adjudge.models import Choice, Reply, Sampling, TokenLogprob, TokenUsage
from adjudge.models.local.template import TURN_END
from adjudge.tools import Tool, ToolContext
from adjudge.types import Case, Evidence
from adjudge.types.messages import assistant

ENOUGH = 0.5  # share of the reference's content words that what was found must hold


class Oracle:
    """A `Completer` that says given texts, one a call.

    Args:
        texts: What it says; a call for a single token gets the first token of its text, and no end of turn.
        tokenizer: Of the policy.
    """

    def __init__(self, texts: Sequence[str], tokenizer: Any) -> None:
        self._texts = list(texts)
        self._tokenizer = tokenizer

    def say(self, text: str) -> None:
        """One more text."""
        self._texts.append(text)

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Say the next text.

        Raises:
            ConfigError: The graph asks for more turns than the oracle knows.
        """
        if not self._texts:
            hint = "a warm start by the oracle needs a graph of one search and one verdict, as `compact` is"
            raise ConfigError(
                "the oracle knows a search and a verdict; the graph asks for more", key="graph", hint=hint
            )
        text = self._texts.pop(0)
        ids = list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        if sampling.max_tokens > 1:
            ids.append(self._tokenizer.convert_tokens_to_ids(TURN_END))
        ids = ids[: sampling.max_tokens]
        told = tuple(TokenLogprob(self._tokenizer.decode([i]), 0.0, (), i) for i in ids)
        choice = Choice(assistant(text), "stop", told, tuple(ids))
        return Reply((choice,), TokenUsage(len(token_ids), len(ids)), tuple(token_ids))


async def found_for(case: Case, search: Tool, titles: Mapping[str, str]) -> tuple[str, Sequence[Evidence]] | None:
    """A query with which a search finds what the case's label rests on, and all that it finds; None where none does.

    The shortest query first, so that a policy learns to name what it looks for rather than to copy the task.

    Args:
        case: From `adjudge synth`: its metadata name the source and a reference.
        search: A tool.
        titles: Of documents, by id.
    """
    source = str(case.metadata["source"])
    for query in _queries(case.question, titles.get(source, "")):
        found = await search.call({"query": query}, ToolContext(case.blind(), {}, {}))
        if supports(case, found.evidence):
            return query, found.evidence
    return None


def _queries(question: str, title: str) -> list[str]:
    words = [word.strip("?,.:;\"'()") for word in question.split()]
    telling = [word for word in words if content_words(word) and word.lower() not in title.lower()]
    asked = [word for word in telling if word[:1].isupper() or word[:1].isdigit()]
    tried = [f"{title} {' '.join(asked)}", f"{title} {' '.join(telling[-4:])}", title, question]
    return [query for query in dict.fromkeys(" ".join(query.split()) for query in tried) if query]


def supports(case: Case, found: Sequence[Evidence]) -> bool:
    """Whether what was found is of the case's source, and holds what its label rests on."""
    source = str(case.metadata["source"])
    texts = [item.excerpt for item in found if item.is_of(source)]
    return bool(texts) and holds(case, " ".join(texts))


def holds(case: Case, text: str) -> bool:
    """Whether a text has the right value, and half of the words of the case's reference."""
    wanted = content_words(case.metadata["reference"]["text"])
    named = str(case.metadata.get("right", "")).lower() in text.lower()
    return named and len(wanted & content_words(text)) >= ENOUGH * len(wanted)
