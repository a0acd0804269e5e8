"""adjudge with a tool: one node gathers as in the graph `evidence`, then a judge decides in the same conversation.

`--profile` measures under a profiler and reports which package spent how much of the CPU time; its times are not for
comparison.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import adjudge
from adjudge import Judge
from adjudge.models import ModelSpec
from benchmarks.peers.drivers.adjudge import many_with
from benchmarks.peers.drivers.bare_steps import lookup as found
from benchmarks.peers.drivers.harness import Answer, Many, Task, drive

HOME = Path(adjudge.__file__).parent


async def lookup(query: str) -> str:
    """Look up a fact.

    Args:
        query: What to look for.
    """
    return await found(query)


def graph(steps: int) -> dict[str, Any]:
    """A judge file with room for so many tool calls."""
    return {
        "name": "steps",
        "mode": "pairwise",
        "scale": {"min": 1, "max": 10},
        "models": {"default": "auto"},
        "nodes": {
            "gather": {"agent": "executor", "tools": ["lookup"], "max_turns": steps + 1},
            "judge": {"agent": "judge", "thread": "gather", "decide": "generate"},
        },
        "edges": {"start": "gather", "gather": "judge", "judge": "end"},
        "orders": "one",
        "limits": {"model_calls": steps + 4, "tool_calls": steps, "tokens": 128_000, "seconds": 600},
    }


class Profiled:
    """Judges many tasks, from the second time on under a profiler."""

    def __init__(self, many: Many) -> None:
        self._many = many
        self._profiler = cProfile.Profile(time.process_time)  # CPU time: others may use the machine too
        self._warm = False

    async def __call__(self, work: list[Task]) -> list[Answer]:
        if not self._warm:
            self._warm = True
            return await self._many(work)
        with self._profiler:
            return await self._many(work)

    def extra(self) -> dict[str, Any]:
        """Shares of the CPU time by package."""
        return {"shares": shares(self._profiler)}


def shares(profiler: cProfile.Profile) -> dict[str, float]:
    """Which package spent how much of the time, waiting left out, largest first."""
    spent: dict[str, float] = defaultdict(float)
    stats: Any = pstats.Stats(profiler)
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        if "epoll" not in name:
            spent[package(file)] += own
    total = sum(spent.values())
    return {name: own / total for name, own in sorted(spent.items(), key=lambda pair: -pair[1])}


def package(file: str) -> str:
    """The package that a file belongs to."""
    if "site-packages/" in file:
        return file.split("site-packages/")[-1].split("/")[0]
    if Path(file).is_relative_to(HOME):
        return f"adjudge.{Path(file).relative_to(HOME).parts[0].removesuffix('.py')}"
    if file == "~":
        return "built-in functions"
    own, above = Path(file).stem, Path(file).parent.name
    return f"python {above if own == '__init__' or above == 'asyncio' else own}"


def prepare(options: argparse.Namespace) -> Many:
    """The judge of many tasks."""
    model = ModelSpec(provider="server", model="mock", base_url=options.base_url)
    judge = Judge(graph(options.steps), models={"default": model}, tools=[lookup])
    many = many_with(judge, options.in_flight)
    return Profiled(many) if options.profile else many


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--profile", action="store_true")


if __name__ == "__main__":
    drive("adjudge", prepare, _options)
