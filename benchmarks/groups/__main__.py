"""Measure, print, and keep the numbers."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import track

import benchmarks.groups
from adjudge import Journal, Judge
from adjudge.models import ChatModel, ModelSpec, open_model
from benchmarks.groups.measures import measured, order, summary, unscored
from benchmarks.groups.people import Pool, answers, dialogues, feedback
from benchmarks.groups.record import Record, record
from benchmarks.groups.tables import page

MOST = {  # groups, where one takes half a minute or more on two cores
    "qa_feedback, direct, logprobs": 12,
    "topicalchat_usr, direct, likelihood": 20,
    "topicalchat_usr, direct, logprobs": 12,
    "qa_feedback, evidence, likelihood": 12,
}


class Arm(NamedTuple):
    """A way to judge the groups of a data set."""

    pool: Pool
    graph: str
    decide: str

    @property
    def name(self) -> str:
        """Data set, graph and readout."""
        return f"{self.pool.name}, {self.graph}, {self.decide}"


def arms(data: Path) -> list[Arm]:
    """What is measured, quickest first. With evidence A/B would take minutes for each group."""
    pools = (feedback(data), dialogues(data), answers(data))
    direct = [Arm(pool, "direct", decide) for decide in ("likelihood", "logprobs") for pool in pools]
    return [*direct, Arm(pools[0], "evidence", "likelihood")]


async def measure(arm: Arm, most: int, model: ChatModel, journal: Journal) -> dict[str, Any]:
    """What one way to judge achieves."""
    judge, logprobs = load(arm, model, journal), arm.decide == "logprobs"
    groups = track(arm.pool.groups[: min(most, MOST.get(arm.name, most))], description=arm.name)
    records = [await record(judge, group, single=logprobs, sways=logprobs) for group in groups]
    about = {"name": arm.pool.name, "graph": arm.graph, "decide": arm.decide, "tied groups": arm.pool.tied}
    return about | await numbers(records)


def load(arm: Arm, model: ChatModel, journal: Journal) -> Judge:
    """The judge. Citations are off: they cost calls, change no verdict. No limit of time: machines differ."""
    changes: dict[str, Any] = {
        "nodes.judge.decide": arm.decide,
        "nodes.judge.max_citations": 0,
        "limits.seconds": 3600,
    }
    corpus = arm.pool.corpus if arm.graph == "evidence" else None
    return Judge.load(arm.graph, model=model, corpus=corpus, journal=journal, **changes)


async def numbers(records: Sequence[Record]) -> dict[str, Any]:
    """What is reported of one way to judge."""
    largest = max(len(record.group.case.responses) for record in records)
    sizes: dict[str, Any] = {}
    for size in range(2, largest + 1):
        if found := await measured(records, size):
            pairs, longer = found["all_pairs"], found["longer wins"]
            sizes[str(size)] = {name: summary(points, longer, pairs) for name, points in found.items()}
    return {"groups": len(records), "order": order(records), "failed": unscored(records), "sizes": sizes}


async def run(data: Path, most: int, journal: Journal, wanted: str) -> list[dict[str, Any]]:
    """Measure one after the other."""
    model = open_model(ModelSpec(provider="local"))
    results = []
    for arm in arms(data):
        if wanted in arm.name:
            results.append(await measure(arm, most, model, journal))
            print(page(results[-1:]), flush=True)  # it takes long: what is known is shown
    await model.aclose()
    return results


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(
        description=benchmarks.groups.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data sets")
    parser.add_argument("--groups", type=int, default=30, help="of each data set")
    parser.add_argument("--only", default="", help="part of the name of what is measured: `direct, likelihood`")
    parser.add_argument("--run", type=Path, default=Path("runs/groups.sqlite"), help="journal, to resume from")
    parser.add_argument("--out", type=Path, help="folder for the numbers")
    chosen = parser.parse_args()
    chosen.run.parent.mkdir(parents=True, exist_ok=True)
    with Journal(chosen.run) as journal:
        results = asyncio.run(run(chosen.data, chosen.groups, journal, chosen.only))
    if chosen.out is not None:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "groups.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
