"""Read plain text, Markdown, HTML and CSV. Runs in a child process."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from adjudge.errors import ToolError
from adjudge.tools.corpus.passages import load_trafilatura
from adjudge.tools.documents.content import content
from adjudge.tools.documents.layout import row_of, rule_of
from adjudge.tools.documents.pieces import pages_of

ROWS = 50  # of a table on one page
MOST_COLUMNS = 200
CELL_CHARS = 500  # longest cell; the rest of a longer one is left out
_DELIMITERS = (",", ";", "\t", "|", "#")  # the last is what some published tables use
_SAMPLE = 20  # lines by which the delimiter is chosen
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def text(data: bytes, most: int) -> dict[str, Any]:
    """The pages of a text or Markdown file: cut at form feeds, else into about 4,000 characters."""
    written = _decode(data)
    heading = re.search(r"^#{1,6} +(.+)", written, re.MULTILINE)
    return _paged(written, most, heading.group(1).strip(" #") if heading else "")


def html(data: bytes, most: int) -> dict[str, Any]:
    """The main part of a page as Markdown, by trafilatura; all of its text where it finds none."""
    reader = load_trafilatura()
    page = reader.bare_extraction(data, with_metadata=True)
    main = reader.extract(data, output_format="markdown", include_tables=True)
    return _paged(main or _all_text(data), most, (page and page.title) or "")


def table(data: bytes, most: int) -> dict[str, Any]:
    """A table as Markdown, so many rows a page, each page with the header.

    The delimiter is the one of comma, semicolon, tab, bar and hash that cuts the first lines into the most equal
    columns. A formula is text like any other.
    """
    lines = io.StringIO(_decode(data), newline="")
    csv.field_size_limit(len(data) + 1)
    start = [line for line, _ in zip(lines, range(_SAMPLE), strict=False)]
    lines.seek(0)
    try:
        rows = [_row(row) for row in csv.reader(lines, delimiter=_delimiter(start)) if any(map(str.strip, row))]
    except csv.Error as error:
        raise ToolError(f"the table cannot be read: {error}") from error
    if not rows:
        raise ToolError("the table has no rows")
    head, body = rows[0], rows[1:]
    blocks = [body[start : start + ROWS] for start in range(0, len(body), ROWS)] or [[]]
    notes = [f"it has {len(body):,} rows, {ROWS} a page; only the first {most} pages are read"]
    width = max(map(len, rows))
    return content(
        [_markdown(head, block, width) for block in blocks[:most]],
        total=len(blocks),
        notes=notes if len(blocks) > most else (),
    )


def _row(cells: list[str]) -> list[str]:
    short = [cell if len(cell) <= CELL_CHARS else f"{cell[:CELL_CHARS]}…" for cell in cells[:MOST_COLUMNS]]
    return [*short, f"… {len(cells) - MOST_COLUMNS} more"] if len(cells) > MOST_COLUMNS else short


def _markdown(head: list[str], rows: list[list[str]], width: int) -> str:
    lines = [row_of([*row, *[""] * (width - len(row))]) for row in (head, *rows)]
    return "\n".join([lines[0], rule_of(width), *lines[1:]])


def _delimiter(lines: list[str]) -> str:
    def columns(delimiter: str) -> tuple[int, int]:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return 0, 0
        most = max(set(counts), key=counts.count, default=1)
        return (counts.count(most), most) if most > 1 else (0, 0)

    return max(_DELIMITERS, key=columns)


def _paged(written: str, most: int, title: str) -> dict[str, Any]:
    pages = pages_of(written)
    if not pages:
        raise ToolError("the document has no text")
    notes = [f"it has {len(pages):,} pages; only the first {most} are read"] if len(pages) > most else []
    return content(pages[:most], title=title, total=len(pages), notes=notes)


def _decode(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else Windows' Western alphabet, which every byte has a meaning in.

    Raises:
        ToolError: It is binary.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        written = data.decode("utf-16", "replace")
    else:
        try:
            written = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            written = data.decode("cp1252", "replace")
    if len(_CONTROL.findall(written[:100_000])) > len(written[:100_000]) // 50:
        raise ToolError("the file is binary and of no known kind")
    return _CONTROL.sub("", written)


def _all_text(data: bytes) -> str:
    from lxml import etree  # type: ignore[import-untyped]  # ships no types
    from lxml import html as markup

    try:
        root = markup.fromstring(data)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    etree.strip_elements(root, "script", "style", "head", with_tail=False)
    return "\n\n".join(line.strip() for line in root.itertext() if line.strip())
