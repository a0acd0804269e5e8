"""Judgements on a real vLLM: how many a second, and how much of their prompts comes out of the prefix cache.

vLLM is started by our own code on the embedded model, so a processor is enough. Each arm has a cache of its own
(`cache_salt`), so none profits from what another has sent. The layouts are compared on the same prompts, those that
`evidence` sends for its verdicts in both orders: ours (task and evidence first, the responses under test last), and the
one with the responses first.

    ADJUDGE_VLLM_PYTHON=/path/to/python python -m benchmarks.served --out docs/measured/served.json
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adjudge import Case, Judge, JudgeResult
from adjudge.cases import read_cases
from adjudge.models import ModelSpec, Reply, Sampling
from adjudge.models.serve import Served, ServeSettings, serve
from adjudge.models.server import ServerModel
from adjudge.types import Message, Usage

EXAMPLES = Path("examples/cases")
OVERRIDES: dict[str, dict[str, Any]] = {
    "direct": {"nodes.judge.decide": "generate", "nodes.judge.repair": 0},
    "evidence": {
        "nodes.judge.decide": "generate",
        "nodes.judge.repair": 0,
        "nodes.gather.seed_queries": True,  # the embedded model hardly searches by itself
        "nodes.gather.max_turns": 1,
    },
}
_salts = (f"arm-{number}" for number in itertools.count())


class Speed(NamedTuple):
    """One graph at one number of judgements in flight."""

    graph: str
    in_flight: int
    judgements: int
    seconds: float
    scored: int
    usage: Usage


class Layout(NamedTuple):
    """One layout of the same prompts."""

    name: str
    tokens_in: int
    tokens_cached: int


class Capturing:
    """A server model that keeps the conversations in which a verdict was asked for."""

    def __init__(self, model: ServerModel) -> None:
        self.info = model.info
        self.complete: Any = model.complete
        self.score: Any = model.score
        self.aclose: Any = model.aclose
        self._model = model
        self.asked: list[list[Message]] = []

    async def chat(self, messages: Sequence[Message], *, sampling: Sampling = Sampling(), **rest: Any) -> Reply:
        """Keep the conversation and hand it on."""
        if sampling.json_schema is not None:
            self.asked.append(list(messages))
        return await self._model.chat(messages, sampling=sampling, **rest)


def spec(served: Served, max_tokens: int) -> ModelSpec:
    """The server's model, with a cache that starts empty."""
    return ModelSpec(
        provider="server",
        model=served.name,
        base_url=served.base_url,
        api_key=served.api_key,
        max_tokens=max_tokens,
        timeout=600,
        extra_body={"cache_salt": next(_salts), "structured_outputs": True},
    )


def open_judge(graph: str, model: Any, max_tokens: int) -> Judge:
    """A judge of the benchmark; how many tokens a reply may have is the graph's affair, not that of an open model."""
    corpus = EXAMPLES / "corpus.jsonl" if graph == "evidence" else None
    return Judge.load(
        graph, model=model, corpus=corpus, **{**OVERRIDES[graph], "models.default.max_tokens": max_tokens}
    )


async def in_flight(calls: Iterator[Callable[[], Awaitable[JudgeResult]]], most: int) -> list[JudgeResult]:
    """The results of all calls, at most so many at a time."""
    results: list[JudgeResult] = []

    async def worker() -> None:
        for call in calls:
            results.append(await call())

    await asyncio.gather(*(worker() for _ in range(most)))
    return results


