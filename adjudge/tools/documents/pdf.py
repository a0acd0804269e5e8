"""Read PDF with pdfium: text by page, tables as Markdown, pages as pictures. Runs in a child process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ctypes import byref, c_double
from typing import TYPE_CHECKING, Any

from adjudge.errors import ToolError
from adjudge.tools.documents.content import content
from adjudge.tools.documents.layout import Box, Cell, markdown, union

if TYPE_CHECKING:
    from PIL.Image import Image

PAGE_CHARS = 200_000  # of one page; a page with more is cut
SCANNED_CHARS = 8  # a page with less text and a picture on it is taken for a scanned one
_GAP = 1.2  # times the height of a line: a wider gap parts two cells
_PASSWORD = 4  # FPDF_ERR_PASSWORD


def read(data: bytes, most: int, seconds: float) -> dict[str, Any]:
    """The pages of a PDF.

    Args:
        data: The file.
        most: How many pages are read.
        seconds: After this time the pages read so far are returned.

    Raises:
        ToolError: It is no PDF, needs a password, or has no pages.
    """
    deadline = time.monotonic() + seconds
    pdf = open_pdf(data)
    total = len(pdf)
    pages: list[str | None] = []
    notes = [f"it has {total} pages; only the first {most} are read"] if total > most else []
    for number in range(min(total, most)):
        if time.monotonic() > deadline:
            notes.append(f"only the first {number} of {total} pages could be read in time")
            break
        pages.append(_page(pdf, number, notes))
    return content(pages, title=_title(pdf), total=total, notes=notes)


def open_pdf(data: bytes) -> Any:
    """The document, with at least one page.

    Raises:
        ToolError: It cannot be opened.
    """
    import pypdfium2  # type: ignore[import-untyped]  # ships no types

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise ToolError("the PDF is encrypted and needs a password, so it cannot be read") from error
        raise ToolError("the file begins like a PDF, but is malformed or cut off, so it cannot be read") from error
    if len(pdf) < 1:
        raise ToolError("the PDF has no pages: it is malformed or cut off")
    return pdf


def render(data: bytes, page: int, side: int) -> Image:
    """A page as a picture whose longer side has about `side` pixels.

    Raises:
        ToolError: The PDF or the page cannot be read.
    """
    import pypdfium2

    pdf = open_pdf(data)
    if not 1 <= page <= len(pdf):
        raise ToolError(f"there is no page {page}; the PDF has {len(pdf)}")
    try:
        sheet = pdf[page - 1]
        longest = max(sheet.get_size())
        if not longest > 0:
            raise ToolError(f"page {page} has no size")
        picture: Image = sheet.render(scale=side / longest).to_pil()
    except (pypdfium2.PdfiumError, ValueError) as error:
        raise ToolError(f"page {page} of the PDF is malformed and cannot be shown") from error
    return picture.convert("RGB")


def _title(pdf: Any) -> str:
    return str(pdf.get_metadata_value("Title") or "")


def _page(pdf: Any, number: int, notes: list[str]) -> str | None:
    import pypdfium2

    try:
        sheet = pdf[number]
        text_page = sheet.get_textpage()
        text = "\n".join(line.text for line in markdown(list(_lines(text_page, sheet.get_height())))).strip()
        scanned = len(text) < SCANNED_CHARS and _has_picture(sheet, bool(text))
        text_page.close()
        sheet.close()
    except pypdfium2.PdfiumError:
        notes.append(f"page {number + 1} is malformed and was left out")
        return ""
    return None if scanned else text


def _has_picture(sheet: Any, has_text: bool) -> bool:
    """Whether a page holds a picture, or, where it has no text, anything that is drawn."""
    from pypdfium2 import raw

    count = raw.FPDFPage_CountObjects(sheet)
    if not has_text:
        return bool(count > 0)
    kinds = {raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(sheet, index)) for index in range(min(count, 100))}
    return bool(kinds & {raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM})


def _lines(text_page: Any, height: float) -> Iterator[list[Cell]]:
    """Lines in the order of the file, cut into cells at wide gaps."""
    line: list[Cell] = []
    for cell in _cells(text_page, height):
        # A file may write a table cell by cell: what stands beside them at the same height goes on with the line.
        if line and not all(_level(other.box, cell.box) and _apart(other.box, cell.box) > 0 for other in line[-50:]):
            yield line
            line = []
        line.append(cell)
    if line:
        yield line


def _level(one: Box, other: Box) -> bool:
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    return shared > 0.5 * min(one.y1 - one.y0, other.y1 - other.y0)


def _apart(one: Box, other: Box) -> float:
    """The gap between two boxes from side to side, whichever stands left; negative where they overlap."""
    return max(other.x0 - one.x1, one.x0 - other.x1)


def _cells(text_page: Any, height: float) -> Iterator[Cell]:
    from pypdfium2 import raw

    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    places = byref(left), byref(right), byref(bottom), byref(top)
    handle = text_page.raw
    text: list[str] = []
    boxes: list[Box] = []

    def cell() -> Iterator[Cell]:
        if (around := union(boxes)) is not None:
            yield Cell(_joined(text), around)
        text.clear()
        boxes.clear()

    for index in range(min(text_page.count_chars(), PAGE_CHARS)):
        code = raw.FPDFText_GetUnicode(handle, index)
        character = chr(code) if 0 < code < 0x110000 else " "
        if character in "\r\n":
            yield from cell()
        elif character.isspace():
            text.append(" ")
        else:
            raw.FPDFText_GetCharBox(handle, index, *places)
            box = Box(left.value, height - top.value, right.value, height - bottom.value)
            if boxes and _apart(boxes[-1], box) > _GAP * max(b.y1 - b.y0 for b in (*boxes[-2:], box)):
                yield from cell()
            text.append(character)
            boxes.append(box)
    yield from cell()


def _joined(characters: list[str]) -> str:
    # U+0002 and U+FFFE are how pdfium marks a hyphen at a line's end.
    return "".join(characters).replace("\u0002", "-").replace("\ufffe", "-").strip()
