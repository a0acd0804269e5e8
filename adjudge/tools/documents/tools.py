"""The two tools: `read_document` for text, `view_page` for a look at a page."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from adjudge.errors import ConfigError, MissingPackage, ToolError
from adjudge.tools.base import Tool, ToolContext, ToolOutput, tool
from adjudge.tools.corpus.index import PassageIndex
from adjudge.tools.corpus.passages import Passage
from adjudge.tools.corpus.words import query_words
from adjudge.tools.documents.content import Parsed
from adjudge.tools.documents.kinds import PICTURES
from adjudge.tools.documents.layout import Line
from adjudge.tools.documents.opening import checked_root
from adjudge.tools.documents.pieces import Piece, passages_of
from adjudge.tools.documents.shelf import Rules, Shelf, shelf_of
from adjudge.types import Document, Evidence, Frozen

MOST_PAGES, MAX_K = 2000, 50
MIN_SECONDS, MAX_SECONDS = 5.0, 55.0  # a tool call as a whole has 60
MIN_SIDE, MAX_SIDE = 256, 4096
PASSAGES = 12  # of one page that is asked for without a question
PICTURES_AT_ONCE = 4  # pages whose text is read off their picture in one call
LISTED_PAGES = 40  # whose first lines an overview shows
FIRST_CHARS = 100  # of a page in an overview
QUERY_CHARS = 2000  # what is read of a question
_INSTALL = "pip install pypdfium2 pillow lxml trafilatura"
_INSTALL_OCR = "pip install rapidocr onnxruntime"


class DocumentSettings(Frozen):
    """What both tools share. Documents of the case that are given as `text` are always open."""

    root: str | None = Field(
        default=None,
        min_length=1,
        description="Folder under which documents given by `path` may be read, relative to the graph file; "
        "null: none may.",
    )
    max_pages: int = Field(default=200, ge=1, le=MOST_PAGES, description="How many pages of a document are read.")
    seconds: float = Field(
        default=45.0, ge=MIN_SECONDS, le=MAX_SECONDS, description="Longest parsing or reading in one call, in seconds."
    )
    ocr: bool = Field(default=True, description="Whether text on pictures is read.")


class ReadDocumentSettings(DocumentSettings):
    """`{kind: read_document, root: ./documents}` in a graph file."""

    kind: Literal["read_document"]
    k: int = Field(default=5, ge=1, le=MAX_K, description="Most passages that answer a question.")


class ViewPageSettings(DocumentSettings):
    """`{kind: view_page, root: ./documents}` in a graph file."""

    kind: Literal["view_page"]
    max_side: int = Field(
        default=1024, ge=MIN_SIDE, le=MAX_SIDE, description="Longer side of the picture shown, in pixels."
    )


def build_read_document(settings: ReadDocumentSettings, base: Path) -> Tool:
    """The tool that a graph file asks for; a relative root is resolved against `base`, the graph file's folder."""
    root = None if settings.root is None else base / Path(settings.root).expanduser()
    return read_document(root, max_pages=settings.max_pages, seconds=settings.seconds, ocr=settings.ocr, k=settings.k)


def build_view_page(settings: ViewPageSettings, base: Path) -> Tool:
    """The tool that a graph file asks for; a relative root is resolved against `base`, the graph file's folder."""
    root = None if settings.root is None else base / Path(settings.root).expanduser()
    return view_page(
        root, max_pages=settings.max_pages, seconds=settings.seconds, ocr=settings.ocr, max_side=settings.max_side
    )


