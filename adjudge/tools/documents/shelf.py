"""The documents that a judgement has opened: each is parsed once, in a child process, and kept until its end.

shelf = shelf_of(context, settings)
document = await shelf.open("report")
unread = await shelf.read_pictures(document, [3, 4])
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adjudge.errors import ToolError, shorten
from adjudge.tools.base import ToolContext
from adjudge.tools.child import ChildError, ChildLimits, call_in_child
from adjudge.tools.documents.content import Parsed, lines_of, parsed
from adjudge.tools.documents.kinds import PICTURES, Kind, kind_of
from adjudge.tools.documents.opening import find, load
from adjudge.tools.documents.pieces import pages_of
from adjudge.types import Document

PARSING_MB = 1024  # address space in which files are parsed
# Measured: a dense page of 1414 × 2000 pixels takes 0.9 GiB, of address space 1.9; a strip of 400 × 6000 1.4 and 2.2.
PICTURES_MB = 4096
THREADS = 2  # that one reading of text on pictures may use
_SHARE = 0.6  # of the time, after which a reader begins no further page: the last one begun must end in time
_READERS: dict[Kind, str] = {
    "pdf": "adjudge.tools.documents.pdf:read",
    "docx": "adjudge.tools.documents.word:read",
    "html": "adjudge.tools.documents.plain:html",
    "csv": "adjudge.tools.documents.plain:table",
    "text": "adjudge.tools.documents.plain:text",
    "png": "adjudge.tools.documents.picture:read",
    "jpeg": "adjudge.tools.documents.picture:read",
}


class Rules(NamedTuple):
    """How documents are read; see `DocumentSettings`."""

    root: Path | None
    max_pages: int
    seconds: float
    ocr: bool


class Shelf:
    """The documents of one judgement."""

    def __init__(self, documents: Sequence[Document], rules: Rules) -> None:
        self.documents = documents
        self.rules = rules
        self._opened: dict[str, Parsed | ToolError] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, id: str) -> asyncio.Lock:
        """What keeps two calls from reading one document twice."""
        return self._locks.setdefault(id, asyncio.Lock())

    async def open(self, id: str) -> tuple[Document, Parsed]:
        """The document with that id, parsed.

        Raises:
            ToolError: There is none, or it cannot be read. What is wrong with the file itself is found once.
        """
        document = find(id, self.documents)
        async with self.lock(document.id):
            if (known := self._opened.get(document.id)) is None:
                known = await self._parse(document)
                self._opened[document.id] = known
        if isinstance(known, ToolError):
            raise ToolError(str(known)) from known
        return document, known

    async def _parse(self, document: Document) -> Parsed | ToolError:
        if document.text is not None:
            return _inline(document, self.rules.max_pages)
        data = await asyncio.to_thread(load, document, self.rules.root)
        try:
            kind = kind_of(data, document.path or "")
            value = await parse(data, kind, most=self.rules.max_pages, seconds=self.rules.seconds)
        except ToolError as error:
            return ToolError(f"the document {shorten(document.id)} cannot be read: {error}")
        return parsed(kind, value, document.title, data if kind in ("pdf", *PICTURES) else b"")

    async def read_pictures(self, document: Document, opened: Parsed, pages: Sequence[int]) -> None:
        """Read the text on those of the pages that are pictures; as many as the time allows, at least one.

        Raises:
            ToolError: It cannot be read, or that is switched off.
        """
        async with self.lock(document.id):
            wanted = [page for page in pages if opened.pages[page - 1].lines is None]
            if not wanted:
                return
            if not self.rules.ocr:
                raise ToolError("the page is a picture, and reading text on pictures is switched off (setting `ocr`)")
            arguments = {"kind": opened.kind, "pages": wanted, "seconds": self.rules.seconds * 0.5, "threads": THREADS}
            limits = ChildLimits(self.rules.seconds, PICTURES_MB, threads=THREADS)
            found = await _ask("picture:texts", arguments, opened.data, limits, document.id)
            for page, lines in found.items():
                opened.pages[int(page) - 1].lines = lines_of(lines)

    async def show(self, document: Document, opened: Parsed, page: int, side: int) -> tuple[str, int, int]:
        """A page as a data URL, its width and its height in pixels."""
        arguments = {"kind": opened.kind, "page": page, "side": side}
        limits = ChildLimits(self.rules.seconds, PARSING_MB)
        found = await _ask("picture:shown", arguments, opened.data, limits, document.id)
        return f"data:image/png;base64,{found['png']}", found["width"], found["height"]


def shelf_of(context: ToolContext, rules: Rules) -> Shelf:
    """The judgement's shelf for these rules; tools with the same rules share it."""
    shelf = context.memory.setdefault(f"documents:{rules}", Shelf(context.case.documents, rules))
    if not isinstance(shelf, Shelf):
        raise TypeError("another tool uses the memory of the documents")
    return shelf


async def parse(data: bytes, kind: Kind, *, most: int, seconds: float) -> dict[str, Any]:
    """The content of a file (see `content.content`), read in a child process.

    Raises:
        ToolError: It cannot be read.
    """
    arguments: dict[str, Any] = {"kind": kind} if kind in PICTURES else {"most": most}
    if kind == "pdf":
        arguments["seconds"] = seconds * _SHARE
    value: dict[str, Any] = await call_in_child(
        _READERS[kind], arguments, data, limits=ChildLimits(seconds, PARSING_MB, output_bytes=64 * 2**20)
    )
    return value


def _inline(document: Document, most: int) -> Parsed:
    pages = pages_of((document.text or "").strip())
    notes = [f"it has {len(pages):,} pages; only the first {most} are read"] if len(pages) > most else []
    value = {"title": "", "pages": pages[:most], "total": len(pages), "notes": notes}
    return parsed("text", value, document.title, b"")


async def _ask(function: str, arguments: dict[str, Any], data: bytes, limits: ChildLimits, id: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = await call_in_child(
            f"adjudge.tools.documents.{function}", arguments, data, limits=limits
        )
    except ChildError as error:
        raise ToolError(f"the document {shorten(id)} cannot be read: {error}") from error
    return value
