"""The reward server under load: many clients, a model that fails now and then, and what becomes of each request.

    python -m benchmarks.reward_server --requests 10000 --clients 64 --out docs/measured

Three processes on this machine: a mock model server, which fails in a share of its replies (429, 500, a connection cut
in the middle of the reply, a verdict that cannot be read, in equal parts, drawn from the request and the attempt);
`adjudge serve`; and this one, which asks in turn in the server's own form, OpenRLHF's and verl's. The right reward
follows from the prompt, so a wrong number is noticed. A request is sent once: `lost` are those without any reply.
Memory is that of `adjudge serve`, sampled every half second. All three share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from adjudge.models.mock import MockReply, MockServer, completion

PROGRAM = ("-m", "adjudge", "serve")
FAULTS = ("429", "500", "cut", "malformed")
NUMBERED = re.compile(r"Question (\d+):")
WARM_UP = 200  # requests before anything is counted
ASKED = "Question {}: what is the answer worth?"


class Answered(NamedTuple):
    """What became of one request."""

    kind: str  # right, wrong, none (null, or 503 in an outage), refused, lost
    seconds: float


class Sample(NamedTuple):
    """The server's memory at one time."""

    seconds: float
    answered: int
    mib: float


class Model:
    """The mock's replies.

    Args:
        share: Of replies that are faults.
        seed: Of the draw.
    """

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._seed = seed
        self._attempts: Counter[int] = Counter()
        self._failed: set[int] = set()
        self.served: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> MockReply | str:
        """The reply to a request of the judge."""
        found = NUMBERED.search(json.dumps(body["messages"]))
        number = int(found[1]) if found else 0
        drawn = _draw(self._seed, number, self._attempts[number])
        self._attempts[number] += 1
        good = json.dumps({"rationale": "r", "citations": [], "score": reward_of(number), "confidence": 0.9})
        if drawn >= self._share:
            self.served["good"] += 1
            return good
        kind = FAULTS[int(drawn / self._share * len(FAULTS))]
        self.served[kind] += 1
        self._failed.add(number)
        return _fault(kind, good)

    def report(self) -> dict[str, Any]:
        """What was served, and how many requests met a fault."""
        return {"served": dict(self.served), "met a fault": len(self._failed)}


def reward_of(number: int) -> int:
    """The right reward of a request."""
    return 1 + number % 5


def _fault(kind: str, good: str) -> MockReply | str:
    if kind == "malformed":
        return good[: len(good) // 2]
    if kind == "cut":
        return MockReply(completion(good), truncate=40)
    message = {"error": {"message": "slow down" if kind == "429" else "internal error"}}
    return MockReply(message, status=int(kind), headers={"Retry-After": "0"} if kind == "429" else {})


def _draw(*what: int) -> float:
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "big") / 2**64


async def serve_model(share: float, latency: float, seed: int) -> None:
    """Be the model, until killed."""
    model = Model(share, seed)
    async with MockServer(model, latency) as server:
        server.routes["/stats"] = lambda _: MockReply(model.report())
        print(server.base_url, flush=True)
        await server.serve_forever()


