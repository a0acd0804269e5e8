"""What a defect is given, and what it gives back."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from adjudge.training.synth.document import Document
from adjudge.training.synth.kinds import STOP
from adjudge.training.synth.values import Value, values_of

Defect = Literal["entity", "number", "date", "attribution", "negation", "omission", "addition"]
DEFECTS: tuple[Defect, ...] = get_args(Defect)


@dataclass(frozen=True)
class Material:
    """What a defect may draw on.

    Attributes:
        document: The source.
        statement: What is asked for.
        near: Documents that a search for it returns, best first, without the source and others of its title.
        random: Where chance comes from.
    """

    document: Document
    statement: str
    near: Sequence[Document]
    random: random.Random

    @cached_property
    def others(self) -> list[str]:
        """The other statements of the document."""
        return [statement for statement in self.document.statements if statement != self.statement]

    @cached_property
    def found(self) -> list[str]:
        """Statements of the documents that a search returns."""
        return [statement for document in self.near for statement in document.statements]

    def values(self, statement: str) -> list[Value]:
        """The values of a statement, but those of the document's own name: changed, they would change the subject."""
        return [value for value in values_of(statement) if not self.names(value)]

    def names(self, value: Value) -> bool:
        """Whether a value is a part of the document's name, or shares a word with it."""
        title = self.document.name or ("" if self.document.topic else self.document.title)
        name, text = title.lower(), value.text.lower()
        shared = set(re.findall(r"[^\W\d]{3,}", name)) & set(re.findall(r"[^\W\d]{3,}", text)) - STOP
        return bool(name) and (text in name or bool(shared))


@dataclass(frozen=True)
class Draft:
    """The core of a pair, before other statements and paraphrase.

    Attributes:
        good: Statements that the document supports.
        bad: The same with the defect.
        asked: The value that is asked for.
        right: What is right, as it stands in the document; empty where the defect is no swap of a value.
        wrong: What stands in its place.
        about: The statement that the question is made from, where it is not the one asked for.
        exact: The question must ask for the value itself.
        fixed: Neither side gets other statements of the document.
        direction: A trait that only one side has, and 1 where it is the good one: both must be as frequent.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    asked: Value | None = None
    right: str = ""
    wrong: str = ""
    about: str = ""
    exact: bool = False
    fixed: bool = False
    direction: tuple[str, int] = ("", 0)


Make = Callable[[Material], Draft | None]
