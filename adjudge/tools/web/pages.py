"""From what a server sent to the passages that bear on a question."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from adjudge.errors import ToolError
from adjudge.tools.child import ChildError, ChildLimits, call_in_child
from adjudge.tools.corpus.index import best, bm25_of
from adjudge.tools.corpus.passages import clean, pieces_of
from adjudge.tools.corpus.words import query_words
from adjudge.tools.web.markup import codec_of

if TYPE_CHECKING:
    from adjudge.tools.web.client import Answer

MAX_HTML = 2_000_000  # bytes of a page that are parsed
MAX_TEXT = 1_000_000  # characters of its text that are cut into passages
PARSE_SECONDS = 10.0
PARSE_MEMORY_MB = 1024  # of address space
TITLE_CHARS = 300
QUESTION_CHARS = 2000  # what is read of a question
_HTML = ("text/html", "application/xhtml+xml")
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"\x7fELF", b"MZ")
_SPACE = re.compile(r"\s+")

ReadPdf = Callable[[bytes], Awaitable[Sequence[tuple[int, str]]]]


class Piece(NamedTuple):
    """A passage of a page."""

    place: str  # what its source adds to the URL: empty, or `#page=3` of a PDF
    text: str


class Page(NamedTuple):
    """A page as text, in passages, first to last."""

    title: str
    pieces: list[Piece]


async def read_page(answer: Answer, read_pdf: ReadPdf | None) -> Page:
    """The text of what a server sent.

    Args:
        answer: What it sent.
        read_pdf: Reads a PDF into page numbers, counted from 1, and their text; None: PDFs are refused.

    Raises:
        ToolError: It is not what its content type says, or holds no text.
    """
    if answer.kind == "application/pdf":
        page = await _read_pdf(answer.body, read_pdf)
    else:
        _check_text(answer)
        title, text = await _read_html(answer) if answer.kind in _HTML else ("", _decode(answer))
        page = Page(_line(title), [Piece("", clean(piece)) for piece in pieces_of(text.strip()[:MAX_TEXT])])
    if not page.pieces:
        raise ToolError("the page holds no text; it may need JavaScript, so try another source")
    return page


def relevant(page: Page, question: str, k: int) -> tuple[list[int], bool]:
    """Numbers of the passages that share words with a question, in page order, and whether there are any.

    Args:
        page: The page.
        question: What is looked for; BM25 compares its words with those of each passage.
        k: Most passages.

    Returns:
        The best passages, or the first of the page when none shares a word with the question.
    """
    wanted = query_words(question[:QUESTION_CHARS])
    found = [number for number, _ in best(bm25_of(piece.text for piece in page.pieces), wanted, k)] if wanted else []
    return sorted(found) or list(range(min(k, len(page.pieces)))), bool(found)


async def _read_pdf(body: bytes, read_pdf: ReadPdf | None) -> Page:
    if read_pdf is None:
        raise ToolError("the page is a PDF, and PDF is not supported here; try another source")
    if b"%PDF-" not in body[:1024]:
        raise ToolError("the page says that it is a PDF, but it is none")
    pages = await read_pdf(body)
    return Page("", [Piece(f"#page={n}", clean(piece)) for n, text in pages for piece in pieces_of(text.strip())])


def _check_text(answer: Answer) -> None:
    wide = codec_of(answer.charset).startswith("utf-16") or answer.body[:2] in (b"\xff\xfe", b"\xfe\xff")
    if answer.body.lstrip()[:8].startswith(_BINARY) or (not wide and b"\0" in answer.body):
        raise ToolError(f"the page says that it is {answer.kind}, but it is binary")


async def _read_html(answer: Answer) -> tuple[str, str]:
    limits = ChildLimits(seconds=PARSE_SECONDS, memory_mb=PARSE_MEMORY_MB)
    arguments = {"charset": answer.charset}
    try:
        read = "adjudge.tools.web.markup:read"
        found = await call_in_child(read, arguments, answer.body[:MAX_HTML], limits=limits)
    except ChildError as error:
        raise ToolError(f"the page could not be parsed: {error}") from error
    return found["title"], found["text"]


def _decode(answer: Answer) -> str:
    default = "utf-16" if answer.body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = answer.body.decode(codec_of(answer.charset) or default, "replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _line(text: str) -> str:
    return clean(_SPACE.sub(" ", text).strip()[:TITLE_CHARS])
