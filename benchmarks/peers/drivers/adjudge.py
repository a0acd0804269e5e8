"""adjudge: `direct` with `orders: one`, so that a judgement is one call; with a journal if asked for.

Retries are its defaults: 4 further tries of a call after 429, 5xx and broken connections. `--repair` says how often an
unreadable verdict is sent back.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from adjudge import Case, Judge
from adjudge.models import ModelSpec
from adjudge.types import JudgeResult, Unscored
from benchmarks.peers.drivers.harness import Answer, Many, Task, drive


def as_case(task: Task) -> Case:
    """A task as a case."""
    return Case(id=task.id, prompt=task.question, responses=(task.first, task.second))


def as_answer(result: JudgeResult) -> Answer:
    """A result as an answer."""
    outcome = result.outcome
    if isinstance(outcome, Unscored):
        return Answer(error=outcome.reason, detail=outcome.detail[:300])
    return Answer(score=outcome.model_dump(mode="json").get("scores"))


async def judge_all(judge: Judge, cases: list[Case], most: int) -> list[JudgeResult]:
    """Judge all cases, at most so many at a time."""
    return [result async for result in judge.batch(cases, concurrency=most)]


def many_with(judge: Judge, most: int) -> Many:
    """A judge as a judge of many tasks."""

    async def many(work: list[Task]) -> list[Answer]:
        return [as_answer(result) for result in await judge_all(judge, [as_case(task) for task in work], most)]

    return many


def prepare(options: argparse.Namespace) -> Many:
    """The judge of many tasks."""
    nodes: dict[str, Any] = {"nodes.judge.decide": "generate", "nodes.judge.repair": options.repair}
    model = ModelSpec(provider="server", model="mock", base_url=options.base_url)
    judge = Judge.load("direct", model=model, orders="one", journal=options.journal, **nodes)
    return many_with(judge, options.in_flight)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--journal", type=Path, help="file for a journal; without it there is none")
    parser.add_argument("--repair", type=int, default=2)


if __name__ == "__main__":
    drive("adjudge", prepare, _options)
