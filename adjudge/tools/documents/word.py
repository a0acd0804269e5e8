"""Read DOCX: paragraphs, headings, lists and tables of the body, as Markdown. Runs in a child process.

Only the parts that hold the body, the style names and the title are ever unpacked. Headers, footers, footnotes,
comments, text boxes' fallbacks and deleted text are left out. Pages are those that the program which saved the file
noted down; without such notes, text is cut as plain text is.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from adjudge.errors import ToolError
from adjudge.tools.documents.content import content
from adjudge.tools.documents.layout import row_of, rule_of
from adjudge.tools.documents.pieces import pages_of

MOST_PARTS = 5000  # files in the archive
MOST_UNPACKED = 300 * 2**20  # bytes that all of them claim to have
MOST_PART = 60 * 2**20  # bytes of a part that is unpacked
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"  # ISO strict files use other names
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_SKIPPED = frozenset(("del", "delText", "instrText", "Fallback", "moveFrom", "pPr", "rPr", "tblPr", "sectPr"))
_BREAK = "\f"


def read(data: bytes, most: int) -> dict[str, Any]:
    """The pages of a DOCX.

    Args:
        data: The file.
        most: How many pages are read.

    Raises:
        ToolError: The archive is damaged or a bomb, or its XML is malformed or declares entities.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive)
            body = _part(archive, "word/document.xml")
            styles = _part(archive, "word/styles.xml")
            core = _part(archive, "docProps/core.xml")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        # RuntimeError: a member needs a password. OSError: a member's offset lies outside the file.
        raise ToolError(f"the DOCX is damaged or cut off, so it cannot be read ({error})") from error
    if body is None:
        raise ToolError("the file is an archive without a document in it, so it is no DOCX")
    found = body.find(f"{_space(body)}body")
    names = {} if styles is None else _style_names(styles)
    text = "" if found is None else "\n\n".join(_blocks(found, names))
    pages = pages_of(text)
    notes = [f"it has {len(pages)} pages; only the first {most} are read"] if len(pages) > most else []
    title = "" if core is None else str(core.findtext(_TITLE) or "")
    return content(pages[:most], title=title, total=len(pages), notes=notes)


def _check(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MOST_PARTS:
        raise ToolError(f"the DOCX holds {len(members):,} files, more than {MOST_PARTS:,}: it looks like a zip bomb")
    size = sum(member.file_size for member in members)
    if size > MOST_UNPACKED:
        raise ToolError(
            f"the DOCX would unpack to {size // 2**20:,} MiB, more than {MOST_UNPACKED // 2**20}: "
            "it looks like a zip bomb"
        )


def _part(archive: zipfile.ZipFile, name: str) -> Any:
    """The root element of a part, or None where there is no such part."""
    from lxml import etree  # type: ignore[import-untyped]  # ships no types

    try:
        member = archive.getinfo(name)
    except KeyError:
        return None
    with archive.open(member) as stream:
        raw = stream.read(MOST_PART + 1)  # what is unpacked is counted, whatever the archive claims
    if len(raw) > MOST_PART:
        raise ToolError(f"the part {name} of the DOCX is larger than {MOST_PART // 2**20} MiB")
    _refuse_entities(raw, name)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise ToolError(f"the part {name} of the DOCX is malformed XML: {error.msg}") from error


def _refuse_entities(raw: bytes, name: str) -> None:
    """Refuse a document type, where entities would be declared: no such file has one, and bombs need one."""

    def declared(*_: object) -> None:
        raise ToolError(f"the part {name} of the DOCX declares a document type, which may hide an XML bomb: refused")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise ToolError(f"the part {name} of the DOCX is malformed XML: {error}") from error


def _space(element: Any) -> str:
    return _STRICT if element.tag.startswith(_STRICT) else _WORD


def _style_names(styles: Any) -> dict[str, str]:
    """Names of the styles by their ids; names are English in every language, ids are not."""
    space = _space(styles)
    names = {}
    for style in styles.iter(f"{space}style"):
        name = style.find(f"{space}name")
        if name is not None:
            names[style.get(f"{space}styleId", "")] = name.get(f"{space}val", "").lower()
    return names


def _blocks(parent: Any, names: dict[str, str]) -> Iterator[str]:
    """Paragraphs and tables in their order; content controls and tracked insertions are looked into."""
    for child in parent:
        kind = _name(child)
        if kind == "p":
            if text := _paragraph(child, names):
                yield text
        elif kind == "tbl":
            if text := _table(child):
                yield text
        elif kind in ("sdt", "sdtContent", "ins", "customXml", "moveTo"):
            yield from _blocks(child, names)


def _paragraph(paragraph: Any, names: dict[str, str]) -> str:
    text = "".join(_text(paragraph))
    space = _space(paragraph)
    style = paragraph.find(f"{space}pPr/{space}pStyle")
    name = "" if style is None else names.get(style.get(f"{space}val", ""), "")
    bare = text.strip(" \n\t")
    if not bare.strip(_BREAK):
        return bare
    before = _BREAK if bare.startswith(_BREAK) else ""
    if name == "title" or name.startswith("heading "):
        level = int(name[8:]) if name[8:].isdecimal() else 1
        return f"{before}{'#' * min(level, 6)} {bare.strip(_BREAK)}"
    if paragraph.find(f"{space}pPr/{space}numPr") is not None or name.startswith("list "):
        return f"{before}- {bare.strip(_BREAK)}"
    return bare


def _text(element: Any) -> Iterator[str]:
    """The characters of an element, page breaks as form feeds."""
    for child in element:
        kind = _name(child)
        if kind in _SKIPPED:
            continue
        if kind == "t":
            yield (child.text or "").replace(_BREAK, " ")
        elif kind == "tab":
            yield "\t"
        elif kind == "lastRenderedPageBreak" or (kind == "br" and child.get(f"{_space(child)}type") == "page"):
            yield _BREAK
        elif kind in ("br", "cr"):
            yield "\n"
        elif kind == "noBreakHyphen":
            yield "-"
        else:
            yield from _text(child)


def _table(table: Any) -> str:
    """A table as Markdown, the first row as its header; a cell that spans columns is followed by empty ones."""
    space = _space(table)
    rows: list[list[str]] = []
    for row in table.iter(f"{space}tr"):
        if next(row.iterancestors(f"{space}tbl")) is not table:
            continue  # a table in a cell: its text is part of that cell
        cells: list[str] = []
        for cell in row.iter(f"{space}tc"):
            if next(cell.iterancestors(f"{space}tr")) is not row:
                continue
            cells.append(" ".join("".join(_text(part)).replace(_BREAK, " ") for part in cell).strip())
            span = cell.find(f"{space}tcPr/{space}gridSpan")
            wide = "1" if span is None else span.get(f"{space}val", "1")
            cells += [""] * (min(int(wide), 100) - 1 if wide.isdecimal() else 0)
        if cells:
            rows.append(cells)
    width = max(map(len, rows), default=0)
    lines = [row_of([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([*lines[:1], rule_of(width), *lines[1:]]) if lines else ""


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""  # comments have a function for a tag
