"""What pairs share with the benchmarks of this repository: thirteen words in a row, or a whole text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from adjudge.errors import ConfigError
from adjudge.evaluation.benchmarks import BENCHMARKS, Benchmark, load_benchmark
from adjudge.training.synth.pairs import Pair
from adjudge.training.synth.report.duplicates import shingles
from adjudge.types import Case
from adjudge.types.messages import text_of

RUN = 13  # words, as in the overlap analysis of Brown et al. 2020, Language Models are Few-Shot Learners, appendix C


class Overlap(NamedTuple):
    """What one benchmark shares with the training pairs.

    Attributes:
        cases: How many the benchmark has.
        touched: How many of them share a run of thirteen words with a training pair.
        pairs: How many training pairs share one with the benchmark.
        questions: How many of its prompts are, word for word, a training question.
    """

    cases: int
    touched: int
    pairs: int
    questions: int


class Overlaps(NamedTuple):
    """All benchmarks: those that could be read, and why others could not."""

    found: dict[str, Overlap]
    absent: dict[str, str]


def overlaps(pairs: Sequence[Pair], data: Path | None, step: Callable[[], None] = lambda: None) -> Overlaps:
    """Compare the training pairs with every benchmark whose files are below `data`.

    Args:
        pairs: All; only those of the split `train` count.
        data: The folder with a folder for each benchmark; without it all are absent.
        step: Called after each benchmark.
    """
    train = [pair for pair in pairs if pair.split == "train"]
    runs = [shingles(pair.question, RUN) | shingles(pair.good, RUN) | shingles(pair.bad, RUN) for pair in train]
    questions = {pair.question for pair in train}
    having: dict[str, list[int]] = {}
    for number, found in enumerate(runs):
        for run in found:
            having.setdefault(run, []).append(number)
    result = Overlaps({}, {})
    for name, benchmark in BENCHMARKS.items():
        cases = _cases(benchmark, data)
        if isinstance(cases, str):
            result.absent[name] = cases
        else:
            result.found[name] = _compare(cases, having, questions)
        step()
    return result


def _cases(benchmark: Benchmark, data: Path | None) -> Sequence[Case] | str:
    if data is None:
        return "no folder of data was named"
    try:
        return load_benchmark(benchmark, data).cases
    except ConfigError as error:
        return error.problem


def _compare(cases: Iterable[Case], having: dict[str, list[int]], questions: set[str]) -> Overlap:
    count = touched = same = 0
    pairs: set[int] = set()
    for case in cases:
        count += 1
        texts = list(_texts(case))
        hit = {run for text in texts for run in shingles(text, RUN) if run in having}
        touched += bool(hit)
        same += texts[0] in questions
        pairs.update(number for run in hit for number in having[run])
    return Overlap(count, touched, len(pairs), same)


def _texts(case: Case) -> Iterator[str]:
    if isinstance(case.prompt, str):
        yield case.prompt
    else:
        yield "\n".join(text_of(message["content"]) for message in case.prompt)
    yield from (response.render() for response in case.responses)
    if case.reference:
        yield case.reference
    steps = [*(case.trajectory.steps if case.trajectory is not None else ()), *case.candidates]
    for taken in steps:
        yield from (part for part in (taken.thought, taken.observation or "") if part)
