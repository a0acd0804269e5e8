"""From what was measured of each group to tables: means, differences within groups, and 95 % intervals over groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from adjudge.ranking.posterior import Floats
from benchmarks.ranking.arms import EIGHTHS, Found

DRAWS = 2000


class Cell(NamedTuple):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, form: str) -> str:
        """As in a table: value (low to high)."""
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"


class Measured(NamedTuple):
    """All groups of one size under one judge."""

    judge: str
    size: int
    found: Sequence[dict[str, Found]]

    @property
    def calls(self) -> int:
        """Of all pairs in both orders."""
        return self.size * (self.size - 1)

    def has(self, arm: str) -> bool:
        """Whether this judge can be ranked with so."""
        return arm in self.found[0]

    def column(self, arm: str, key: str) -> Floats:
        """One number of each group: (G,)."""
        return np.array([getattr(one[arm], key) for one in self.found], dtype=float)

    def mean(self, arm: str, key: str) -> Cell:
        """Mean over groups."""
        return self.difference(self.column(arm, key))

    def difference(self, one: Floats, other: Floats | float = 0.0) -> Cell:
        """Mean difference within groups."""
        return _bootstrap(lambda weights: weights @ (one - other), len(self.found))

    def reached(self, arm: str, less: float = 0.0) -> Cell:
        """Calls after which the mean τ of `adaptive` comes within so much of that of this arm, as a share of its."""
        curve = np.array([self.column(f"adaptive {eighth}/8", "tau") for eighth in EIGHTHS])
        calls = np.array([self.column(f"adaptive {eighth}/8", "calls")[0] for eighth in EIGHTHS])
        shares, goal = calls / self.column(arm, "calls")[0], self.column(arm, "tau")

        return _bootstrap(lambda weights: _crossing(weights @ curve.T, shares, weights @ goal - less), len(self.found))


def pooled(every: Sequence[Measured]) -> list[Measured]:
    """All judges of winners, and all judges of scores, of one size."""
    pools: dict[tuple[str, int], list[dict[str, Found]]] = {}
    for one in every:
        kind = one.judge.split(",")[0]
        pools.setdefault((f"**all judges of {kind}**", one.size), []).extend(one.found)
    return [Measured(judge, size, found) for (judge, size), found in pools.items()]


def _bootstrap(statistic: Callable[[Floats], Floats], groups: int) -> Cell:
    """The statistic with equal weights, and its 2.5 and 97.5 percentiles over groups drawn with replacement."""
    value = float(statistic(np.full((1, groups), 1 / groups))[0])
    low, high = np.percentile(statistic(_redrawn(groups)), [2.5, 97.5])
    return Cell(value, float(low), float(high))


@cache
def _redrawn(groups: int) -> Floats:
    """How much each group weighs in each drawing: (draws, groups)."""
    drawn: Floats = np.random.default_rng(0).multinomial(groups, np.full(groups, 1 / groups), DRAWS) / groups
    return drawn


def _crossing(curves: Floats, shares: Floats, goals: Floats) -> Floats:
    """At which share curves first reach their goals; the last where one does not before: (draws,)."""
    points, shares = np.pad(curves, ((0, 0), (1, 0))), np.append(0.0, shares)
    reached = points >= goals[:, None] - 1e-12
    at = np.where(reached.any(1), reached.argmax(1), len(shares) - 1)
    rows, before = np.arange(len(at)), np.maximum(at - 1, 0)
    rise = np.maximum(points[rows, at] - points[rows, before], 1e-12)
    part = np.clip((goals - points[rows, before]) / rise, 0.0, 1.0)
    found: Floats = shares[before] + part * (shares[at] - shares[before])
    return found


def against_all_pairs(every: Sequence[Measured]) -> str:
    """Calls and τ of `all_pairs` and `adaptive`, and what it takes to be as good."""
    head = "judge | n | all_pairs: calls, τ | adaptive: calls, τ | share in order: said, true | calls to the same τ"
    return table(
        f"{head} | … to 0.01 less | τ at half the calls, less all_pairs | calls to the τ of half of all_pairs",
        [
            [
                one.judge,
                one.size,
                f"{one.calls}, {one.mean('all_pairs', 'tau').text('.3f')}",
                f"{one.mean('adaptive', 'calls').value:.0f}, {one.mean('adaptive', 'tau').text('.3f')}",
                f"{one.mean('adaptive', 'confidence').value:.2f}, {one.mean('adaptive', 'share').value:.2f}",
                one.reached("all_pairs").text(".0%"),
                one.reached("all_pairs", 0.01).text(".0%"),
                less(one, "adaptive 4/8", "all_pairs"),
                one.reached("half of all_pairs").text(".0%"),
            ]
            for one in every
        ],
    )


def at_equal_calls(every: Sequence[Measured], eighth: int) -> str:
    """`adaptive` less other ways to choose as many comparisons, with the same posterior."""
    names = {"random": "random", "neighbours": "fixed: neighbours", "pivot": "fixed: pivot"}
    rows = []
    for one in every:
        mine = f"adaptive {eighth}/8"
        cells = [less(one, mine, f"{name} {eighth}/8") for name in names]
        half = [less(one, mine, "half of all_pairs")] if eighth == 4 else []
        calls, tau = round(one.calls * eighth / 8), f"{one.mean(mine, 'tau').value:.3f}"
        rows.append([one.judge, one.size, calls, tau, *cells, *half])
    more = " | less all_pairs on half the pairs" if eighth == 4 else ""
    return table(f"judge | n | calls | τ of adaptive | less {' | less '.join(names.values())}{more}", rows)


def worth_of_scores(every: Sequence[Measured]) -> str:
    """`adaptive` with half the calls, less what it would come to without scores."""
    arms = ("scores hidden 4/8", "winners 4/8", "fractions 4/8")
    rows = [
        [one.judge, one.size, *(less(one, "adaptive 4/8", arm) for arm in arms)] for one in every if one.has(arms[0])
    ]
    return table(
        "judge | n | less with scores hidden | less the winners of the same comparisons | less fractions", rows
    )


def of_the_best(every: Sequence[Measured]) -> str:
    """P(best found) and regret."""
    arms = ("all_pairs", "adaptive, best", "knockout", "adaptive, best, 2(n − 1)")
    rows = []
    for one in every:
        cells = []
        for arm in arms:
            found, regret = one.mean(arm, "best").value, one.mean(arm, "regret").value
            cells.append(f"{one.mean(arm, 'calls').value:.0f}, {found:.2f}, {regret:.2f}")
        better = one.difference(one.column(arms[3], "best"), one.column("knockout", "best")).text("+.2f")
        as_good = one.difference(one.column(arms[1], "best"), one.column("all_pairs", "best")).text("+.2f")
        rows.append([one.judge, one.size, *cells[:2], as_good, *cells[2:], better])
    head = "judge | n | all_pairs: calls, P(best), regret | adaptive | P: adaptive less all_pairs"
    return table(f"{head} | knockout | adaptive, as many calls | P: adaptive less knockout", rows)


def of_the_others(every: Sequence[Measured]) -> str:
    """Calls and τ of the strategies that compare no pairs, and of a bracket."""
    arms = ("pointwise", "listwise", "knockout", "all_pairs")
    rows = []
    for one in every:
        cells = [
            f"{one.mean(arm, 'calls').value:.0f}, {one.mean(arm, 'tau').text('.3f')}" if one.has(arm) else ""
            for arm in arms
        ]
        rows.append([one.judge, one.size, *cells])
    return table(f"judge | n | {' | '.join(arms)}", rows)


def summary(every: Sequence[Measured]) -> list[dict[str, Any]]:
    """Means and intervals of everything, for a file."""
    return [
        {
            "judge": one.judge.strip("*"),
            "n": one.size,
            "groups": len(one.found),
            "arms": {arm: {key: _kept(one.mean(arm, key)) for key in Found._fields} for arm in one.found[0]},
            "tau of adaptive 4/8 less": {arm: _kept(_paired(one, "adaptive 4/8", arm)) for arm in one.found[0]},
            "share of the calls to the same tau": _kept(one.reached("all_pairs")),
            "share of the calls to 0.01 less": _kept(one.reached("all_pairs", 0.01)),
            "share of the calls to the tau of half of all_pairs": _kept(one.reached("half of all_pairs")),
        }
        for one in every
    ]


def _kept(cell: Cell) -> list[float | None]:
    """Value, low, high; null where a strategy does not tell."""
    return [None if np.isnan(number) else round(number, 4) for number in cell]


def _paired(one: Measured, arm: str, other: str) -> Cell:
    return one.difference(one.column(arm, "tau"), one.column(other, "tau"))


def less(one: Measured, arm: str, other: str) -> str:
    return _paired(one, arm, other).text("+.3f")


def table(head: str, rows: Sequence[Sequence[object]]) -> str:
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])