async def speed(served: Served, graph: str, cases: list[Case], most: int, count: int, max_tokens: int) -> Speed:
    """Judge `count` cases; each pass over the cases has a cache of its own, as other cases would."""
    judges = [open_judge(graph, spec(served, max_tokens), max_tokens) for _ in range(-(-count // len(cases)))]
    work = [(judge, case) for judge in judges for case in cases][:count]
    calls: Any = (lambda j=judge, c=case: j.ajudge(c) for judge, case in work)
    started = time.perf_counter()
    results = await in_flight(calls, most)
    seconds = time.perf_counter() - started
    for judge in judges:
        await judge.aclose()
    usage = sum((result.usage for result in results), Usage())
    return Speed(graph, most, count, seconds, sum(result.scored for result in results), usage)


async def layouts(served: Served, cases: list[Case]) -> list[Layout]:
    """Send the verdict prompts of `evidence` in both layouts, one after the other, one token each."""
    model = Capturing(ServerModel(spec(served, 8)))
    judge = open_judge("evidence", model, 8)  # the prompts are wanted, not the verdicts
    for case in cases:
        await judge.ajudge(case)
    await judge.aclose()
    measured = []
    for name, lay in (("task and evidence first (ours)", list[Message]), ("responses first", responses_first)):
        fresh = ServerModel(spec(served, 1))
        tokens_in = tokens_cached = 0
        for messages in model.asked:
            usage = (await fresh.chat(lay(messages), sampling=Sampling(max_tokens=1))).usage
            tokens_in, tokens_cached = tokens_in + usage.tokens_in, tokens_cached + usage.tokens_cached
        await fresh.aclose()
        measured.append(Layout(name, tokens_in, tokens_cached))
    return measured


def responses_first(messages: Sequence[Message]) -> list[Message]:
    """The same messages with the last one, which holds the responses, right behind the system's."""
    *rest, last = messages
    opening = 1 if rest and rest[0]["role"] == "system" else 0
    return [*rest[:opening], last, *rest[opening:]]


def speed_table(found: list[Speed]) -> str:
    """The speeds as Markdown."""
    rows = ["| graph | in flight | judgements | per second | tokens out per second | from cache | scored |"]
    rows.append("|---|---|---|---|---|---|---|")
    for s in found:
        cached = s.usage.tokens_cached / max(s.usage.tokens_in, 1)
        rows.append(
            f"| {s.graph} | {s.in_flight} | {s.judgements} | {s.judgements / s.seconds:.3f} "
            f"| {s.usage.tokens_out / s.seconds:.0f} | {cached:.0%} | {s.scored} |"
        )
    return "\n".join(rows)


def layout_table(found: list[Layout]) -> str:
    """The layouts as Markdown."""
    rows = ["| layout | prompt tokens | from cache |", "|---|---|---|"]
    rows += [f"| {one.name} | {one.tokens_in} | {one.tokens_cached / max(one.tokens_in, 1):.1%} |" for one in found]
    return "\n".join(rows)


async def run(served: Served, chosen: argparse.Namespace) -> dict[str, Any]:
    """All arms, printed as they come."""
    cases: list[Case] = list(read_cases(EXAMPLES / "cases.jsonl"))
    await speed(served, "direct", cases, 1, 1, chosen.max_tokens)  # the first request compiles and allocates
    laid = await layouts(served, cases[: chosen.layout_cases])
    print(layout_table(laid), flush=True)
    found: list[Speed] = []
    for graph in OVERRIDES:
        for most, count in zip(chosen.in_flight, chosen.judgements, strict=True):
            found.append(await speed(served, graph, cases, most, count, chosen.max_tokens))
            print(speed_table(found[-1:]).splitlines()[-1], flush=True)
    print(speed_table(found))
    return {
        "layouts": [one._asdict() for one in laid],
        "speeds": [{**one._asdict(), "usage": one.usage.model_dump(mode="json")} for one in found],
    }


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 32], help="judgements at a time")
    parser.add_argument("--judgements", type=int, nargs="+", default=[4, 16, 40], help="how many, for each of these")
    parser.add_argument("--layout-cases", type=int, default=10, help="cases whose prompts are sent in both layouts")
    parser.add_argument("--max-tokens", type=int, default=96, help="of one reply")
    parser.add_argument("--model", default="embedded", help="as for `adjudge models serve`")
    parser.add_argument("--out", type=Path, help="JSON file for all measures")
    chosen = parser.parse_args()
    with serve(ServeSettings(model=chosen.model), api_key="benchmark", seconds=600) as served:
        print(f"vLLM answered after {served.seconds:.0f} s", flush=True)
        measured = asyncio.run(run(served, chosen))
        measured["start"] = served.seconds
    if chosen.out is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps({"machine": machine, **measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