def read_document(
    root: str | Path | None = None,
    *,
    max_pages: int = 200,
    seconds: float = 45.0,
    ocr: bool = True,
    k: int = 5,
    name: str = "read_document",
) -> Tool:
    """A tool that reads the documents of the case: PDF, DOCX, HTML, PNG, JPEG, CSV and text.

    Args:
        root: The folder under which documents given by `path` may be read; None: only those given as text.
        max_pages: How many pages of a document are read, 1 to 2000.
        seconds: Longest parsing or reading in one call, 5 to 55.
        ocr: Whether text on pictures is read.
        k: Most passages that answer a question, 1 to 50.
        name: The tool's name for the model.

    Raises:
        ConfigError: A setting is out of its range, or the root is no folder.
        MissingPackage: A package that reads one of the formats is not installed.
    """
    rules = _rules(root, max_pages, seconds, ocr)
    _check("k", k, 1, MAX_K)

    async def read(id: str, context: ToolContext, page: int | None = None, question: str = "") -> ToolOutput:
        """Read a document that belongs to this case, given by its id: PDF, DOCX, HTML, a picture, a table or text.

        With neither page nor question you get an overview: how many pages it has, and how each begins (a document of
        a single page is shown at once). With a page you get that page. With a question you get the passages of the
        document, or of that page, that share the most words with it, best first. Tables are Markdown. Each passage
        says where it stands: `id#page=3`, and for text read off a picture also the region
        `x0,y0,x1,y1` of the page, from 0 to 1 from its top left corner.

        Args:
            id: The document's id, as the case names it.
            page: Number of the page to read, counted from 1.
            question: What you want to know, in words that the passage would contain.
        """
        shelf = shelf_of(context, rules)
        document, opened = await shelf.open(id)
        if page is not None:
            _check_page(page, opened)
        pages = [page] if page is not None else list(range(1, len(opened.pages) + 1))
        if question.strip():
            return await _answer(shelf, document, opened, pages, question, k)
        if len(pages) == 1:
            return await _whole(shelf, document, opened, pages[0])
        return ToolOutput(_overview(document, opened))

    return tool(read, name=name, fingerprint=f"{_versions()}:{max_pages}:{ocr}:{k}")


def view_page(
    root: str | Path | None = None,
    *,
    max_pages: int = 200,
    seconds: float = 45.0,
    ocr: bool = True,
    max_side: int = 1024,
    name: str = "view_page",
) -> Tool:
    """A tool that shows a page as a picture to a model with eyes, and gives any other its text.

    Args:
        root: As for `read_document`.
        max_pages: As for `read_document`.
        seconds: As for `read_document`.
        ocr: As for `read_document`.
        max_side: Longer side of the picture, in pixels, 256 to 4096.
        name: The tool's name for the model.

    Raises:
        ConfigError: A setting is out of its range, or the root is no folder.
        MissingPackage: A package that reads one of the formats is not installed.
    """
    rules = _rules(root, max_pages, seconds, ocr)
    _check("max_side", max_side, MIN_SIDE, MAX_SIDE)

    async def view(id: str, context: ToolContext, page: int = 1) -> ToolOutput:
        """Look at a page of a document that belongs to this case: its layout, figures, tables, handwriting, stamps.

        If you can see pictures you are shown the page as one; if not, or if the document has no pages that can be
        shown (DOCX, HTML, tables, text), you get its text.

        Args:
            id: The document's id, as the case names it.
            page: Number of the page, counted from 1.
        """
        shelf = shelf_of(context, rules)
        document, opened = await shelf.open(id)
        _check_page(page, opened)
        if not (context.eyes and opened.data):
            return await _whole(shelf, document, opened, page)
        url, width, height = await shelf.show(document, opened, page, max_side)
        place = f"page {page} of {opened.total}"
        seen = f"[{place} as a picture of {width} × {height} pixels]"
        evidence = Evidence(excerpt=seen, source=f"{document.id}#page={page}", title=_title(document, opened))
        return ToolOutput("", (evidence,), (url,))

    return tool(view, name=name, fingerprint=f"{_versions()}:{max_pages}:{ocr}:{max_side}")


class _Found(NamedTuple):
    page: int
    piece: Piece


async def _whole(shelf: Shelf, document: Document, opened: Parsed, page: int) -> ToolOutput:
    """A page in full, or as much of it as one reply holds."""
    await shelf.read_pictures(document, opened, [page])
    pieces = passages_of(_lines(opened, page))
    notes = list(opened.notes)
    if len(pieces) > PASSAGES:
        notes.append(
            f"the page is long: {PASSAGES} of its {len(pieces)} passages are shown; ask a question about it for others"
        )
    if not pieces:
        notes.append(f"page {page} of {opened.total} has no text")
    evidence = [_evidence(document, opened, _Found(page, piece)) for piece in pieces[:PASSAGES]]
    return ToolOutput("\n".join(notes), tuple(evidence))


