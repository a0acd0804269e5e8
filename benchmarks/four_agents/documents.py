"""How much of a table survives its way through a file: text, a PDF with text, a picture, a PDF of a picture.

The team makes no mistakes here, so whatever is lost, the reading of the file has lost. All go through `read_document`;
text on pictures is read by OCR, which takes seconds a page.
"""

from __future__ import annotations

import io
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from adjudge import Case
from adjudge.types import Answer, JudgeResult
from benchmarks.four_agents.figures import share
from benchmarks.four_agents.graphs import judge
from benchmarks.four_agents.mind import FAULTLESS
from benchmarks.four_agents.questions import Question
from benchmarks.four_agents.tables import Sheet, number
from benchmarks.four_agents.team import team
from benchmarks.ocr import drawn

HEIGHT = 18  # pixels of the letters, as on a scan of moderate resolution
_SIZE = 8  # points of the letters in a PDF
_NUMBERS = re.compile(r"\(?-?[$]? ?\d[\d,]*(?:\.\d+)? ?%?\)?")


async def formats(questions: Sequence[Question]) -> dict[str, Any]:
    """For each format: numbers of the table that the tool's text still holds, right answers, seconds for a question."""
    return {name: await _format(suffix, write, questions) for name, (suffix, write) in _FORMATS.items()}


async def _format(suffix: str, write: Callable[[Sheet], bytes], questions: Sequence[Question]) -> dict[str, Any]:
    known = {question.text: question for question in questions}
    kept: list[tuple[str, bool]] = []
    answered: list[tuple[str, bool]] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        graph = judge(team(known, FAULTLESS, "documents"), root=Path(folder))
        for place, question in enumerate(questions):
            name = f"{place}.{suffix}"
            (Path(folder) / name).write_bytes(write(question.sheet))
            document = {"id": "table", "title": question.sheet.title, "path": name}
            case = Case.model_validate({"id": question.id, "prompt": question.text, "documents": [document]})
            result = await graph.ajudge(case)
            kept += [(question.sheet.id, there) for there in _numbers_kept(question.sheet, result)]
            answered.append((question.sheet.id, _right(question, result)))
    seconds = (time.perf_counter() - began) / len(questions)
    return {"numbers kept": share(kept), "right answers": share(answered), "seconds": round(seconds, 2)}


def _numbers_kept(sheet: Sheet, result: JudgeResult) -> list[bool]:
    """For each number of the table whether the text has it, as often as the table."""
    text = "\n".join(item.excerpt for item in result.evidence)
    found = Counter(value for match in _NUMBERS.findall(text) if (value := number(match)) is not None)
    true: Counter[Decimal] = Counter()
    for row in sheet.rows:
        true.update(value for cell in row[1:] if (value := number(cell)) is not None)
    both = true & found
    return [place < both[value] for value, count in true.items() for place in range(count)]


def _right(question: Question, result: JudgeResult) -> bool:
    return isinstance(result.outcome, Answer) and result.outcome.text == question.answer


def _picture(sheet: Sheet) -> bytes:
    return drawn([list(sheet.header), *map(list, sheet.rows)], HEIGHT)


def _scan(sheet: Sheet) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(_picture(sheet))).save(out, "PDF")
    return out.getvalue()


def _pdf(sheet: Sheet, font: str = "Helvetica") -> bytes:
    """One page with the cells as text, in columns."""
    table = [sheet.header, *sheet.rows]
    widths = [max(len(row[column]) for row in table) * 0.6 * _SIZE + 12 for column in range(len(sheet.header))]
    page = f"0 0 {sum(widths) + 80:.0f} {len(table) * 16 + 80}"
    lines = []
    for number_of_row, row in enumerate(table):
        for column, cell in enumerate(row):
            x, y = 40 + sum(widths[:column]), 40 + 16 * (len(table) - 1 - number_of_row)
            safe = cell.replace("(", "\\(").replace(")", "\\)")
            lines.append(f"BT /F {_SIZE} Tf {x:.1f} {y} Td ({safe}) Tj ET")
    stream = "\n".join(lines).encode()
    resources = "/Resources<</Font<</F 4 0 R>>>>"
    return _file(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[{page}]{resources}/Contents 5 0 R>>".encode(),
        f"<</Type/Font/Subtype/Type1/BaseFont/{font}>>".encode(),
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
    )


def _file(*objects: bytes) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), []
    for place, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (place, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start, size = len(out), len(objects) + 1
    head = f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    return bytes(out) + head + table + f"trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()


def _text(sheet: Sheet) -> bytes:
    return sheet.markdown.encode()


_FORMATS: dict[str, tuple[str, Callable[[Sheet], bytes]]] = {
    "text (Markdown)": ("md", _text),
    "PDF with text, Helvetica": ("pdf", _pdf),
    "PDF with text, Courier": ("pdf", partial(_pdf, font="Courier")),
    "picture (OCR)": ("png", _picture),
    "PDF of a picture (OCR)": ("pdf", _scan),
}
