"""What a large batch needs: memory over a million cases, the journal's size and speed, a warm second run, a kill.

    python -m benchmarks.scale memory --cases 1000000 --out docs/measured/memory.json
    python -m benchmarks.scale warm --cases 2000
    python -m benchmarks.scale kill --cases 2000

`memory` judges with the scripted model, `direct`, one order, journal on, in this process; resident memory and rate are
taken at each percent. `warm` judges twice against a mock with 50 ms latency, 16 in flight. `kill` kills `adjudge batch`
at half and runs the same command again; calls that the mock has seen beyond one a case were paid twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adjudge import Case, Journal, Judge, ScriptedModel
from adjudge.models import ModelSpec
from adjudge.models.mock import MockServer

VERDICT = json.dumps({"rationale": "The first names the author.", "citations": [], "scores": {"A": 7, "B": 3}})
LATENCY = 0.05  # seconds
IN_FLIGHT = 16


def cases(count: int) -> Iterator[Case]:
    """Pairwise cases of about 400 characters."""
    for number in range(count):
        prompt = f"Question {number}: who wrote the novel in question, and in which year did it appear? " + "x" * 120
        yield Case(id=f"case-{number}", prompt=prompt, responses=[f"Author {number} " * 6, "Somebody else " * 6])


async def memory(count: int, path: Path) -> dict[str, Any]:
    """Resident memory and rate at each percent of a batch, and what the journal takes."""
    model = ScriptedModel(lambda request: VERDICT, keep=8)
    judge = Judge.load("direct", model=model, orders="one", journal=path)
    resident: list[float] = []
    rates: list[float] = []
    every, done, began = max(1, count // 100), 0, time.perf_counter()
    mark = began
    async for result in judge.batch(cases(count), concurrency=32):
        assert result.scored
        done += 1
        if done % every == 0:
            now = time.perf_counter()
            resident.append(_resident_mb())
            rates.append(every / (now - mark))
            mark = now
            if len(resident) % 10 == 0:
                print(f"{len(resident)} %: {resident[-1]:.0f} MB, {rates[-1]:.0f} judgements per second", flush=True)
    seconds = time.perf_counter() - began
    await judge.aclose()
    size = _bytes(path)
    return {
        "cases": count,
        "seconds": seconds,
        "resident_mb_at_10_percent": resident[9],
        "resident_mb_at_end": resident[-1],
        "growth": resident[-1] / resident[9],
        "rate_first_tenth": sum(rates[:10]) / 10,
        "rate_last_tenth": sum(rates[-10:]) / 10,
        "journal_bytes_per_judgement": size / count,
        "journal_gb": size / 1e9,
        "lookups_per_second": _lookups(path),
        "resident_mb": resident,
        "rates": rates,
    }


def _lookups(path: Path) -> float:
    """Whole judgements found again per second, spread over the journal."""
    with Journal(path) as journal:
        (digest,) = journal.graphs()
        total = journal.counts().results
        chosen = {number * (total // 2000) for number in range(2000)} if total > 2000 else set(range(total))
        wanted = [case for number, case in enumerate(cases(total)) if number in chosen]
        began = time.perf_counter()
        assert all(journal.judged(case, digest) for case in wanted)
        return len(wanted) / (time.perf_counter() - began)


def _bytes(path: Path) -> int:
    return path.stat().st_size


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def warm(count: int, folder: Path) -> dict[str, Any]:
    """Seconds of a first and of a second run."""
    async with MockServer(lambda body: VERDICT, latency=LATENCY) as server:
        spec = ModelSpec(provider="server", model="mock", base_url=server.base_url)
        seconds, requests = [], []
        for _ in range(2):
            judge = Judge.load("direct", model=spec, orders="one", journal=folder / "journal.sqlite")
            before, began = server.requests, time.perf_counter()
            async for result in judge.batch(cases(count), concurrency=IN_FLIGHT):
                assert result.scored
            seconds.append(time.perf_counter() - began)
            requests.append(server.requests - before)
            await judge.aclose()
    return {"cases": count, "seconds": seconds, "requests": requests, "faster": seconds[0] / seconds[1]}


async def kill(count: int, folder: Path) -> dict[str, Any]:
    """Calls that were paid twice after a kill at half."""
    rows = (json.dumps(case.model_dump(mode="json", exclude_defaults=True)) for case in cases(count))
    (folder / "cases.jsonl").write_text("\n".join(rows) + "\n")
    async with MockServer(lambda body: VERDICT, latency=LATENCY) as server:
        words = ["batch", str(folder / "cases.jsonl"), "--out", str(folder / "run"), "--graph", "direct"]
        words += ["--model", server.base_url, "--set", "orders=one", "--concurrency", str(IN_FLIGHT)]
        command = [sys.executable, "-m", "adjudge", *words]
        quiet = asyncio.subprocess.DEVNULL
        first = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
        while server.requests < count // 2:  # noqa: ASYNC110 - the mock counts, it does not tell
            await asyncio.sleep(0.01)
        first.kill()
        await first.wait()
        again = await asyncio.create_subprocess_exec(*command, stdout=quiet)
        assert await again.wait() == 0
        with Journal(folder / "run" / "journal.sqlite", mode="replay") as journal:
            judged = sum(result.scored for result in journal.results())
        return {"cases": count, "judged": judged, "paid_twice": server.requests - count, "in_flight": IN_FLIGHT}


def main() -> None:
    """Measure one thing, print and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("memory", "warm", "kill"))
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--out", type=Path, help="JSON file for all measures")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measures = {"memory": lambda: memory(chosen.cases, folder / "journal.sqlite")}
        measures |= {"warm": lambda: warm(chosen.cases, folder), "kill": lambda: kill(chosen.cases, folder)}
        measured = asyncio.run(measures[chosen.what]())
    print(json.dumps({key: value for key, value in measured.items() if key not in ("resident_mb", "rates")}, indent=1))
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
