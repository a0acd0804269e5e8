"""A judge of steps against people: AgentProcessBench's search trajectories on HotpotQA, five of each question.

People call each step good (1), idle (0) or bad (-1), and each trajectory right (1) or wrong (-1). The judge sees the
question, what was done, and nothing of the labels: each step is scored before its result is known.
"""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import track

from adjudge import Case, Judge, Step, Verdict
from adjudge.evaluation.benchmarks import BENCHMARKS, load_benchmark
from adjudge.evaluation.metrics.intervals import Interval, bootstrap_mean
from adjudge.evaluation.metrics.ranking import best_of_n_credit

LONGEST = 12  # steps; the one trajectory that is longer (31) would take as long as ten others
Scores = tuple[float, ...]


class Labelled(NamedTuple):
    """A trajectory and what people said of it."""

    case: Case  # without labels
    question: str
    grades: Scores  # of its steps
    right: bool


class Agreement(NamedTuple):
    """How often one way of scoring agrees with people; all in [0, 1], chance is ½, or `chance` for the best of five."""

    steps: Interval  # pairs of steps of a trajectory that people grade differently, in the right order; ties count ½
    pairs: Interval  # a right and a wrong trajectory of one question, in the right order
    best: Interval  # the best of five is right


def load(data: Path) -> list[Labelled]:
    """The trajectories; those first that tell most: of questions with right and wrong ones, then with mixed steps."""
    loaded = load_benchmark(BENCHMARKS["agentprocessbench"], data)
    if loaded.bad_rows:
        raise loaded.bad_rows[0]
    found = [_of_case(case) for case in loaded.cases]
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for one in found:
        outcomes[one.question].add(one.right)
    short = [one for one in found if len(one.grades) <= LONGEST]
    drawn = random.Random(0).sample(short, len(short))
    order = {name: place for place, name in enumerate(dict.fromkeys(one.question for one in drawn))}
    return sorted(
        drawn, key=lambda one: (len(outcomes[one.question]) < 2, len(set(one.grades)) < 2, order[one.question])
    )


def _of_case(case: Case) -> Labelled:
    grades = tuple(map(float, case.label["steps"]))
    bare = Case(id=f"steps/{case.id}", prompt=case.prompt, trajectory=case.trajectory)
    return Labelled(bare, str(case.metadata["group"]), grades, case.metadata["final"] > 0)


def judge_all(
    judge: Judge, found: Sequence[Labelled], minutes: float
) -> tuple[dict[str, Scores | None], dict[str, Any]]:
    """Scores of the steps of each trajectory, None where there is no verdict, until the time is over; and what it cost.

    Args:
        judge: In mode step.
        found: In the order in which they are judged; with a journal, what is recorded costs no time.
        minutes: After so many no further trajectory is begun; what is recorded is still read.
    """
    scores: dict[str, Scores | None] = {}
    start, tokens, calls = time.monotonic(), 0, 0
    for one in track(found, f"{judge.spec.name}, {judge.models['default'].info.name}"):
        late = time.monotonic() - start > 60 * minutes
        result = judge.recorded(one.case) if late else judge(one.case)
        if result is None:
            continue
        scores[one.case.id] = result.outcome.scores if isinstance(result.outcome, Verdict) else None
        tokens += result.usage.tokens_in + result.usage.tokens_out
        calls += result.usage.model_calls
    return scores, {"trajectories": len(scores), "tokens": tokens, "calls": calls}


def brevity(one: Labelled) -> float:
    """How short the last step is."""
    return -_length(_steps(one)[-1])


def _length(step: Step) -> float:
    return float(len(step.unexecuted().render()))


def controls(seed: int) -> dict[str, Callable[[Labelled], Scores]]:
    """Cheap explanations: a score for each step from what anybody can count."""

    def drawn(one: Labelled) -> Scores:
        draw = random.Random(f"{seed}/{one.case.id}")
        return tuple(draw.random() for _ in one.grades)

    def of(score: Callable[[int, Step], float]) -> Callable[[Labelled], Scores]:
        return lambda one: tuple(score(place, step) for place, step in enumerate(_steps(one)))

    return {
        "random": drawn,
        "longer step": of(lambda _, step: _length(step)),
        "shorter step": of(lambda _, step: -_length(step)),
        "earlier step": of(lambda place, _: -float(place)),
    }


