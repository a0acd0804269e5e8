"""From pieces of text with their places on a page to lines of Markdown, with tables where the pieces stand in columns.

    lines = markdown(rows(cells))

What counts as a table is ours: at least two lines one after another with two or more cells each, whose cells leave
common vertical gaps. Cells of prose length in few columns are columns of prose, and are read one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

PROSE_CHARS = 30  # median length of a cell from which on few columns are prose
PROSE_COLUMNS = 3
_TOUCH = 0.5  # share of the lower one's height by which two cells overlap to stand on one line


class Box(NamedTuple):
    """A rectangle; the origin is at the top left, and units are the page's: [0, 1], or points."""

    x0: float
    y0: float
    x1: float
    y1: float


class Line(NamedTuple):
    """A cell, or a line of Markdown, and where it stands; without a box where that is not known."""

    text: str
    box: Box | None = None


class Cell(NamedTuple):
    """A run of text without a wide gap in it."""

    text: str
    box: Box


def union(boxes: Iterable[Box | None]) -> Box | None:
    """The smallest rectangle around all that are known."""
    known = [box for box in boxes if box is not None]
    if not known:
        return None
    return Box(min(b.x0 for b in known), min(b.y0 for b in known), max(b.x1 for b in known), max(b.y1 for b in known))


def rows(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Cells that stand side by side, together; lines from top to bottom, cells from left to right."""
    lines: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: (cell.box.y0 + cell.box.y1) / 2):
        if lines and _beside(lines[-1], cell):
            lines[-1].append(cell)
        else:
            lines.append([cell])
    return [sorted(line, key=lambda cell: cell.box.x0) for line in lines]


def _beside(line: Sequence[Cell], cell: Cell) -> bool:
    """Whether a cell stands on a line: as high as its cells on average, and over none of them."""
    top = sum(other.box.y0 for other in line) / len(line)
    bottom = sum(other.box.y1 for other in line) / len(line)
    shared = min(bottom, cell.box.y1) - max(top, cell.box.y0)
    lower = min(bottom - top, cell.box.y1 - cell.box.y0)
    return shared > _TOUCH * lower and not any(_overlap(other.box, cell.box) for other in line)


def _overlap(one: Box, other: Box) -> bool:
    """Whether two cells share more than a tenth of the narrower one's width."""
    shared = min(one.x1, other.x1) - max(one.x0, other.x0)
    return shared > 0.1 * min(one.x1 - one.x0, other.x1 - other.x0)


def markdown(lines: Sequence[Sequence[Cell]]) -> list[Line]:
    """Lines of cells as lines of Markdown."""
    written: list[Line] = []
    start = 0
    while start < len(lines):
        end = _end_of_run(lines, start)
        run = lines[start:end]
        columns = _columns(run) if len(run) > 1 else []
        if len(columns) > 1:
            written += _prose(run, columns) if _is_prose(run, columns) else _table(run, columns)
        else:
            written += [Line("  ".join(cell.text for cell in line), _around(line)) for line in run]
        start = end
    return written


def _end_of_run(lines: Sequence[Sequence[Cell]], start: int) -> int:
    """Where a run of lines with several cells ends; lines of one cell belong to it when more such lines follow."""
    if len(lines[start]) < 2:
        return start + 1
    end = start + 1
    while end < len(lines):
        if len(lines[end]) > 1:
            end += 1
        elif end + 1 < len(lines) and len(lines[end + 1]) > 1 and _fits(lines[start:end], lines[end][0]):
            end += 2
        else:
            break
    return end


def _fits(run: Sequence[Sequence[Cell]], cell: Cell) -> bool:
    """Whether a lone cell stands within one column of the lines before it."""
    touched = [column for column in _columns(run) if _shared(column, cell.box) > 0]
    return len(touched) == 1


def _shared(column: tuple[float, float], box: Box) -> float:
    return min(column[1], box.x1) - max(column[0], box.x0)


def _columns(run: Sequence[Sequence[Cell]]) -> list[tuple[float, float]]:
    """The horizontal ranges that cells cover together, left to right: what no common gap divides is one column."""
    columns: list[tuple[float, float]] = []
    for x0, x1 in sorted((cell.box.x0, cell.box.x1) for line in run for cell in line):
        if columns and x0 < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], x1))
        else:
            columns.append((x0, x1))
    return columns


def _is_prose(run: Sequence[Sequence[Cell]], columns: Sequence[tuple[float, float]]) -> bool:
    if len(columns) > PROSE_COLUMNS or len(run) < 3:
        return False
    lengths = [len(text) for line in run for text in _placed(line, columns) if text]
    return median(lengths) >= PROSE_CHARS


def _prose(run: Sequence[Sequence[Cell]], columns: Sequence[tuple[float, float]]) -> list[Line]:
    written = []
    for column in columns:
        for line in run:
            inside = [cell for cell in line if _shared(column, cell.box) > 0]
            if inside:
                written.append(Line(" ".join(cell.text for cell in inside), _around(inside)))
    return written


def _table(run: Sequence[Sequence[Cell]], columns: Sequence[tuple[float, float]]) -> list[Line]:
    first, *others = [Line(row_of(_placed(line, columns)), _around(line)) for line in run]
    return [first, Line(rule_of(len(columns)), first.box), *others]


def _placed(line: Sequence[Cell], columns: Sequence[tuple[float, float]]) -> list[str]:
    """The text of a line in each column."""
    texts: list[list[str]] = [[] for _ in columns]
    for cell in line:
        shares = [_shared(column, cell.box) for column in columns]
        texts[shares.index(max(shares))].append(cell.text)
    return [" ".join(text) for text in texts]


def _around(cells: Sequence[Cell]) -> Box | None:
    return union(cell.box for cell in cells)


def row_of(texts: Iterable[str]) -> str:
    """A row of a Markdown table; bars and line breaks inside a cell are made harmless."""
    return "| " + " | ".join(" ".join(text.split()).replace("|", "\\|") for text in texts) + " |"


def rule_of(columns: int) -> str:
    """The line below a Markdown table's header."""
    return "|" + "---|" * columns
