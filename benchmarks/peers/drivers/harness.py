"""What every driver does: warm up, judge N tasks with C in flight, print one line of JSON.

Standard library only, because it runs in the environment of each peer. A driver gives `drive` a function that makes
a judge of many tasks; importing, building and a first round of C judgements happen before the clock starts. CPU time is
that of this process, all threads.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

CONTEXT = "Some context follows. " * 12
FIRST, SECOND = "It was George Eliot. " * 15, "It was Jane Austen. " * 15


class Task(NamedTuple):
    """What is to be judged: about a kilobyte, with a name in it by which the server knows it."""

    id: str
    question: str
    first: str = FIRST
    second: str = SECOND

    @property
    def both(self) -> str:
        """The responses in one text, for those who judge one, so that all read as much."""
        return self.first + self.second


class Answer(NamedTuple):
    """What a package made of a task: a score, or a failure that it admits."""

    score: Any = None
    error: str = ""  # kind of failure
    detail: str = ""


Many = Callable[[list[Task]], Awaitable[list[Answer]]]
Prepare = Callable[[argparse.Namespace], Many]


def tasks(mark: str, count: int) -> list[Task]:
    """Tasks with names that no other run has."""
    names = (f"case-{mark}-{number}" for number in range(count))
    return [Task(name, f"[{name}] Who wrote the novel, and how do we know? {CONTEXT}") for name in names]


def failure(error: BaseException) -> Answer:
    """An exception as an answer."""
    return Answer(error=type(error).__name__, detail=str(error)[:300])


def side_by_side(one: Callable[[Task], Awaitable[Answer]], most: int) -> Many:
    """Many judgements by workers, as many as may be in flight; an exception is that task's answer."""

    async def many(work: list[Task]) -> list[Answer]:
        answers = [Answer()] * len(work)
        waiting = iter(enumerate(work))

        async def worker() -> None:
            for place, task in waiting:
                try:
                    answers[place] = await one(task)
                except Exception as error:  # noqa: BLE001 - every failure is what is measured
                    answers[place] = failure(error)

        await asyncio.gather(*(worker() for _ in range(most)))
        return answers

    return many


def drive(package: str, prepare: Prepare, more: Callable[[argparse.ArgumentParser], None] | None = None) -> None:
    """Run one arm as the command line says.

    Args:
        package: Distribution whose version is reported.
        prepare: Makes the judge of many tasks.
        more: Adds options of this driver.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    if more is not None:
        more(parser)
    options = parser.parse_args()
    report = asyncio.run(_measured(prepare, options))
    sys.stdout.write("\n" + json.dumps({"package": package, "version": _version(package), **report}) + "\n")


async def _measured(prepare: Prepare, options: argparse.Namespace) -> dict[str, Any]:
    many = prepare(options)
    _warm(await many(tasks("warm", options.in_flight)))
    _forget(options.base_url)
    work = tasks(str(options.seed), options.cases)
    started, cpu = time.perf_counter(), time.process_time()
    answers = await many(work)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # bytes
        "judged": sum(not answer.error for answer in answers),
        "errors": dict(Counter(answer.error for answer in answers if answer.error)),
        "examples": _examples(answers),
        "scores": {task.id: answer.score for task, answer in zip(work, answers, strict=True) if not answer.error},
        **getattr(many, "extra", dict)(),
    }


def _warm(answers: Iterable[Answer]) -> None:
    """A driver that cannot judge at all is not timed."""
    failed = next((answer for answer in answers if answer.error), None)
    if failed is not None:
        raise SystemExit(f"the warm-up failed: {failed.error}: {failed.detail}")


def _forget(base_url: str) -> None:
    address = base_url.removesuffix("/v1") + "/forget"
    with urllib.request.urlopen(address, timeout=60) as reply:
        reply.read()


def _examples(answers: Iterable[Answer]) -> dict[str, str]:
    return {answer.error: answer.detail for answer in answers if answer.error}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