@contextmanager
def process(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """A process of our own, with its id and the first line that it prints."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ADJUDGE_")}
    started = [sys.executable, "-W", "ignore", *words]
    with subprocess.Popen(started, stdout=subprocess.PIPE, text=True, env={**environ, "COLUMNS": "200"}) as running:
        assert running.stdout is not None
        try:
            yield running.pid, running.stdout.readline().strip()
        finally:
            running.terminate()
            running.wait(60)


def body_of(number: int) -> tuple[str, dict[str, Any]]:
    """Path and body of a request, in one of three forms."""
    prompt = ASKED.format(number)
    match number % 3:
        case 0:
            return "/v1/rewards", {"cases": [{"prompt": prompt, "responses": ["An answer."]}]}
        case 1:
            return "/get_reward", {"query": [f"{prompt}An answer."], "prompts": [prompt], "labels": [None]}
    return "/v1/rewards", {"solution_str": "An answer.", "ground_truth": None, "extra_info": {"question": prompt}}


async def ask(session: aiohttp.ClientSession, number: int) -> Answered:
    """Send one request, once."""
    path, body = body_of(number)
    began = time.perf_counter()
    try:
        async with session.post(path, json=body) as reply:
            told, status = await reply.json(), reply.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return Answered("lost", time.perf_counter() - began)
    return Answered(_kind(status, told, number), time.perf_counter() - began)


def _kind(status: int, told: Any, number: int) -> str:
    if status != 200:
        return "none" if status == 503 and told["error"]["code"] == "outage" else "refused"
    reward = told["score"] if "score" in told else told["rewards"][0]
    if reward is None:
        return "none"
    return "right" if reward == reward_of(number) else "wrong"


async def load(url: str, numbers: range, clients: int, pid: int) -> tuple[list[Answered], list[Sample], float]:
    """All requests from some clients, and the server's memory meanwhile."""
    answers: list[Answered] = []
    samples: list[Sample] = []
    left = iter(numbers)
    began = time.perf_counter()

    async def client(session: aiohttp.ClientSession) -> None:
        for number in left:
            answers.append(await ask(session, number))

    async def watch() -> None:
        while True:
            samples.append(Sample(round(time.perf_counter() - began, 1), len(answers), memory(pid)))
            await asyncio.sleep(0.5)

    connector = aiohttp.TCPConnector(limit=clients)
    timeout = aiohttp.ClientTimeout(total=180)  # OpenRLHF's
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(client(session) for _ in range(clients)))
        watching.cancel()
    seconds = time.perf_counter() - began
    samples.append(Sample(round(seconds, 1), len(answers), memory(pid)))
    return answers, samples, seconds


def memory(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


async def get(url: str) -> str:
    """What is at a URL."""
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return await reply.text()


def figures(answers: Sequence[Answered], samples: Sequence[Sample], seconds: float) -> dict[str, Any]:
    """The numbers to report. Seconds are those that a client waited."""
    times = sorted(answer.seconds for answer in answers)
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    tenths = [_nearest(samples, len(answers) * part // 10) for part in range(1, 11)]
    return {
        "requests": len(answers),
        "outcomes": dict(Counter(answer.kind for answer in answers)),
        "requests a second": round(len(answers) / seconds, 1),
        "p50 s": round(cuts[49], 4),
        "p99 s": round(cuts[98], 4),
        "slowest s": round(times[-1], 3),
        "MiB at each tenth": [round(sample.mib, 1) for sample in tenths],
        "MiB gained from the first tenth to the last": round(tenths[-1].mib - tenths[0].mib, 1),
        "samples": [[sample.seconds, sample.answered, round(sample.mib, 1)] for sample in samples],
    }


def _nearest(samples: Sequence[Sample], answered: int) -> Sample:
    return min(samples, key=lambda sample: abs(sample.answered - answered))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One run."""
    model = ["-m", "benchmarks.reward_server", "--be-model", "--faults", str(options.faults)]
    model += ["--latency", str(options.latency), "--seed", str(options.seed)]
    with process(model) as (_, base_url):
        words = [*PROGRAM, "--graph", "rubric", "--model", base_url, "--set", "models.default.model=mock"]
        words += ["--port", "0", "--concurrency", str(options.concurrency)]
        with process(words) as (pid, line):
            url = line.split(" at ")[1].split()[0]
            first = options.requests
            asyncio.run(load(url, range(first, first + WARM_UP), options.clients, pid))
            before = json.loads(asyncio.run(get(base_url.removesuffix("/v1") + "/stats")))
            found = figures(*asyncio.run(load(url, range(options.requests), options.clients, pid)))
            after = json.loads(asyncio.run(get(base_url.removesuffix("/v1") + "/stats")))
    served = Counter(after["served"])
    served.subtract(before["served"])
    met = after["met a fault"] - before["met a fault"]
    failed = sum(count for kind, count in found["outcomes"].items() if kind != "right")
    return {
        "clients": options.clients,
        "concurrency": options.concurrency,
        "latency of the model s": options.latency,
        "replies of the model": {kind: served[kind] for kind in ("good", *FAULTS)},
        "requests that met a fault": met,
        "of these recovered": met - failed,
        **found,
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--concurrency", type=int, default=64, help="judgements at a time")
    parser.add_argument("--faults", type=float, default=0.05, help="share of the model's replies")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds that the model needs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the numbers")
    parser.add_argument("--be-model", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be_model:
        asyncio.run(serve_model(options.faults, options.latency, options.seed))
        return
    found = measure(options)
    print(json.dumps({key: value for key, value in found.items() if key != "samples"}, indent=1))
    if options.out is not None:
        (options.out / "reward_server.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
