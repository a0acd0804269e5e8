"""How well text on pictures of tables is read, and what a long PDF costs.

Tables are drawn with DejaVu Sans, black on white with grid lines, at several heights of the letters. Each picture goes
through the same child process as in `read_document`, and the Markdown that comes out is compared cell by cell.

Accuracy is ours and does not depend on the order of cells: cells that agree are paired off; of the others, the pairs
with the smallest edit distance, one after another; a cell without a partner costs its length. Accuracy is
1 - (all edits) / (all characters of the true cells), not below 0. White space counts as one blank, or not at all in
`without_blanks`. `cells` is the share of true cells that agree in full; `shapes` the share of tables with the right
number of rows and columns.

    python -m benchmarks.ocr --data ../shared/data/tabfact_small_test --tables 20 --out docs/measured/ocr.json
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
import platform
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from adjudge.tools.child import ChildLimits, call_in_child
from adjudge.tools.documents import extract_pdf_pages
from adjudge.tools.documents.shelf import PICTURES_MB, THREADS

HEIGHTS = (12, 18, 28)  # pixels of the font; 12 is what a screenshot has
MOST_ROWS, MOST_COLUMNS = 20, 8  # of a table that is drawn: a page, not a scroll
PDF_PAGES = 100

Table = list[list[str]]


class Score(NamedTuple):
    """One table at one height."""

    edits: int
    characters: int
    edits_without_blanks: int
    characters_without_blanks: int
    agreed: int  # cells
    cells: int
    shape: bool
    seconds: float


def tables(data: Path, count: int) -> list[Table]:
    """The first tables by name that fit on a page."""
    found: list[Table] = []
    for path in sorted((data / "csv").glob("*.csv")):
        rows = list(csv.reader(path.open(encoding="utf-8", newline=""), delimiter="#"))
        if 3 <= len(rows) <= MOST_ROWS and 2 <= len(rows[0]) <= MOST_COLUMNS and len({len(row) for row in rows}) == 1:
            found.append([[" ".join(cell.split()) for cell in row] for row in rows])
        if len(found) == count:
            break
    return found


def drawn(table: Table, height: int) -> bytes:
    """A table as a PNG."""
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), height)
    pad = height // 2
    widths = [int(max(font.getlength(row[column]) for row in table)) + 2 * pad for column in range(len(table[0]))]
    row_height = 2 * height
    picture = Image.new("RGB", (sum(widths) + 2 * height, row_height * len(table) + 2 * height), "white")
    pen = ImageDraw.Draw(picture)
    for number, row in enumerate(table):
        x, y = height, height + number * row_height
        for width, cell in zip(widths, row, strict=True):
            pen.rectangle((x, y, x + width, y + row_height), outline="#888888")
            pen.text((x + pad, y + height // 3), cell, fill="black", font=font)
            x += width
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


async def read(picture: bytes) -> tuple[Table, float]:
    """The cells that were read, by line, and the seconds it took."""
    started = time.perf_counter()
    arguments = {"kind": "png", "pages": [1], "seconds": 100, "threads": THREADS}
    limits = ChildLimits(120, PICTURES_MB, threads=THREADS)
    found = await call_in_child("adjudge.tools.documents.picture:texts", arguments, picture, limits=limits)
    seconds = time.perf_counter() - started
    return [_cells(line[0]) for line in found["1"] if not line[0].startswith("|---")], seconds


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return line.split("  ")
    return [
        cell.strip().replace("\\|", "|")
        for cell in line.replace("\\|", "\0").strip("| ").replace("\0", "\\|").split(" | ")
    ]


def score(table: Table, got: Table, seconds: float) -> Score:
    """Compare what was read with what was drawn."""
    true, seen = _flat(table), _flat(got)
    bare_true, bare_seen = _bare(true), _bare(seen)
    return Score(
        edits(true, seen),
        sum(map(len, true)),
        edits(bare_true, bare_seen),
        sum(map(len, bare_true)),
        (Counter(true) & Counter(seen)).total(),
        len(true),
        len(got) == len(table) and {len(row) for row in got} == {len(table[0])},
        seconds,
    )


def _flat(table: Table) -> list[str]:
    return [cell for row in table for cell in row if cell.strip()]


def _bare(cells: Iterable[str]) -> list[str]:
    return ["".join(cell.split()) for cell in cells]


def edits(true: Sequence[str], seen: Sequence[str]) -> int:
    """Edits between two collections of cells, whatever their order."""
    left, right = list((Counter(true) - Counter(seen)).elements()), list((Counter(seen) - Counter(true)).elements())
    pairs = sorted((distance(a, b), i, j) for i, a in enumerate(left) for j, b in enumerate(right))
    used_left: set[int] = set()
    used_right: set[int] = set()
    total = 0
    for cost, i, j in pairs:
        # A pair that costs as much as two cells without partners is none.
        if i not in used_left and j not in used_right and cost < max(len(left[i]), len(right[j])):
            used_left.add(i)
            used_right.add(j)
            total += cost
    total += sum(len(cell) for i, cell in enumerate(left) if i not in used_left)
    return total + sum(len(cell) for j, cell in enumerate(right) if j not in used_right)


def distance(one: str, other: str) -> int:
    """Levenshtein's edit distance."""
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        now = [i]
        for j, b in enumerate(other, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (a != b)))
        before = now
    return before[-1]


