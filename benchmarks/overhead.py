"""What a judgement costs beside its model call.

A mock of the chat API answers at once from a process of its own. The arms send the same request bodies, 32 in flight,
interleaved: a bare loop over httpx with the aiohttp transport, and `direct` with `orders: one`, with the journal off
and on. Reported are judgements per second and CPU milliseconds of this process per judgement, median and range.

    python -m benchmarks.overhead --cases 2000 --repeats 7 --out docs/measured/overhead.json
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import platform
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from httpx_aiohttp import AiohttpTransport

from adjudge import Case, Journal, Judge
from adjudge.models import Choice, ModelSpec, Reply, Sampling
from adjudge.models.server import ServerModel
from adjudge.types.messages import assistant

VERDICT = json.dumps(
    {
        "rationale": "The first response names the author that the question asks for; the second does not.",
        "citations": [],
        "scores": {"A": 8, "B": 3},
        "confidence": 0.9,
    }
)
GOAL = 1.1  # CPU milliseconds above the bare loop with the journal off
Arm = Callable[[list[Case]], Awaitable[None]]


class Measure(NamedTuple):
    """One arm in one repeat."""

    per_second: float  # judgements
    cpu: float  # milliseconds per judgement


def cases(count: int, repeat: int) -> list[Case]:
    """Cases of about a kilobyte, different in each repeat so that no journal knows them."""
    return [
        Case(
            id=f"r{repeat}-c{number}",
            prompt=f"Question {number}: who wrote the novel, and how do we know? " + "Some context follows. " * 12,
            responses=("It was George Eliot. " * 15, "It was Jane Austen. " * 15),
        )
        for number in range(count)
    ]


@contextmanager
def mock_server() -> Iterator[str]:
    """A mock of the chat API in another process; yields its base URL."""
    command = [sys.executable, "-m", "adjudge.models.mock", "--port", "0", "--reply", VERDICT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().split()[-1]
        finally:
            process.terminate()


class Bodies:
    """A model that keeps the request bodies that a judge would send, so that the bare loop sends the same."""

    def __init__(self, spec: ModelSpec) -> None:
        self.info = ServerModel(spec).info
        self.bodies: list[bytes] = []

    async def chat(self, messages: Any, *, sampling: Sampling = Sampling(), **_: Any) -> Reply:
        """Keep the request and reply at once."""
        body = {
            "model": "mock",
            "messages": list(messages),
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": sampling.json_schema, "strict": True},
            },
        }
        self.bodies.append(json.dumps(body).encode())
        return Reply((Choice(assistant(VERDICT)),))

    complete: Any = None
    score: Any = None

    async def aclose(self) -> None:
        """Nothing to free."""


async def in_flight(calls: list[Callable[[], Awaitable[Any]]], most: int) -> None:
    """Make all calls, at most so many at a time."""
    waiting = iter(calls)

    async def worker() -> None:
        for call in waiting:
            await call()

    await asyncio.gather(*(worker() for _ in range(most)))


async def measure(work: Callable[[], Awaitable[None]], count: int) -> Measure:
    """Time one arm."""
    started, cpu = time.perf_counter(), time.process_time()
    await work()
    spent, used = time.perf_counter() - started, time.process_time() - cpu
    return Measure(count / spent, used / count * 1000)


async def run(base_url: str, count: int, repeats: int, most: int, folder: Path) -> dict[str, list[Measure]]:
    """All arms, interleaved; the first round warms up and is not counted."""
    spec = ModelSpec(provider="server", model="mock", base_url=base_url)
    limits = httpx.Limits(max_connections=most)
    client = httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=60)
    found: dict[str, list[Measure]] = defaultdict(list)
    off = Judge.load("direct", model=spec, orders="one")
    for repeat in range(repeats + 1):
        batch = cases(count, repeat)
        bodies = Bodies(spec)
        recording = Judge.load("direct", model=bodies, orders="one")
        for case in batch:
            await recording.ajudge(case)
        with Journal(folder / f"{repeat}.sqlite") as journal:
            on = Judge.load("direct", model=off.models["default"], orders="one", journal=journal)
            arms = {
                "bare loop": [lambda b=body: post(client, base_url, b) for body in bodies.bodies],
                "direct, journal off": [lambda c=case: off.ajudge(c) for case in batch],
                "direct, journal on": [lambda c=case, j=on: j.ajudge(c) for case in batch],
            }
            names = list(arms)
            for name in names[repeat % 3 :] + names[: repeat % 3]:
                calls: Any = arms[name]
                measured = await measure(lambda calls=calls: in_flight(calls, most), count)  # type: ignore[misc]
                if repeat:
                    found[name].append(measured)
    await client.aclose()
    await off.aclose()
    return found


async def post(client: httpx.AsyncClient, base_url: str, body: bytes) -> None:
    """One request as a bare loop makes it: send, check the status, parse."""
    headers = {"content-type": "application/json"}
    response = await client.post(f"{base_url}/chat/completions", content=body, headers=headers)
    response.raise_for_status()
    json.loads(response.json()["choices"][0]["message"]["content"])


def table(found: dict[str, list[Measure]]) -> str:
    """The measures as Markdown: median and range."""
    rows = ["| arm | judgements per second | CPU ms per judgement | above the bare loop |", "|---|---|---|---|"]
    bare = statistics.median(m.cpu for m in found["bare loop"])
    for name, measures in found.items():
        rates, cpus = [m.per_second for m in measures], [m.cpu for m in measures]
        rows.append(
            f"| {name} | {statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f}) "
            f"| {statistics.median(cpus):.2f} ({min(cpus):.2f} to {max(cpus):.2f}) "
            f"| {statistics.median(cpus) - bare:+.2f} |"
        )
    return "\n".join(rows)


def profile(base_url: str, count: int, most: int) -> str:
    """Where the CPU time of `direct` with the journal off goes, by package."""
    judge = Judge.load("direct", model=ModelSpec(provider="server", model="mock", base_url=base_url), orders="one")
    calls: list[Any] = [lambda c=case: judge.ajudge(c) for case in cases(count, -1)]
    profiler = cProfile.Profile()

    async def work() -> None:
        await in_flight(calls[:most], most)
        profiler.enable()
        await in_flight(calls[most:], most)
        profiler.disable()
        await judge.aclose()

    asyncio.run(work())
    shares: dict[str, float] = defaultdict(float)
    stats: Any = pstats.Stats(profiler)
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        shares[_package(file, name)] += own
    total = sum(shares.values())
    top = sorted(shares.items(), key=lambda pair: -pair[1])[:14]
    lines = [f"| {name} | {own / total:.0%} |" for name, own in top if name != "(waiting)"]
    return "\n".join(["| package | share of CPU time under the profiler |", "|---|---|", *lines])


def _package(file: str, name: str) -> str:
    if "epoll" in name:
        return "(waiting)"
    if "/adjudge/" in file:
        return "adjudge." + file.split("/adjudge/")[-1].removesuffix(".py").split("/")[0]
    if "site-packages/" in file:
        return file.split("site-packages/")[-1].split("/")[0]
    return "built-in functions" if file == "~" else f"python {Path(file).stem if 'asyncio' not in file else 'asyncio'}"


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000, help="judgements per arm and repeat")
    parser.add_argument("--repeats", type=int, default=7, help="interleaved repeats after a warm-up")
    parser.add_argument("--in-flight", type=int, default=32, help="requests at a time")
    parser.add_argument("--out", type=Path, help="JSON file for all measures")
    chosen = parser.parse_args()
    with mock_server() as base_url, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(base_url, chosen.cases, chosen.repeats, chosen.in_flight, Path(folder)))
        print(table(found))
        print(f"\nGoal: at most {GOAL} ms above the bare loop with the journal off.\n")
        print(profile(base_url, chosen.cases, chosen.in_flight))
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cases": chosen.cases}
        content = {"machine": machine, "arms": {name: [m._asdict() for m in ms] for name, ms in found.items()}}
        chosen.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