async def _answer(
    shelf: Shelf, document: Document, opened: Parsed, pages: Sequence[int], question: str, k: int
) -> ToolOutput:
    """The passages that bear on a question, best first."""
    wanted = query_words(question[:QUERY_CHARS])
    if not wanted:
        raise ToolError("the question has no word to search for; use names or terms, not only words like 'the'")
    notes = list(opened.notes)
    unread = [page for page in pages if opened.pages[page - 1].lines is None]
    if unread:
        await shelf.read_pictures(document, opened, unread[:PICTURES_AT_ONCE])
        if left := [page for page in unread if opened.pages[page - 1].lines is None]:
            notes.append(f"pages that are pictures and have not been read yet: {_ranges(left)}; ask again for more")
    found = [
        _Found(page, piece)
        for page in pages
        if opened.pages[page - 1].lines is not None
        for piece in passages_of(_lines(opened, page))
    ]
    title = _title(document, opened)
    index = PassageIndex(lambda: [Passage(str(number), title, item.piece.text) for number, item in enumerate(found)])
    hits = index.search(wanted, k)
    evidence = [
        _evidence(document, opened, found[int(hit.passage.source)]).model_copy(update={"score": hit.score})
        for hit in hits
    ]
    if not evidence:
        where = f"page {pages[0]}" if len(pages) == 1 else "what was read of the document"
        notes.append(f"nothing in {where} shares a word with the question; try other words, or read it by page")
    return ToolOutput("\n".join(notes), tuple(evidence))


def _overview(document: Document, opened: Parsed) -> str:
    """What a document is and how its pages begin."""
    kind = "text" if opened.kind == "text" else opened.kind.upper()
    lines = [f"{document.id}: {kind} of {opened.total} pages", f"title: {_title(document, opened)}", *opened.notes, ""]
    for number, page in enumerate(opened.pages[:LISTED_PAGES], 1):
        beginning = "[a picture; its text has not been read yet]" if page.lines is None else _beginning(page.text)
        lines.append(f"page {number}: {beginning}")
    if len(opened.pages) > LISTED_PAGES:
        lines.append(f"… pages {LISTED_PAGES + 1} to {len(opened.pages)} are not listed")
    return "\n".join([*lines, "", "Read on with a page, or with a question."])


def _beginning(text: str) -> str:
    start = " ".join(text[: 4 * FIRST_CHARS].split())
    return start if len(start) <= FIRST_CHARS else f"{start[:FIRST_CHARS]}…"


def _evidence(document: Document, opened: Parsed, found: _Found) -> Evidence:
    source = f"{document.id}#page={found.page}"
    if found.piece.box is not None:
        source += "&region=" + ",".join(f"{place:.3f}".rstrip("0").rstrip(".") for place in found.piece.box)
    return Evidence(excerpt=found.piece.text, source=source, title=_title(document, opened))


def _title(document: Document, opened: Parsed) -> str:
    return document.title or opened.title or document.id


def _lines(opened: Parsed, page: int) -> list[Line]:
    return opened.pages[page - 1].lines or []


def _check_page(page: int, opened: Parsed) -> None:
    if 1 <= page <= len(opened.pages):
        return
    if 1 <= page <= opened.total:
        raise ToolError(f"page {page} lies beyond what is read: the first {len(opened.pages)} of {opened.total} pages")
    raise ToolError(f"there is no page {page}; the document has {opened.total}, counted from 1")


def _ranges(pages: Sequence[int]) -> str:
    """Numbers in order, runs shortened: 3, 5–9."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:20]]
    return ", ".join([*shown, "…"] if len(runs) > 20 else shown)


def _rules(root: str | Path | None, max_pages: int, seconds: float, ocr: bool) -> Rules:
    _check("max_pages", max_pages, 1, MOST_PAGES)
    _check("seconds", seconds, MIN_SECONDS, MAX_SECONDS)
    packages = {"pypdfium2": _INSTALL, "PIL": _INSTALL, "lxml": _INSTALL, "trafilatura": _INSTALL}
    if ocr:
        packages |= {"rapidocr": _INSTALL_OCR, "onnxruntime": _INSTALL_OCR}
    for package, install in packages.items():
        if find_spec(package) is None:
            raise MissingPackage(package, needed_for="reading documents", install=install)
    return Rules(checked_root(root), max_pages, seconds, ocr)


def _check(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{key} must lie from {low:g} to {high:g}", key=key, found=value)


def _versions() -> str:
    """What a document's text depends on beside the document."""
    found = []
    for package in ("pypdfium2", "trafilatura", "rapidocr"):
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append("")
    return ":".join(found)


__all__ = [
    "PICTURES",
    "DocumentSettings",
    "ReadDocumentSettings",
    "ViewPageSettings",
    "build_read_document",
    "build_view_page",
    "read_document",
    "view_page",
]
