"""How well a judge's scores go along with the information gain of steps, in the search world."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import combinations, islice
from typing import NamedTuple

import numpy as np

from adjudge import Case, Judge, Step, Trajectory
from adjudge.agents import Scorer
from adjudge.evaluation.metrics.correlation import Kind, correlation
from adjudge.evaluation.metrics.intervals import Interval, bootstrap, bootstrap_mean
from adjudge.types import Ranking
from benchmarks.steps.judges import Searcher, found_by, search_step
from benchmarks.steps.world import BUDGET, M, Question, World

N = 4  # candidates of a choice
TRUTH = 256  # rollouts from each state for the gain that counts as true: its standard error is at most 0.18
AT = (0, 2, 4)  # steps, from 0, at which choices are drawn
CLEAR = 1.0  # points between two candidates whose order is asked for


class Candidate(NamedTuple):
    """One candidate step of a choice."""

    question: str
    choice: str
    gain: float  # the true one


class Measured(NamedTuple):
    """A judge against the true gain."""

    spearman: Interval
    pearson: Interval
    pairs: Interval  # candidates of one choice at least 1 apart, in the right order; ties count ½
    n: int  # candidates with a score


def keep(world: World, questions: int, seed: int) -> list[Question]:
    """Questions that are neither hopeless nor sure: PRInTS drops those with m = 0 or 1 at the start."""
    drawn = random.Random(f"{seed}/{world.name}").sample(world.questions, len(world.questions))
    apart = (q for q in drawn if 0 < world.value(q, frozenset(), BUDGET, 4 * M, "keep") < 1)
    return list(islice(apart, questions))


def choices(world: World, questions: Sequence[Question], seed: int = 0) -> list[Case]:
    """Choices of four different candidates, after so many steps of an unguided search that has not succeeded."""
    agent = Searcher(world)
    found = []
    for question in questions:
        steps: list[Step] = []
        for number in range(max(AT) + 1):
            proposals = [asyncio.run(agent.propose(question.text, steps, seed + n)) for n in range(3 * N)]
            different = list({step.render(): step for step in proposals if step is not None}.values())[:N]
            if len(different) < N:
                break
            if number in AT:
                past = Trajectory(steps=tuple(steps)) if steps else None
                name = f"{world.name}/{question.id}/{number}"
                found.append(Case(id=name, prompt=question.text, trajectory=past, candidates=tuple(different)))
            query = str(different[0].arguments["query"])
            steps.append(search_step(query).model_copy(update={"observation": found_by(world, query)}))
    return found


def candidates(world: World, cases: Sequence[Case], gains: Scorer) -> list[Candidate]:
    """Every candidate of the choices with its gain."""
    found = []
    for case in cases:
        for gain in asyncio.run(_of(gains, case)):
            assert gain is not None
            found.append(Candidate(world.question(case.question).id, case.id, gain))
    return found


async def _of(scorer: Scorer, case: Case) -> Sequence[float | None]:
    return await scorer(case)


def scores_of(judge: Scorer | Judge, cases: Sequence[Case]) -> list[float | None]:
    """A judge's scores of all candidates, in their order."""
    found: list[float | None] = []
    for case in cases:
        if isinstance(judge, Judge):
            outcome = judge.rank(case, strategy="pointwise").outcome
            found += outcome.scores if isinstance(outcome, Ranking) else (None,) * len(case.candidates)
        else:
            found += asyncio.run(_of(judge, case))
    return found


def compare(found: Sequence[Candidate], scores: Sequence[float | None]) -> Measured:
    """Correlations over all candidates, and pairs of one choice; intervals over questions."""
    known = [(one, score) for one, score in zip(found, scores, strict=True) if score is not None]
    given = np.array([score for _, score in known])
    gains = np.array([one.gain for one, _ in known])
    groups = [one.question for one, _ in known]

    def over(kind: Kind) -> Interval:
        return bootstrap(lambda rows: correlation(given[rows], gains[rows], kind), groups, resamples=500)

    return Measured(over("spearman"), over("pearson"), _pairs(found, scores), len(known))


def _pairs(found: Sequence[Candidate], scores: Sequence[float | None]) -> Interval:
    """A candidate without a score is in the wrong order."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(found):
        places.setdefault(one.choice, []).append(place)
    rows: list[tuple[str, float]] = []
    for group in places.values():
        for i, j in combinations(group, 2):
            apart = found[i].gain - found[j].gain
            if abs(apart) >= CLEAR:
                a, b = scores[i], scores[j]
                right = 0.0 if a is None or b is None else 0.5 + 0.5 * np.sign(a - b) * np.sign(apart)
                rows.append((found[i].question, float(right)))
    if not rows:
        return Interval(float("nan"), None, None, 0, 0, "no two candidates are apart")
    questions, values = zip(*rows, strict=True)
    return bootstrap_mean(values, questions)
