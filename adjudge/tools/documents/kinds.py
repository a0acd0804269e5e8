"""What a file is, by its content; its name decides only among kinds of text, and is checked against the content.

kind_of(b"%PDF-1.7 …", "report.pdf")  # "pdf"
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, get_args

from adjudge.errors import ToolError, shorten

Kind = Literal["pdf", "docx", "png", "jpeg", "html", "csv", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PICTURES = ("png", "jpeg")  # without any text of their own
READABLE = "PDF, DOCX, HTML, PNG, JPEG, CSV, TSV, Markdown and plain text"
_SUFFIXES: dict[str, Kind] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "csv",
    ".tsv": "csv",
}
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .doc and of encrypted .docx
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD = 4096  # bytes that are looked at


def kind_of(data: bytes, name: str = "") -> Kind:
    """The kind of a file.

    Args:
        data: Its content.
        name: Its name or path; empty when it has none.

    Raises:
        ToolError: The content is empty, of no readable kind, or not what the name promises.
    """
    found = _by_content(data)
    named = _SUFFIXES.get(PurePath(name).suffix.lower())
    if found == "text":
        if named in ("html", "csv"):
            return named
        if named is not None:
            raise ToolError(f"the file {shorten(name)} is named as {named.upper()}, but its content is text")
    return found


def _by_content(data: bytes) -> Kind:
    head = data[:_HEAD]
    if not data:
        raise ToolError("the file is empty")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"PK"):
        if b"word/document.xml" in data:
            return "docx"
        raise ToolError(f"the file is an archive, but no DOCX; readable are {READABLE}")
    if head.startswith(_OFFICE):
        raise ToolError("the file is encrypted, or of an old Office format; it must be a DOCX without a password")
    if b"\0" in head and not head.startswith(_UTF16):
        raise ToolError(f"the file is binary and of no known kind; readable are {READABLE}")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html")) or (start.startswith((b"<?xml", b"<!--")) and b"<html" in start):
        return "html"
    return "text"