def summary(scores: Sequence[Score]) -> dict[str, float]:
    """All tables at one height."""
    edited, characters = sum(s.edits for s in scores), sum(s.characters for s in scores)
    edited_bare = sum(s.edits_without_blanks for s in scores)
    return {
        "accuracy": round(max(0.0, 1 - edited / characters), 4),
        "without_blanks": round(max(0.0, 1 - edited_bare / sum(s.characters_without_blanks for s in scores)), 4),
        "cells": round(sum(s.agreed for s in scores) / sum(s.cells for s in scores), 4),
        "shapes": round(sum(s.shape for s in scores) / len(scores), 4),
        "seconds_median": round(statistics.median(s.seconds for s in scores), 2),
        "seconds_most": round(max(s.seconds for s in scores), 2),
    }


def long_pdf(pages: int) -> bytes:
    """A PDF of prose and small tables, about 4,000 characters a page."""
    words = "the council of the city met in the evening and voted on the new bridge over the river"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for page in range(pages):
        lines = [f"BT /F 9 Tf 50 {790 - 14 * n} Td ({words} {page}.{n}) Tj ET" for n in range(38)]
        lines += [
            f"BT /F 9 Tf {50 + 90 * column} {240 - 14 * row} Td (cell {row} {column}) Tj ET"
            for row in range(12)
            for column in range(6)
        ]
        stream = "\n".join(lines).encode()
        kids.append(len(objects) + 1)
        facts = f"/Parent 2 0 R/MediaBox[0 0 600 842]/Resources<</Font<</F 3 0 R>>>>/Contents {len(objects) + 2} 0 R"
        objects += [f"<</Type/Page{facts}>>".encode(), b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream)]
    objects[1] = f"<</Type/Pages/Count {pages}/Kids[{' '.join(f'{kid} 0 R' for kid in kids)}]>>".encode()
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    tail = f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n".encode()
    return bytes(out) + head + table + tail


async def measure_pdf(repeats: int = 3) -> dict[str, float]:
    """Seconds and peak memory of the child process for the text of a long PDF."""
    data = long_pdf(PDF_PAGES)
    times = []
    characters = 0
    for _ in range(repeats):
        started = time.perf_counter()
        pages = await extract_pdf_pages(data)
        times.append(time.perf_counter() - started)
        characters = sum(len(text) for _, text in pages)
    return {
        "pages": PDF_PAGES,
        "characters": characters,
        "seconds_median": round(statistics.median(times), 2),
        "child_peak_mb": _children_peak(),
    }


def _children_peak() -> int:
    """Peak resident memory of the largest child so far, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // unit


async def measure(data: Path, count: int) -> dict[str, Any]:
    """Everything, as JSON. The PDF comes first: the peak of the children is that of the largest one yet."""
    pdf = await measure_pdf()
    chosen = tables(data, count)
    by_height = {}
    for height in HEIGHTS:
        scores = []
        for table in chosen:
            got, seconds = await read(drawn(table, height))
            scores.append(score(table, got, seconds))
        by_height[str(height)] = summary(scores)
        print(f"letters of {height} pixels: {by_height[str(height)]}", flush=True)
    return {
        "pdf": pdf,
        "tables": len(chosen),
        "cells": sum(len(_flat(table)) for table in chosen),
        "by_font_height": by_height,
        "ocr_child_peak_mb": _children_peak(),
        "machine": f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}",
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print, and return what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with csv/*.csv, cells parted by #")
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--out", type=Path, help="where the JSON goes")
    chosen = parser.parse_args(arguments)
    result = asyncio.run(measure(chosen.data, chosen.tables))
    print(json.dumps(result, indent=2))
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    main()
