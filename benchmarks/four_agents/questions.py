"""Questions about a table, each with its right plan, and the faults that a plan for it can have."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.four_agents.plans import NOTHING, Do, Kind, Steps, outcome
from benchmarks.four_agents.tables import Sheet

_SWAPS: dict[Kind, Kind] = {"minus": "ratio", "ratio": "minus", "top": "bottom", "sum": "mean", "rows": "other rows"}


class PlanFault(NamedTuple):
    """A plan that does not lead to the right answer however well it is carried out."""

    kind: str  # missing step, wrong column, wrong operation
    step: int  # 0-based: the first step that is wrong, or after which one is missing
    steps: Steps


class Question(NamedTuple):
    """A question with known truth."""

    id: str
    text: str
    sheet: Sheet
    steps: Steps  # the right plan
    answer: str
    faults: tuple[PlanFault, ...]


def questions(sheets: Sequence[Sheet], seed: int) -> list[Question]:
    """One question for each table that has one, of a form drawn at random."""
    made = (_question(sheet, seed) for sheet in sheets)
    return [question for question in made if question is not None]


def _question(sheet: Sheet, seed: int) -> Question | None:
    draw = random.Random(f"question {seed} {sheet.id}")
    forms = draw.sample(_FORMS, len(_FORMS))
    if draw.random() < 0.5:
        forms.insert(0, _total)  # few tables admit it
    for form in forms:
        for _ in range(3):  # an unlucky choice of row or column does not speak against the form
            made = form(sheet, draw)
            if made is None:
                break
            text, steps = made
            results = outcome(steps, sheet)
            faults = tuple(_faults(steps, sheet, results[-1]))
            if NOTHING not in results and faults:
                asked = f'In the table "{sheet.title}": {text}'
                return Question(f"{sheet.id}-{seed}", asked, sheet, steps, results[-1], faults)
    return None


def _faults(steps: Steps, sheet: Sheet, answer: str) -> Iterator[PlanFault]:
    """All faults that change the answer and leave a plan whose steps can all be carried out."""
    for fault in _candidates(steps, sheet):
        results = outcome(fault.steps, sheet)
        if NOTHING not in results and results[-1] != answer:
            yield fault


def _candidates(steps: Steps, sheet: Sheet) -> Iterator[PlanFault]:
    if len(steps) > 1:
        yield PlanFault("missing step", len(steps) - 2, steps[:-1])
    for place, step in enumerate(steps):
        if step.column in sheet.numeric():
            for other in sheet.numeric():
                if other != step.column:
                    yield PlanFault("wrong column", place, _with(steps, place, step._replace(column=other)))
        if step.kind in _SWAPS:
            yield PlanFault("wrong operation", place, _with(steps, place, step._replace(kind=_SWAPS[step.kind])))


def _with(steps: Steps, place: int, step: Do) -> Steps:
    return (*steps[:place], step, *steps[place + 1 :])


Made = tuple[str, Steps] | None


def _look_up(sheet: Sheet, draw: random.Random) -> Made:
    column, row = draw.choice(sheet.numeric()), draw.choice(sheet.keys)
    return f'what is "{column}" of "{row}"?', (Do("cell", column, row),)


def _difference(sheet: Sheet, draw: random.Random) -> Made:
    column, (a, b) = draw.choice(sheet.numeric()), draw.sample(sheet.keys, 2)
    steps = (Do("cell", column, a), Do("cell", column, b), Do("minus", uses=(0, 1)))
    return f'by how much does "{column}" of "{a}" exceed that of "{b}"?', steps


def _ratio(sheet: Sheet, draw: random.Random) -> Made:
    column, (a, b) = draw.choice(sheet.numeric()), draw.sample(sheet.keys, 2)
    steps = (Do("cell", column, a), Do("cell", column, b), Do("ratio", uses=(0, 1)))
    return f'how many times as large is "{column}" of "{a}" as that of "{b}"?', steps


def _total(sheet: Sheet, draw: random.Random) -> Made:
    values = {column: [row[sheet.header.index(column)] for row in sheet.rows] for column in sheet.textual()}
    shared = [(c, v) for c, texts in values.items() for v in sorted(set(texts)) if 2 <= texts.count(v) < len(texts)]
    if not shared:
        return None
    column, (by, value) = draw.choice(sheet.numeric()), draw.choice(shared)
    steps = (Do("rows", by, value), Do("sum", column, uses=(0,)))
    return f'what is "{column}" in total over the rows whose "{by}" is "{value}"?', steps


def _of_the_highest(sheet: Sheet, draw: random.Random) -> Made:
    by, column = draw.sample(sheet.numeric(), 2)
    return f'what is "{column}" of the row with the highest "{by}"?', (Do("top", by), Do("cell of", column, uses=(0,)))


def _combined(sheet: Sheet, draw: random.Random) -> Made:
    (by, column), row = draw.sample(sheet.numeric(), 2), draw.choice(sheet.keys)
    steps = (
        Do("top", by),
        Do("cell of", column, uses=(0,)),
        Do("cell", column, row),
        Do("minus", uses=(1, 2)),
    )
    return f'by how much does "{column}" of the row with the highest "{by}" exceed that of "{row}"?', steps


_FORMS: tuple[Callable[[Sheet, random.Random], Made], ...] = (
    _look_up,
    _difference,
    _ratio,
    _total,
    _of_the_highest,
    _combined,
)
