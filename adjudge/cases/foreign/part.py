"""A value inside a row of JSON, and where it stands, so that whoever cannot use it says so at its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from adjudge.config import Document, KeyPath
from adjudge.errors import CaseError


@dataclass(frozen=True)
class Part:
    """A value of a document."""

    document: Document
    path: KeyPath
    value: Any

    @classmethod
    def whole(cls, document: Document) -> Self:
        """All of a document."""
        return cls(document, (), document.data)

    def get(self, key: str) -> Part:
        """What a mapping holds under a key; None where there is nothing, or where this is no mapping."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Part(self.document, (*self.path, key), value)

    def items(self, what: str = "a list") -> list[Part]:
        """The items of a list.

        Raises:
            CaseError: It is none.
        """
        if not isinstance(self.value, list):
            raise self.wrong(what)
        return [Part(self.document, (*self.path, number), item) for number, item in enumerate(self.value)]

    def text(self) -> str:
        """The value, which has to be text.

        Raises:
            CaseError: It is not.
        """
        if not isinstance(self.value, str):
            raise self.wrong("text")
        return self.value

    def word(self) -> str | None:
        """The value where it is text that is not empty."""
        return self.value if isinstance(self.value, str) and self.value else None

    def wrong(self, wanted: str) -> CaseError:
        """An error about a value of another kind than was wanted."""
        if self.value is None:
            return self.error(f"this should be {wanted}, and is missing")
        kind = "a mapping" if isinstance(self.value, dict) else "a list" if isinstance(self.value, list) else None
        return self.error(f"this should be {wanted}" + (f", not {kind}" if kind else ""), found=self.value)

    def error(
        self, problem: str, *, found: object = None, allowed: Iterable[str] = (), hint: str | None = None
    ) -> CaseError:
        """An error at this place.

        Args:
            problem: What is wrong.
            found: The value; mappings and lists are not shown, they would hide the point.
            allowed: What may stand here.
            hint: What to do.
        """
        shown = None if isinstance(found, dict | list) else found
        error = self.document.error(problem, self.path, kind=CaseError, found=shown, allowed=allowed, hint=hint)
        assert isinstance(error, CaseError)
        return error
