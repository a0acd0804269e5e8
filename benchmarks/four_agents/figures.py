"""Numbers from trials, each with a 95 % bootstrap interval over tables (tasks)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from adjudge.evaluation.metrics import Interval, bootstrap_mean, paired, widened
from benchmarks.four_agents.runs import Check, Trial


class Figure(NamedTuple):
    """A number with its interval; `n` cases."""

    value: float
    low: float | None
    high: float | None
    n: int


class Difference(NamedTuple):
    """Accuracy of one arm less that of another on the same questions."""

    value: float
    low: float | None
    high: float | None
    p: float  # of a permutation test, not adjusted


class Arm(NamedTuple):
    """What an arm did on all questions: the credit of each, in [0, 1], and its tokens."""

    credits: list[float]
    tokens: list[float]
    tables: list[str]

    @property
    def spent(self) -> float:
        """Tokens per question."""
        return sum(self.tokens) / len(self.tokens)


Cases = Sequence[tuple[str, bool]]  # the table of each case, and whether it holds for it


def arm(trials: Sequence[Trial]) -> Arm:
    """An arm as it was run."""
    tables = [trial.table for trial in trials]
    return Arm([float(trial.right) for trial in trials], [float(trial.tokens) for trial in trials], tables)


def mixed(parts: Sequence[tuple[float, Arm]]) -> Arm:
    """The arm in which each question goes to one of these at random, with these chances: its expected credits."""
    weights, arms = [weight for weight, _ in parts], [part for _, part in parts]
    credits = zip(*(part.credits for part in arms), strict=True)
    tokens = zip(*(part.tokens for part in arms), strict=True)
    return Arm([_dot(weights, row) for row in credits], [_dot(weights, row) for row in tokens], arms[0].tables)


def at_tokens(spent: float, arms: Sequence[Arm]) -> Arm:
    """The mixture of the two neighbours, of arms that cost more and more, that costs so much; the ends otherwise."""
    for less, more in pairwise(arms):
        if less.spent <= spent <= more.spent:
            share = (spent - less.spent) / (more.spent - less.spent)
            return mixed([(1 - share, less), (share, more)])
    return arms[0] if spent < arms[0].spent else arms[-1]


def majority(runs: Sequence[Sequence[Trial]], answers: Sequence[str]) -> Arm:
    """The commonest answer of several whole runs, the first of those that are equally common; tokens of all of them."""
    credits: list[float] = []
    for trials, answer in zip(zip(*runs, strict=True), answers, strict=True):
        votes = Counter(trial.answer for trial in trials if trial.answer is not None)
        credits.append(float(bool(votes) and votes.most_common(1)[0][0] == answer))
    tokens = [float(sum(trial.tokens for trial in trials)) for trials in zip(*runs, strict=True)]
    return Arm(credits, tokens, [trial.table for trial in runs[0]])


def accuracy(found: Arm) -> Figure:
    """The mean credit."""
    return _figure(bootstrap_mean(found.credits, found.tables))


def difference(one: Arm, other: Arm) -> Difference:
    """How much better one is than the other."""
    found = paired(one.credits, other.credits, one.tables)
    gap = found.difference
    return Difference(gap.estimate, gap.low, gap.high, found.p_value)


def share(cases: Cases) -> Figure | None:
    """The share of cases for which something holds; None where there is no case."""
    if not cases:
        return None
    groups = [table for table, _ in cases]
    return _figure(bootstrap_mean([float(holds) for _, holds in cases], groups))


def flags(trials: Sequence[Trial]) -> dict[str, Figure | None]:
    """How good the flags were, over all checks of all rounds."""
    checks = [(trial.table, check) for trial in trials for check in trial.checks]
    told = [(table, check) for table, check in checks if check.flag is not None]
    wrong = [(table, check) for table, check in checks if check.really.kind is not None]
    good = [(table, check) for table, check in checks if check.really.kind is None]
    hits = [(table, check) for table, check in told if check.really.kind is not None]
    kinds = [(table, check) for table, check in hits if _kind(check)]
    free = [(table, check) for table, check in checks if check.flag is None or check.acted]  # not at the cap
    return {
        "precision": share([(table, check.really.kind is not None) for table, check in told]),
        "recall": share([(table, check.flag is not None) for table, check in wrong]),
        "false alarms on good traces": share([(table, check.flag is not None) for table, check in good]),
        "kind right": share([(table, _kind(check)) for table, check in hits]),
        "step right, given the kind": share([(table, _step(check)) for table, check in kinds]),
        "right route": share([(table, _routed(check)) for table, check in free]),
    }


def corrections(trials: Sequence[Trial]) -> list[dict[str, Figure | int | None]]:
    """What each round of correction did: what was broken and came out right, and the reverse. The last row: all."""
    rounds: dict[int, list[tuple[str, bool, bool]]] = {}
    for trial in trials:
        for number, (before, after) in enumerate(pairwise(trial.checks), 1):
            rounds.setdefault(number, []).append((trial.table, before.right, after.right))
    numbered = [(number, rounds[number]) for number in sorted(rounds)]
    everything = [change for _, changes in numbered for change in changes]
    return [{"round": number, **_changes(changes)} for number, changes in [*numbered, (0, everything)]]


def endings(trials: Sequence[Trial]) -> dict[str, Figure | None]:
    """How the loop ended, and what it did to processes that were right, or wrong, at first."""
    first = [(trial.table, trial.checks[0].right, trial.right) for trial in trials if trial.checks]
    return {
        "capped": share([(trial.table, trial.checked == "capped") for trial in trials]),
        "right, of those capped": share([(t.table, t.right) for t in trials if t.checked == "capped"]),
        "right at first, wrong in the end": share([(table, not end) for table, start, end in first if start]),
        "wrong at first, right in the end": share([(table, end) for table, start, end in first if not start]),
        "unscored": share([(trial.table, trial.answer is None) for trial in trials]),
        "routes as the flags say": share([(trial.table, trial.followed) for trial in trials]),
    }


def by_cap(trials: Sequence[Trial], most: int) -> list[Figure]:
    """Accuracy if at most 0, 1, … corrections had been made: the same trials, cut off earlier."""
    found = []
    for cap in range(most + 1):
        cases = [(trial.table, trial.checks[min(cap, len(trial.checks) - 1)].right) for trial in trials]
        found.append(share(cases))
    return [figure for figure in found if figure is not None]


def _changes(changes: Sequence[tuple[str, bool, bool]]) -> dict[str, Figure | int | None]:
    return {
        "corrections": len(changes),
        "broken to fixed": share([(table, after) for table, before, after in changes if not before]),
        "fixed to broken": share([(table, not after) for table, before, after in changes if before]),
    }


def _kind(check: Check) -> bool:
    return check.flag is not None and check.flag.kind == check.really.kind


def _step(check: Check) -> bool:
    return check.flag is not None and check.flag.step == check.really.step


def _routed(check: Check) -> bool:
    return (check.flag.kind if check.flag is not None else None) == check.really.kind


def _figure(found: Interval) -> Figure:
    wide = widened(found)
    low = None if wide.low is None else max(0.0, wide.low)
    high = None if wide.high is None else min(1.0, wide.high)
    return Figure(found.estimate, low, high, found.n)


def _dot(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))
