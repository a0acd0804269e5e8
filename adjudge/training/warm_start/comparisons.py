"""Which of two texts a passage supports, in the shortest prompt there is: where learning to compare begins.

A judge's own form costs a small policy three times the tokens, of which most say nothing of the pair. What is learnt
here carries over to it (ours; measured in docs/training.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.agents.seeding import content_words
from adjudge.models.local.template import Template
from adjudge.tools.corpus.passages import Document, cut
from adjudge.training.rollouts.rows import Row
from adjudge.types import Case
from adjudge.types.messages import user

LONGEST = 300  # characters of a passage
_PROMPT = "Evidence: {passage}\n\nA: {first}\n\nB: {second}\n\nWhich response is best? Reply with a single letter."


def comparisons(cases: Sequence[Case], documents: Mapping[str, Document], tokenizer: Any) -> dict[str, Row]:
    """A row for each case, whose last token is the verdict.

    Args:
        cases: From `adjudge synth`: their metadata name the source and a reference.
        documents: By id; a case without its source is left out.
        tokenizer: Of the policy.
    """
    template = Template(tokenizer)
    rows = {}
    for case in cases:
        if (document := documents.get(str(case.metadata["source"]))) is not None:
            asked = _PROMPT.format(
                passage=passage_for(case, document), first=case.responses[0].text, second=case.responses[1].text
            )
            prompt = template.render([user(asked)], generation_prompt=True)
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            letter = tokenizer(str(case.label), add_special_tokens=False)["input_ids"][0]
            rows[case.id] = Row(tuple(ids), (letter,), (0.0,), (1,))
    return rows


def passage_for(case: Case, document: Document) -> str:
    """The piece of a document that holds most of what the case's reference says."""
    wanted = content_words(f"{case.metadata['reference']['text']} {case.metadata.get('right', '')}")
    pieces = (passage.text for passage in cut(document, LONGEST))
    return max(pieces, key=lambda piece: len(wanted & content_words(piece)), default="")
