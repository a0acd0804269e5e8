"""A pair: a question about one document, a good response, and one with exactly one labelled defect."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, NamedTuple

from adjudge.training.synth.defects import Defect
from adjudge.training.synth.document import Document
from adjudge.training.synth.matching import Traits

Label = Defect | Literal["without_document"]
WITHOUT: Literal["without_document"] = "without_document"  # a teacher's answer from memory


class Pair(NamedTuple):
    """One pair, before it is shown in both orders."""

    id: str
    document: Document
    question: str
    good: str
    bad: str
    defect: Label
    right: str = ""  # in the document, where the defect is a swap
    wrong: str = ""
    split: str = "train"
    maker: str = "rules"
    traits: tuple[Traits, ...] = ()  # of the good and the bad response

    def cases(self) -> list[dict[str, Any]]:
        """Two JSON rows that `Case` reads: the good response first, and second."""
        return [self._case(label) for label in "AB"]

    def _case(self, label: str) -> dict[str, Any]:
        texts = (self.good, self.bad) if label == "A" else (self.bad, self.good)
        about: dict[str, Any] = {
            "source": self.document.id,
            "gold_tools": ["corpus"],
            "defect": self.defect,
            "domain": self.document.domain,
            "split": self.split,
            "pair": self.id,
            "maker": self.maker,
            "reference": {"text": self.good, "source_id": self.document.id},
        }
        if self.right:
            about |= {"right": self.right, "wrong": self.wrong}
        return {
            "id": f"{self.id}/{label}",
            "prompt": self.question,
            "responses": [{"text": text} for text in texts],
            "label": label,
            "metadata": about,
        }


def pair_id(document: Document, question: str, good: str, bad: str) -> str:
    """A name that the content gives."""
    digest = hashlib.sha256("\x1f".join((document.id, question, good, bad)).encode("utf-8", "replace")).hexdigest()
    return f"synth/{document.domain}/{digest[:12]}"
