"""Judges and controls over benchmarks: all on the same cases, in one journal, so that it can be gone on with.

loaded = [load_benchmark(BENCHMARKS["llmbar"], "data", limit=200)]
async for measured in evaluate(loaded, [Subject("direct", "direct"), Subject("evidence", "evidence")]): ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from adjudge.errors import ConfigError
from adjudge.evaluation.benchmarks import Benchmark, Loaded
from adjudge.evaluation.controls import controls_of
from adjudge.evaluation.points import Point, point, point_of
from adjudge.evaluation.subject import Opener, Subject
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.judge.modes import DEFAULT_SCALE
from adjudge.types import Evidence, Fingerprint, Scale

Step = Callable[[str, str, Point], None]


class Arm(NamedTuple):
    """What one judge, or one control, made of a benchmark.

    Args:
        label: Its name.
        control: Whether it is a control.
        points: In the order of the cases; empty where it cannot judge them.
        judge: Who judged.
        problem: Why it cannot judge these cases.
        changed: What had to be changed of its graph: its mode.
    """

    label: str
    control: bool
    points: Sequence[Point]
    judge: Fingerprint | None = None
    problem: str = ""
    changed: str = ""


class Evaluated(NamedTuple):
    """A benchmark, judged by all."""

    loaded: Loaded
    arms: Sequence[Arm]


async def evaluate(
    loaded: Sequence[Loaded],
    subjects: Sequence[Subject],
    *,
    journal: Journal | None = None,
    concurrency: int | None = None,
    patience: float = 600.0,
    step: Step = lambda *_: None,
) -> AsyncIterator[Evaluated]:
    """Judge benchmarks, one after the other.

    Args:
        loaded: Benchmarks with their cases.
        subjects: Who judges.
        journal: Where calls and results are kept; what it holds already is not judged again.
        concurrency: Judgements in flight; adapted to the server by default.
        patience: Seconds to wait for a server that is away.
        step: Called with the names of benchmark and judge, and what is measured, after each case.

    Raises:
        ModelError: A server has been away for too long; go on later with the same journal.
    """
    if repeated := sorted({s.label for s in subjects if sum(s.label == other.label for other in subjects) > 1}):
        raise ConfigError("two judges have the same name", found=repeated[0], hint="give each a name of its own")
    openers = [Opener(subject, journal) for subject in subjects]
    try:
        for one in loaded:
            found: dict[str, list[Evidence]] = {}
            arms = []
            for opener in openers:
                arms.append(await _judged(one, opener, found, concurrency, patience, step))
            yield Evaluated(one, [*arms, *_controls(one, found, _scale(one))])
    finally:
        for opener in openers:
            await opener.aclose()


async def _judged(
    loaded: Loaded,
    opener: Opener,
    found: dict[str, list[Evidence]],
    concurrency: int | None,
    patience: float,
    step: Step,
) -> Arm:
    benchmark, label = loaded.benchmark, opener.subject.label
    try:
        judge = opener.open(benchmark.mode, benchmark.scale, loaded.corpus)
    except ConfigError as error:
        return Arm(label, control=False, points=(), problem=str(error))
    points = []
    batch = judge.batch(loaded.cases, concurrency=concurrency, patience=patience)
    async with aclosing(batch.judged()) as judged:
        async for case, result in judged:
            if case is not None:
                made = point(case, result, benchmark.mode, judge.spec.scale, benchmark.ties, classes(benchmark))
                found.setdefault(case.id, []).extend(result.evidence)
                points.append(made)
                step(benchmark.name, label, made)
    return Arm(label, control=False, points=points, judge=judge.fingerprint, changed=_changed(opener, judge))


def _changed(opener: Opener, judge: Judge) -> str:
    own = opener.own_mode
    return "" if own == judge.spec.mode else f"as {judge.spec.mode}"


def _controls(loaded: Loaded, found: Mapping[str, Sequence[Evidence]], scale: Scale) -> list[Arm]:
    benchmark = loaded.benchmark
    arms = []
    for name, control in controls_of(benchmark.mode).items():
        outcomes = [(case, control(case, found.get(case.id, ()), scale)) for case in loaded.cases]
        points = [
            point_of(case, outcome, benchmark.mode, scale, benchmark.ties, classes(benchmark))
            for case, outcome in outcomes
        ]
        if any(one.scored for one in points):
            arms.append(Arm(name, control=True, points=points))
    return arms


def classes(benchmark: Benchmark) -> int:
    """How many grades people give to the steps of a benchmark."""
    return 3 if benchmark.headline == "step_accuracy" else 2


def _scale(loaded: Loaded) -> Scale:
    return loaded.benchmark.scale or DEFAULT_SCALE
