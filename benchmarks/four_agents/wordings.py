"""Steps, what is expected of them, and results in other words. Written by hand (ours), none by a model."""

from __future__ import annotations

import random
import re
from decimal import Decimal

from benchmarks.four_agents.plans import Do, Kind

_GOALS: dict[Kind, tuple[str, str]] = {
    "cell": ('look up "{column}" for "{row}"', 'what does the table give as "{column}" of "{row}"?'),
    "cell of": ('look up "{column}" in the row found in step {a}', 'read "{column}" of the row that step {a} found'),
    "rows": ('which rows have "{row}" as their "{column}"?', 'find all rows where "{column}" is "{row}"'),
    "other rows": ('which rows do not have "{row}" as "{column}"?', 'find all rows where "{column}" is not "{row}"'),
    "sum": ('the total of "{column}" over the rows of step {a}', 'sum "{column}" over all rows that step {a} gives'),
    "mean": ('the mean of "{column}" over the rows of step {a}', 'take the average "{column}" of the rows of step {a}'),
    "top": ('which row has the largest "{column}"?', 'identify the row with the highest value of "{column}"'),
    "bottom": ('which row has the smallest "{column}"?', 'identify the row with the lowest value of "{column}"'),
    "minus": ("the result of step {a} less that of step {b}", "compute step {a} minus step {b}"),
    "ratio": ("the result of step {a} over that of step {b}", "compute step {a} divided by step {b}"),
}  # fmt: skip
_EXPECTED: dict[Kind, str] = {
    "rows": "a list of row names",
    "other rows": "a list of row names",
    "top": "one row name",
    "bottom": "one row name",
}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def reworded(step: Do, place: int) -> str:
    """The goal of a step in other words.

    Args:
        step: The step.
        place: Which wording of two, 0 or 1.
    """
    a, b = (*step.uses, 0, 0)[:2]
    return _GOALS[step.kind][place].format(column=step.column, row=step.row, a=a, b=b)


def expected_otherwise(step: Do) -> str:
    """What is expected of a step, in other words."""
    return _EXPECTED.get(step.kind, "the value in that place")


def result_otherwise(result: str, draw: random.Random) -> str:
    """A result as another draw might put it on its first line."""
    said = result
    if _NUMBER.fullmatch(result) is not None and draw.random() < 0.5:
        said = f"{Decimal(result):,}"
    form = draw.choice(("{}", "{}.", "The result is {}.", "It is {}", "{} (according to E1)", "**{}**"))
    return form.format(said)