def _steps(one: Labelled) -> Sequence[Step]:
    return one.case.trajectory.steps if one.case.trajectory is not None else ()


def concordance(scores: Sequence[float], grades: Sequence[float]) -> tuple[float, int]:
    """How many pairs that people grade differently are in the right order, ties as ½; and how many such pairs."""
    places = [(i, j) for i in range(len(grades)) for j in range(i) if grades[i] != grades[j]]
    credits = [0.5 + 0.5 * _sign(scores[i] - scores[j]) * _sign(grades[i] - grades[j]) for i, j in places]
    return sum(credits), len(places)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


WHOLES: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda scores: sum(scores) / len(scores),
    "min": min,
    "last step": lambda scores: scores[-1],
}


def agreement(found: Sequence[Labelled], scores: Mapping[str, Scores | None]) -> dict[str, Agreement]:
    """Agreement with people for each way to make one score of a trajectory of those of its steps.

    A trajectory without a verdict counts as wrong in every pair, and is never the best.

    Args:
        found: Trajectories that were judged.
        scores: Of their steps, by case.
    """
    steps = _over_steps(found, scores)
    return {name: Agreement(steps, *_over_wholes(found, scores, whole)) for name, whole in WHOLES.items()}


def by_count(found: Sequence[Labelled], score: Callable[[Labelled], float]) -> tuple[Interval, Interval]:
    """The same of whole trajectories that get one number each."""
    return _over_wholes(found, {one.case.id: (score(one),) for one in found}, max)


def _over_steps(found: Sequence[Labelled], scores: Mapping[str, Scores | None]) -> Interval:
    rows = []
    for one in found:
        given = scores[one.case.id]
        right, pairs = concordance(given or one.grades, one.grades)
        if pairs:
            rows.append((one.question, 0.0 if given is None else right / pairs, float(pairs)))
    return _interval(rows)


def _over_wholes(
    found: Sequence[Labelled], scores: Mapping[str, Scores | None], whole: Callable[[Sequence[float]], float]
) -> tuple[Interval, Interval]:
    pairs: list[tuple[str, float, float]] = []
    best: list[tuple[str, float, float]] = []
    for question, group in _mixed(found).items():
        given = [scores[one.case.id] for one in group]
        values = [-math.inf if one is None else whole(one) for one in given]
        for i, one in enumerate(group):
            for j, other in enumerate(group):
                if one.right and not other.right:
                    failed = given[i] is None or given[j] is None
                    pairs.append((question, 0.0 if failed else 0.5 + 0.5 * _sign(values[i] - values[j]), 1.0))
        lowest = min((value for value in values if value > -math.inf), default=0.0) - 1
        finite = [max(value, lowest) for value in values]
        best.append((question, best_of_n_credit(finite, [i for i, one in enumerate(group) if one.right]), 1.0))
    return _interval(pairs), _interval(best)


def _mixed(found: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    """The questions with all that was judged of them, where some of it is right and some is wrong."""
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for one in found:
        groups[one.question].append(one)
    return {question: group for question, group in groups.items() if len({one.right for one in group}) > 1}


def chance(found: Sequence[Labelled]) -> float:
    """How often a trajectory drawn at random is right, over the questions with both kinds."""
    shares = [sum(one.right for one in group) / len(group) for group in _mixed(found).values()]
    return sum(shares) / len(shares) if shares else math.nan


def _interval(rows: Sequence[tuple[str, float, float]]) -> Interval:
    """The weighted mean, and its interval over questions."""
    if not rows:
        return Interval(math.nan, None, None, 0, 0, "there is nothing to compare")
    questions, values, weights = zip(*rows, strict=True)
    return bootstrap_mean(values, questions, weights=weights)
