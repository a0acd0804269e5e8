"""Which of two texts a passage supports, in the shortest prompt there is: where learning to compare begins.

A judge's own form costs a small policy three times the tokens, of which most say nothing of the pair. What is learnt
here carries over to it (ours).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.agents.seeding import content_words
from adjudge.models.local.template import Template
from adjudge.tools.corpus.passages import Document, cut
from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.oracle import holds
from adjudge.types import Case
from adjudge.types.messages import user

LONGEST = 400  # characters of a passage
_PROMPT = (
    "{question}\n\nEvidence: {passage}\n\nA: {first}\n\nB: {second}\n\n"
    "Which response is best? Reply with a single letter."
)


def comparisons(cases: Sequence[Case], documents: Mapping[str, Document], tokenizer: Any) -> dict[str, Row]:
    """A row for each case, whose last token is the verdict.

    Args:
        cases: From `adjudge synth`: their metadata name the source and a reference. A case is left out without its
            source, and where no passage holds what its label rests on.
        documents: By id.
        tokenizer: Of the policy.
    """
    template = Template(tokenizer)
    rows = {}
    for case in cases:
        document = documents.get(str(case.metadata["source"]))
        passage = None if document is None else passage_for(case, document)
        if passage is not None:
            first, second = (response.text for response in case.responses)
            asked = _PROMPT.format(question=case.question, passage=passage, first=first, second=second)
            prompt = template.render([user(asked)], generation_prompt=True)
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            letter = tokenizer(str(case.label), add_special_tokens=False)["input_ids"][0]
            rows[case.id] = Row(tuple(ids), (letter,), (0.0,), (1,))
    return rows


def passage_for(case: Case, document: Document) -> str | None:
    """The passage of a document that holds most of what a case's label rests on; None where none holds enough."""
    passages = [passage for passage in cut(document, LONGEST) if holds(case, passage.text)]
    wanted = content_words(case.metadata["reference"]["text"])
    best = max(passages, key=lambda passage: len(wanted & content_words(passage.text)), default=None)
    return None if best is None else best.text
