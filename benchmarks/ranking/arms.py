"""What is measured of a group: each strategy as it is, and other ways to choose as many comparisons as `adaptive`."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from adjudge.ranking import Compared, Settings, Standing, bradley_terry, graded, run_strategy, standing
from adjudge.ranking.adaptive import adaptive
from adjudge.ranking.posterior import Floats, seen
from adjudge.types import Goal, Strategy
from benchmarks.ranking.judges import Group

EIGHTHS = tuple(range(1, 9))
CONTROLS = (1, 2, 4, 6)  # eighths of all n(n − 1) calls at which other ways to choose are measured


class Found(NamedTuple):
    """What one way of ranking came to in one group."""

    calls: int
    tau: float  # Kendall's, a tie counts 0
    best: float  # whether the best stands first
    regret: float  # quality of the best less quality of the one that stands first
    share: float = float("nan")  # of the pairs in the right order: what `confidence` claims for the goal `ranking`
    confidence: float = float("nan")


def measure(group: Group, seed: int) -> dict[str, Found]:
    """Every way of ranking, in one group."""
    size, calls = group.size, group.size * (group.size - 1)
    comparisons = traced(group, seed)
    found = {f"adaptive {eighth}/8": one for eighth, one in by_eighths(group, comparisons, EIGHTHS)}
    for name, order in _controls(size, seed).items():
        verdicts = [group.again().look(pair) for pair in order[:calls]]
        found |= {f"{name} {eighth}/8": one for eighth, one in by_eighths(group, verdicts, CONTROLS)}
    found["all_pairs"] = run(group, "all_pairs", seed)
    found["half of all_pairs"] = run(group, "all_pairs", seed, budget=calls // 2)
    found["knockout"] = run(group, "knockout", seed)
    found["adaptive"] = run(group, "adaptive", seed)
    found["adaptive, best"] = run(group, "adaptive", seed, goal="best")
    found["adaptive, best, 2(n − 1)"] = run(group, "adaptive", seed, goal="best", budget=2 * (size - 1))
    if group.temper.scores:
        found["pointwise"] = run(group, "pointwise", seed)
        found["listwise"] = run(group, "listwise", seed)
        found["scores hidden 4/8"] = run(group, "adaptive", seed, hidden=True, budget=calls // 2)
        found |= _without_scores(group, comparisons[: calls // 2])
    return found


def _without_scores(group: Group, verdicts: Sequence[Compared]) -> dict[str, Found]:
    """The same comparisons in Bradley and Terry's model: winners only, or the share of a win that a difference is."""
    columns = seen(group.size, group.sways, verdicts)
    difference = columns.scores[:, 0] - columns.scores[:, 1]
    share = bradley_terry.sigmoid(2 * difference / max(float(difference.std()), 1e-9))
    return {
        "winners 4/8": read(group, bradley_terry.fit(columns).scores, len(verdicts)),
        "fractions 4/8": read(group, bradley_terry.fit(columns._replace(wins=share)).scores, len(verdicts)),
    }


def run(
    group: Group,
    name: Strategy,
    seed: int,
    *,
    budget: int | None = None,
    goal: Goal = "ranking",
    hidden: bool = False,
) -> Found:
    field = group.again(shows_scores=False if hidden else None)
    found = asyncio.run(run_strategy(name, field, budget=budget, confidence=0.95, goal=goal, seed=seed))
    return _judged(group, len(field.said), found)


def _judged(group: Group, calls: int, found: Standing) -> Found:
    scores = np.array([np.nan if score is None else round(score, 9) for score in found.scores])
    upper = np.triu_indices(group.size, 1)
    ahead = np.nan_to_num((scores[:, None] - scores)[upper])  # who has no score ties with everybody
    tau = float((np.sign(ahead) * np.sign((group.quality[:, None] - group.quality)[upper])).mean())
    top = group.quality[found.ranking[0]] if found.ranking else group.quality.mean()
    best = float(group.quality.max())
    sure = float("nan") if found.confidence is None else found.confidence
    return Found(calls, tau, float(top == best), best - float(top), (1 + tau) / 2, sure)


def traced(group: Group, seed: int) -> list[Compared]:
    """All n(n − 1) comparisons in the order in which `adaptive` would make them if it never stopped."""
    field = group.again()
    with patch.object(importlib.import_module("adjudge.ranking.adaptive"), "WORTH", -1.0):
        asyncio.run(adaptive(field, Settings(confidence=2.0, seed=seed)))
    return field.said


def by_eighths(group: Group, verdicts: Sequence[Compared], eighths: Sequence[int]) -> Iterator[tuple[int, Found]]:
    """What the same posterior makes of the first verdicts."""
    scales, posterior = None, None
    for eighth in eighths:
        calls = round(group.size * (group.size - 1) * eighth / 8)
        columns = seen(group.size, group.sways, verdicts[:calls])
        if columns.graded:
            posterior, scales = graded.fit(columns, scales)
        else:
            posterior = bradley_terry.fit(columns, posterior)
        yield eighth, read(group, posterior.scores, calls)


def read(group: Group, scores: Floats, calls: int) -> Found:
    return _judged(group, calls, standing([float(score) for score in scores]))


def _controls(size: int, seed: int) -> dict[str, list[tuple[int, int]]]:
    """Orders of all n(n − 1) comparisons that do not look at what was said."""
    places = [int(place) for place in np.random.default_rng(seed).permutation(size)]
    pairs = [(a, b) for a in places for b in places if a != b]
    shuffled = [pairs[place] for place in np.random.default_rng(seed + 1).permutation(len(pairs))]
    ring = [(places[at], places[(at + far) % size]) for far in range(1, size) for at in range(size)]
    pivots = [
        [(pivot, other) for other in places[turn + 1 :]] + [(other, pivot) for other in places[turn + 1 :]]
        for turn, pivot in enumerate(places)
    ]
    return {"random": shuffled, "neighbours": ring, "pivot": [*chain.from_iterable(pivots)]}
