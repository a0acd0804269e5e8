"""A run that is killed at any point goes on where it was: no call that was finished is paid for twice."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.journal import Journal
from adjudge.types import Position

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks are POSIX")
KILLS = 50

# Builds the judge once, then forks a process for each folder named on its standard input; a journal is opened in the
# fork. Whatever is really called first writes down which call it is.
SERVER = """
import asyncio, json, os, sys
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.tools import ToolContext, tool
from adjudge.types import Case, Evidence
from adjudge.types.messages import assistant, tool_call

paid = None

def pay(what):
    os.write(paid, (what + chr(10)).encode())

class Paid(ScriptedModel):
    async def chat(self, messages, **more):
        pay(f"model {more['sampling'].seed}")
        await asyncio.sleep(0.003)
        return await super().chat(messages, **more)

def reply(request):
    searches = sum(message["role"] == "assistant" for message in request.messages)
    if request.sampling.json_schema is not None:
        return {"rationale": "r", "citations": ["E1"], "scores": {"A": 7, "B": 4}, "confidence": 0.5}
    if searches < 2:
        queries = [f"{searches}-{number}" for number in range(2)]
        return assistant("", [tool_call(q, "corpus", json.dumps({"query": q})) for q in queries])
    return "Enough."

async def corpus(query: str, context: ToolContext) -> Evidence:
    '''Search.

    Args:
        query: What for.
    '''
    pay(f"tool {context.case.id} {query}")
    await asyncio.sleep(0.002)
    return Evidence(excerpt=f"about {query} of {context.case.id}", source=query)

judge = Judge.load("evidence", model=Paid(reply), tools={"corpus": tool(corpus)})
cases = [Case(id=f"c{n}", prompt=f"Question {n}?", responses=["one", "two"]) for n in range(5)]

async def run(folder):
    judge.journal = Journal(folder + "/run.sqlite")
    results = [await judge.ajudge(case) for case in cases[:2]]
    await asyncio.gather(*(judge.ajudge(case) for case in cases[2:]))
    await judge.aclose()

def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())

say("ready")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        paid = os.open(line.strip() + "/paid.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        asyncio.run(run(line.strip()))
        say("done")
        os._exit(0)
    say("child", child)
    sys.stdin.readline()  # its id stays its own until then
    os.waitpid(child, 0)
    say("gone")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        assert line(process) == "ready"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def run(server: subprocess.Popen[str], folder: Path, seconds: float | None) -> bool:
    """Run until done, or until killed after some seconds. Returns whether it was done."""
    folder.mkdir(exist_ok=True)
    assert server.stdin is not None
    server.stdin.write(f"{folder}\n")
    server.stdin.flush()
    said: list[str] = []
    while not (said and said[-1].startswith("child")):
        said.append(line(server))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(int(said[-1].split()[1]), signal.SIGKILL)
    server.stdin.write("wait\n")
    server.stdin.flush()
    while said[-1] != "gone":
        said.append(line(server))
    return "done" in said


def finished(folder: Path) -> set[str]:
    """The calls that are committed, as those who are called write them down."""
    if not (folder / "run.sqlite").exists():
        return set()
    found = set()
    connection = sqlite3.connect(folder / "run.sqlite")
    try:
        rows = connection.execute("SELECT kind, position, value FROM calls").fetchall()
    except sqlite3.OperationalError:  # killed before the tables were made
        rows = []
    finally:
        connection.close()
    for kind, place, value in rows:
        at = Position(*json.loads(place))
        if kind == "model":
            found.add(f"model {at.seed(0)}")
        elif kind == "tool":
            found.add(f"tool {at.case} {json.loads(value)['evidence'][0]['arguments']['query']}")
    return found


def paid(folder: Path) -> list[str]:
    path = folder / "paid.txt"
    return path.read_text().splitlines() if path.exists() else []


def outcomes(folder: Path) -> dict[str, Any]:
    """All results, without the times at which things happened."""
    with Journal(folder / "run.sqlite", mode="replay") as journal:
        results = {result.id: result.to_dict(trajectory=True) for result in journal.results()}
    for result in results.values():
        del result["usage"]["seconds"]
        for item in result["evidence"]:
            del item["time"]
    return results


def test_a_run_killed_at_fifty_points_pays_for_no_finished_call_twice(
    server: subprocess.Popen[str], tmp_path: Path
) -> None:
    start = time.monotonic()
    assert run(server, tmp_path / "calm", None)
    whole = time.monotonic() - start
    expected = outcomes(tmp_path / "calm")
    assert len(expected) == 5
    assert all(result["judgement"]["type"] == "verdict" for result in expected.values())
    calls = paid(tmp_path / "calm")
    assert sorted(calls) == sorted(finished(tmp_path / "calm"))  # so the two ways of naming a call agree

    chance = random.Random(20)
    kills, rounds, cut = 0, 0, 0

    def enough() -> bool:
        return kills >= KILLS and cut >= KILLS // 4  # many of them in the midst of a run

    while not enough():
        folder = tmp_path / f"round{rounds}"
        rounds += 1
        done = False
        while not done:
            known, before = finished(folder), len(paid(folder))
            done = run(server, folder, None if enough() else chance.uniform(0, 0.4 * whole))
            again = known & set(paid(folder)[before:])
            assert not again, f"paid twice: {again}"
            kills += not done
            cut += 0 < len(finished(folder)) < len(calls)
        assert outcomes(folder) == expected
        assert set(paid(folder)) == set(calls)
    assert kills >= KILLS


def test_what_was_replayed_after_a_crash_is_what_the_run_gave(server: subprocess.Popen[str], tmp_path: Path) -> None:
    run(server, tmp_path / "one", 0.02)
    assert run(server, tmp_path / "one", None)
    first = outcomes(tmp_path / "one")
    before = len(paid(tmp_path / "one"))
    assert run(server, tmp_path / "one", None)
    assert outcomes(tmp_path / "one") == first
    assert len(paid(tmp_path / "one")) == before
