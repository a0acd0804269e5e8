"""The measurements as Markdown, and as JSON types."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.evaluation.metrics.intervals import Interval
from benchmarks.steps.context import SHOWN, N
from benchmarks.steps.gains import Measured
from benchmarks.steps.people import Agreement
from benchmarks.steps.searches import Row


def told(found: Interval, form: str = ".2f") -> str:
    """An estimate with its interval."""
    if math.isnan(found.estimate):
        return "–"
    if found.low is None or found.high is None:
        return f"{found.estimate:{form}}"
    return f"{found.estimate:{form}} ({found.low:{form}} to {found.high:{form}})"


def kept(found: Interval) -> dict[str, Any]:
    """An estimate with its interval, for a file."""
    numbers = (found.estimate, found.low, found.high)
    low_high = [None if number is None or math.isnan(number) else round(number, 4) for number in numbers]
    return {"value": low_high[0], "low": low_high[1], "high": low_high[2], "n": found.n, "groups": found.groups}


def gains_table(found: Mapping[str, Mapping[str, Measured]]) -> str:
    """Judges against the true gain, for each world."""
    rows = [
        [world, judge, one.n, told(one.spearman), told(one.pearson), told(one.pairs), one.pairs.n]
        for world, judges in found.items()
        for judge, one in judges.items()
    ]
    return _table("world | judge | steps | Spearman | Pearson | pairs in order | pairs", rows)


def searches_table(found: Mapping[str, Mapping[str, Row]]) -> str:
    """Success of whole searches, for each world."""
    rows = [
        [
            world,
            arm,
            told(row.success, ".0%"),
            told(row.less, "+.0%"),
            f"{row.agent:.1f}",
            f"{row.judge:.1f}" if "best of" in arm else "",
            f"{row.tools:.1f}",
        ]
        for world, arms in found.items()
        for arm, row in arms.items()
    ]
    return _table("world | search | success | less unguided | proposals | judged | searches run", rows)


def people_table(found: Mapping[str, Mapping[str, Agreement]], chance: float) -> str:
    """Scores of steps against people's."""
    rows = []
    for name, wholes in found.items():
        steps = told(next(iter(wholes.values())).steps, ".0%")
        for whole, one in wholes.items():
            rows.append([name, steps, whole, told(one.pairs, ".0%"), told(one.best, ".0%")])
            steps = ""
    one = next(iter(next(iter(found.values())).values()))
    steps, pairs = f"steps in order ({one.steps.n} trajectories)", f"right before wrong ({one.pairs.n} pairs)"
    best = f"best is right ({one.best.n} questions, chance {chance:.0%})"
    return _table(f"score | {steps} | of a trajectory | {pairs} | {best}", rows)


def context_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Prompt lengths and recall at some steps."""
    rows = []
    for kind, arms in found.items():
        for name, arm in arms.items():
            cells = []
            for step in SHOWN:
                judged, summed, recall = (arm[key][step - 1] for key in ("judged", "summed", "recall"))
                cells.append(f"{judged:.0f}, {N * judged + summed:.0f}, {recall:.0%}")
            rows.append([kind, name, *cells])
    shown = " | ".join(f"after {step}" for step in SHOWN)
    return _table(f"facts | the judge sees | {shown}", rows)


def _table(head: str, rows: Sequence[Sequence[object]]) -> str:
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])
