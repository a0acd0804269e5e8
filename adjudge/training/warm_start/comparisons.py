"""Which of two texts a passage supports, in the shortest prompt there is: where learning to compare begins.

A judge's own form costs a small policy three times the tokens, of which most say nothing of the pair. What is learnt
here carries over to it: what makes the whole graph hard for a policy that compares well with one passage are the other
passages that a search brings, not the form (ours).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.agents.seeding import content_words
from adjudge.models.local.template import Template
from adjudge.tools import Tool
from adjudge.tools.corpus.passages import Document, cut
from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.oracle import found_for, holds
from adjudge.types import Case
from adjudge.types.messages import user

LONGEST = 400  # characters of a passage
_PROMPT = (
    "{question}\n\nEvidence: {evidence}\n\nA: {first}\n\nB: {second}\n\n"
    "Which response is best? Reply with a single letter."
)


def comparisons(cases: Sequence[Case], evidence: Mapping[str, str], tokenizer: Any) -> dict[str, Row]:
    """A row for each case, whose last token is the verdict.

    Args:
        cases: From `adjudge synth`.
        evidence: What is shown, by case; a case is left out without it.
        tokenizer: Of the policy.
    """
    template = Template(tokenizer)
    rows = {}
    for case in cases:
        if case.id in evidence:
            first, second = (response.text for response in case.responses)
            asked = _PROMPT.format(question=case.question, evidence=evidence[case.id], first=first, second=second)
            prompt = template.render([user(asked)], generation_prompt=True)
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            letter = tokenizer(str(case.label), add_special_tokens=False)["input_ids"][0]
            rows[case.id] = Row(tuple(ids), (letter,), (0.0,), (1,))
    return rows


def right_passages(cases: Sequence[Case], documents: Mapping[str, Document]) -> dict[str, str]:
    """The one passage of each case's source that its label rests on.

    Args:
        cases: Their metadata name the source and a reference. A case is left out without its source, and where no
            passage holds what its label rests on.
        documents: By id.
    """
    sources = {case.id: documents.get(str(case.metadata["source"])) for case in cases}
    found = {case.id: passage_for(case, source) for case in cases if (source := sources[case.id]) is not None}
    return {name: passage for name, passage in found.items() if passage is not None}


async def searched_passages(cases: Sequence[Case], search: Tool, titles: Mapping[str, str]) -> dict[str, str]:
    """All that the oracle's search brings for each case, of which most may be beside the point.

    Args:
        cases: Their metadata name the source and a reference. A case is left out where no query brings what its label
            rests on.
        search: Of the graph.
        titles: Of documents, by id.
    """
    found = await asyncio.gather(*(found_for(case, search, titles) for case in cases))
    return {
        case.id: "\n\n".join(f"{item.title}\n{item.excerpt}" for item in searched[1])
        for case, searched in zip(cases, found, strict=True)
        if searched is not None
    }


def passage_for(case: Case, document: Document) -> str | None:
    """The passage of a document that holds most of what a case's label rests on; None where none holds enough."""
    passages = [passage for passage in cut(document, LONGEST) if holds(case, passage.text)]
    wanted = content_words(case.metadata["reference"]["text"])
    best = max(passages, key=lambda passage: len(wanted & content_words(passage.text)), default=None)
    return None if best is None else best.text
