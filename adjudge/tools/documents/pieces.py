"""Cut text into pages, and pages into passages; a table is cut between rows, and each part begins with its header.

pages = pages_of(text)
pieces = passages_of([Line(line) for line in pages[0].split("\\n")])
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from adjudge.tools.corpus.passages import PASSAGE_CHARS, clean, pieces_of
from adjudge.tools.documents.layout import Box, Line, union

PAGE_CHARS = 4000  # of a page where the format has none
_RULE = re.compile(r"\|(?: *:?-+:? *\|)+\s*")
_PARAGRAPH = re.compile(r"\n\s*\n")


class Piece(NamedTuple):
    """A passage of a page, and where on it, where that is known."""

    text: str
    box: Box | None = None


def pages_of(text: str) -> list[str]:
    """Text cut at form feeds, and what is longer than `PAGE_CHARS` at paragraphs, else lines, else words."""
    pages: list[str] = []
    for part in text.replace("\r\n", "\n").split("\f"):
        pages += _pages(part.strip("\n")) or [""]
    while pages and not pages[-1].strip():
        pages.pop()
    return pages


def _pages(text: str) -> list[str]:
    pages: list[str] = []
    for block in _blocks(text):
        if pages and len(pages[-1]) + len(block) + 2 <= PAGE_CHARS:
            pages[-1] += f"\n\n{block}"
        else:
            pages.append(block)
    return pages


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and tables, none longer than a page."""
    for paragraph in filter(str.strip, _PARAGRAPH.split(text)):
        lines = [Line(line) for line in paragraph.split("\n")]
        if len(paragraph) > PAGE_CHARS and _is_table(lines):
            yield from (piece.text for piece in _rows(lines, PAGE_CHARS))
            continue
        start = 0
        while start < len(paragraph):
            end = start + PAGE_CHARS
            if end < len(paragraph):
                border = max(paragraph.rfind(mark, start + PAGE_CHARS // 2, end) for mark in "\n ")
                end = border if border > 0 else end
            yield paragraph[start:end].strip()
            start = end


def passages_of(lines: Sequence[Line]) -> list[Piece]:
    """The passages of a page, first to last, each of up to `PASSAGE_CHARS` characters."""
    pieces: list[Piece] = []
    for barred, group in groupby(lines, key=lambda line: line.text.lstrip().startswith("|")):
        run = list(group)
        for piece in _rows(run, PASSAGE_CHARS) if barred and _is_table(run) else _prose(run):
            if pieces and len(pieces[-1].text) + len(piece.text) + 2 <= PASSAGE_CHARS:
                last = pieces[-1]
                pieces[-1] = Piece(f"{last.text}\n\n{piece.text}", union([last.box, piece.box]))
            else:
                pieces.append(piece)
    return pieces


def _is_table(lines: Sequence[Line]) -> bool:
    return len(lines) > 1 and _RULE.fullmatch(lines[1].text.strip()) is not None


def _rows(lines: Sequence[Line], limit: int) -> list[Piece]:
    head, rows = lines[:2], lines[2:]
    title = "\n".join(line.text for line in head)
    parts: list[list[Line]] = [[]]
    size = len(title)
    for row in rows:
        if parts[-1] and size + len(row.text) + 1 > limit:
            parts.append([])
            size = len(title)
        parts[-1].append(row)
        size += len(row.text) + 1
    pieces = []
    for number, part in enumerate(parts):
        text = "\n".join([title, *(row.text for row in part)])
        box = union(line.box for line in ([*head, *part] if number == 0 else part))
        # A row longer than a passage is cut like prose.
        pieces += [Piece(text, box)] if len(text) <= limit else [Piece(cut, box) for cut in pieces_of(text)]
    return pieces


def _prose(lines: Sequence[Line]) -> list[Piece]:
    if all(line.box is None for line in lines):
        return [Piece(clean(text)) for text in pieces_of("\n".join(line.text for line in lines).strip())]
    pieces: list[Piece] = []
    for line in lines:
        for text in pieces_of(line.text):
            if pieces and len(pieces[-1].text) + len(text) + 1 <= PASSAGE_CHARS:
                pieces[-1] = Piece(f"{pieces[-1].text}\n{text}", union([pieces[-1].box, line.box]))
            else:
                pieces.append(Piece(text, line.box))
    return pieces
