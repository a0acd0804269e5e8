"""Whole searches in the search world: guided by judges of known quality, against searches that are not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from adjudge.agents import Scorer
from adjudge.evaluation.metrics.intervals import Interval, bootstrap_mean
from adjudge.selection.guide import guide
from benchmarks.steps.judges import NOISES, Searcher, at_random, longest, majority, overlap, rollouts, seen_in
from benchmarks.steps.world import BUDGET, M, Question, World

N = 4
GUIDING = 64  # rollouts from each state behind a simulated judge
GUESSES = 3  # wrong answers that a search without all gold passages draws from
FIRST = "first (unguided)"


class Outcome(NamedTuple):
    """What one way to search came to on one question with one seed."""

    success: float  # in [0, 1]
    agent: int  # proposals of the agent
    judge: int  # candidates that were judged
    tools: int  # searches carried out


Arm = Callable[[World, Question, int], Outcome]
Found = Mapping[str, Sequence[tuple[str, Outcome]]]  # by arm: question and outcome, in the same order for all arms


class Row(NamedTuple):
    """One way to search."""

    success: Interval
    less: Interval  # less one unguided search, within question and seed
    agent: float  # means of a search
    judge: float
    tools: float


def arms() -> dict[str, Arm]:
    """Every way to search; the first is what the others are compared with."""
    guided: dict[str, Callable[[World], Scorer]] = {
        "random of 4": lambda world: at_random,
        "longest of 4": lambda world: longest,
        "new question words, of 4": lambda world: overlap,
        "majority of 4 proposals": lambda world: majority,
        "best of 4, gain": lambda world: rollouts(world, GUIDING, "judge"),
        **{f"best of 4, gain + noise {noise:g}": _noisy(noise) for noise in NOISES},
        f"best of 4, {M} rollouts": lambda world: rollouts(world, M, "eight"),
    }
    return {
        FIRST: _long(1),
        **{name: _guided(scorer) for name, scorer in guided.items()},
        # What judging costs, spent on proposals instead: twice as many.
        "random of 8": _guided(lambda world: at_random, 2 * N),
        "majority of 8 proposals": _guided(lambda world: majority, 2 * N),
        "majority of 4 searches": _several(N),
        "majority of 8 searches": _several(2 * N),
        "one search, 4 times the steps": _long(4),
        "one search, 8 times the steps": _long(8),
    }


def _noisy(noise: float) -> Callable[[World], Scorer]:
    return lambda world: rollouts(world, GUIDING, "judge", noise)


def _guided(scorer: Callable[[World], Scorer], n: int = N) -> Arm:
    return lambda world, question, seed: _searched(world, question, scorer(world), n, BUDGET, seed)


def _long(times: int) -> Arm:
    return lambda world, question, seed: _searched(world, question, at_random, 1, times * BUDGET, seed)


def _searched(world: World, question: Question, scorer: Scorer, n: int, steps: int, seed: int) -> Outcome:
    guiding = guide(Searcher(world), scorer, n=n, max_steps=steps, seed=1000 * seed)
    found = asyncio.run(guiding.asearch(question.text, case_id=f"{seed}/{question.id}"))
    success = question.gold <= seen_in(world, found.trajectory.steps)
    proposed = sum(len(choice.proposals) for choice in found.choices)
    judged = sum(len(choice.proposals) for choice in found.choices if choice.judged)
    return Outcome(float(success), proposed, judged, len(found.trajectory.steps))


def _several(count: int) -> Arm:
    """The answer that most searches give: the right one where all gold passages were found, else one of three wrong."""

    def arm(world: World, question: Question, seed: int) -> Outcome:
        found = [_searched(world, question, at_random, 1, BUDGET, 1 + count * seed + n) for n in range(count)]
        draw = random.Random(f"{seed}/{question.id}/answers")
        answers = [0 if one.success else draw.randint(1, GUESSES) for one in found]
        votes = [answers.count(answer) for answer in range(GUESSES + 1)]
        winners = [answer for answer, cast in enumerate(votes) if cast == max(votes)]
        success = (0 in winners) / len(winners)
        return Outcome(success, sum(o.agent for o in found), 0, sum(o.tools for o in found))

    return arm


def run(worlds: Mapping[World, Sequence[Question]], seeds: Sequence[int], done: Callable[[], None]) -> dict[str, Found]:
    """Every arm on every question with every seed, by world."""
    found: dict[str, Found] = {}
    for world, questions in worlds.items():
        rows: dict[str, list[tuple[str, Outcome]]] = {name: [] for name in arms()}
        for question in questions:
            for seed in seeds:
                for name, arm in arms().items():
                    rows[name].append((question.id, arm(world, question, seed)))
                done()
        found[world.name] = rows
    return found


def rows_of(found: Found) -> dict[str, Row]:
    """Success of each arm with its interval over questions, and the difference from one unguided search."""
    base = [outcome.success for _, outcome in found[FIRST]]
    return {name: _row(outcomes, base) for name, outcomes in found.items()}


def _row(outcomes: Sequence[tuple[str, Outcome]], base: Sequence[float]) -> Row:
    questions = [question for question, _ in outcomes]
    wins = [outcome.success for _, outcome in outcomes]
    less = bootstrap_mean([win - other for win, other in zip(wins, base, strict=True)], questions)
    costs = [sum(getattr(o, key) for _, o in outcomes) / len(outcomes) for key in ("agent", "judge", "tools")]
    return Row(bootstrap_mean(wins, questions), less, *costs)


def difference(found: Found, arm: str, other: str) -> Interval:
    """How much more often one arm succeeds than another, within question and seed."""
    pairs = zip(found[arm], found[other], strict=True)
    rows = [(question, one.success - two.success) for (question, one), (_, two) in pairs]
    questions, values = zip(*rows, strict=True)
    return bootstrap_mean(values, questions)
