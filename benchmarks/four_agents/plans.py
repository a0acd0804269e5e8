"""What a step can ask for, how that reads as a goal, and what comes of it when nothing goes wrong.

text = goal(Do("cell", column="gold", row="spain"))       # find "gold" of "spain"
perform(read_goal(text), sheet, inputs=[])                # "1"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation, localcontext
from typing import Literal, NamedTuple

from benchmarks.four_agents.tables import Sheet, number

Kind = Literal["cell", "cell of", "rows", "other rows", "sum", "mean", "top", "bottom", "minus", "ratio"]
NOTHING = "this cannot be worked out"
_GOALS: dict[Kind, str] = {
    "cell": 'find "{column}" of "{row}"',
    "cell of": 'find "{column}" of the row that step {a} gives',
    "rows": 'list the rows whose "{column}" is "{row}"',
    "other rows": 'list the rows whose "{column}" is not "{row}"',
    "sum": 'add up "{column}" over the rows that step {a} gives',
    "mean": 'average "{column}" over the rows that step {a} gives',
    "top": 'find the row with the highest "{column}"',
    "bottom": 'find the row with the lowest "{column}"',
    "minus": "subtract the result of step {b} from that of step {a}",
    "ratio": "divide the result of step {a} by that of step {b}",
}
ARITHMETIC = ("minus", "ratio")  # from results only, without the table
_ROWS = ("top", "bottom", "rows", "other rows")
_READ = {
    kind: re.compile(re.escape(text).replace(r"\{", "{").replace(r"\}", "}").format(
        column="(?P<column>[^\"]*)", row="(?P<row>[^\"]*)", a=r"(?P<a>\d+)", b=r"(?P<b>\d+)"
    ))
    for kind, text in _GOALS.items()
}  # fmt: skip


class Do(NamedTuple):
    """One step. `uses` are 0-based numbers of earlier steps, in the order in which they are used."""

    kind: Kind
    column: str = ""
    row: str = ""  # its name, or for `rows` the value that is asked for
    uses: tuple[int, ...] = ()


Steps = tuple[Do, ...]


def goal(step: Do) -> str:
    """The step in words."""
    a, b = (*step.uses, 0, 0)[:2]
    return _GOALS[step.kind].format(column=step.column, row=step.row, a=a, b=b)


def read_goal(text: str) -> Do | None:
    """The step that a goal asks for, None where it is none of ours."""
    for kind, pattern in _READ.items():
        if (found := pattern.fullmatch(text.strip())) is not None:
            parts = found.groupdict()
            uses = tuple(int(parts[name]) for name in ("a", "b") if parts.get(name) is not None)
            return Do(kind, parts.get("column") or "", parts.get("row") or "", uses)
    return None


def expected(step: Do) -> str:
    """What the result of a step looks like."""
    if step.kind in ("rows", "other rows"):
        return "names of rows, parted by semicolons"
    return "the name of a row" if step.kind in _ROWS else "what stands there, or a number"


def perform(step: Do, sheet: Sheet, inputs: Sequence[str]) -> str:
    """The right result of a step from what the steps that it uses gave, `NOTHING` where there is none."""
    try:
        return _perform(step, sheet, inputs)
    except (KeyError, IndexError, ValueError, ArithmeticError, InvalidOperation):
        return NOTHING


def outcome(steps: Steps, sheet: Sheet) -> list[str]:
    """The right result of every step of a plan, one built on the other."""
    results: list[str] = []
    for step in steps:
        results.append(perform(step, sheet, [results[used] for used in step.uses]))
    return results


def shown(value: Decimal) -> str:
    """A number as results have it: at most four decimals, no exponent."""
    with localcontext() as context:
        context.prec = 40
        text = format(round(value, 4), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value else "0"


def _perform(step: Do, sheet: Sheet, inputs: Sequence[str]) -> str:
    if step.kind in ARITHMETIC:
        a, b = Decimal(inputs[0]), Decimal(inputs[1])
        return shown(a - b if step.kind == "minus" else a / b)
    if step.kind in ("cell", "cell of"):
        text = sheet.cell(step.row if step.kind == "cell" else inputs[0], step.column)
        found = number(text)
        return text if found is None else shown(found)
    if step.kind in ("sum", "mean"):
        values = [_value(sheet, key, step.column) for key in inputs[0].split("; ")]
        return shown(sum(values, Decimal(0)) / (len(values) if step.kind == "mean" else 1))
    if step.kind in ("top", "bottom"):
        values = [_value(sheet, key, step.column) for key in sheet.keys]
        return sheet.keys[values.index((max if step.kind == "top" else min)(values))]
    wanted = step.kind == "rows"
    named = [key for key in sheet.keys if (sheet.cell(key, step.column) == step.row) == wanted]
    return "; ".join(named) or NOTHING


def _value(sheet: Sheet, key: str, column: str) -> Decimal:
    found = number(sheet.cell(key, column))
    if found is None:
        raise ValueError(f"{key}, {column}: no number")
    return found
