"""What a reader in the child process returns, and how it is taken apart again outside.

A reader is a function `(data, …) -> content(…)`; it raises `ToolError` for what the model should know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adjudge.tools.corpus.passages import clean
from adjudge.tools.documents.kinds import Kind
from adjudge.tools.documents.layout import Box, Line

MOST_CHARS = 4_000_000  # of one document; what follows is left out, with a note
TITLE_CHARS = 200


@dataclass
class Page:
    """A page of a document. `lines` are None until somebody has read the picture that it is."""

    lines: list[Line] | None

    @property
    def text(self) -> str:
        """The page as Markdown."""
        return "\n".join(line.text for line in self.lines or ())


@dataclass
class Parsed:
    """A document that has been read: the pages up to the limit, and how many there are."""

    kind: Kind
    title: str
    total: int
    pages: list[Page]
    notes: list[str] = field(default_factory=list)
    data: bytes = b""  # kept where pages may have to be rendered


def content(
    pages: Sequence[str | None], *, title: str = "", total: int | None = None, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """A document as JSON.

    Args:
        pages: The text of each; None for one that is a picture.
        title: What the file itself says it is called.
        total: How many pages there are, where not all are given.
        notes: What the model should know about how it was read.
    """
    kept: list[str | None] = []
    room = MOST_CHARS
    remarks = list(notes)
    for page in pages:
        if page is not None and len(page) > room:
            remarks.append(f"only the first {MOST_CHARS:,} characters were read")
            kept.append(clean(page[:room]))
            break
        room -= len(page or "")
        kept.append(page if page is None else clean(page))
    name = " ".join(clean(title).split())[:TITLE_CHARS]
    return {"title": name, "total": len(pages) if total is None else total, "pages": kept, "notes": remarks}


def parsed(kind: Kind, value: dict[str, Any], title: str, data: bytes) -> Parsed:
    """The document of a reader's answer."""
    pages = [Page(None if text is None else [Line(line) for line in text.split("\n")]) for text in value["pages"]]
    return Parsed(kind, title or value["title"], value["total"], pages, list(value["notes"]), data)


def lines_of(value: Sequence[Sequence[Any]]) -> list[Line]:
    """Lines with their boxes, as they came out of the child process."""
    return [Line(str(text), Box(*map(float, box))) for text, *box in value]
