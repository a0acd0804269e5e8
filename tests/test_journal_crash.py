"""The journal among processes: killed, out of disk, racing, forked, and ended without closing."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adjudge.journal import Journal, key_of
from adjudge.types import Position

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, forks and resource limits are POSIX")

ROOT = Path(__file__).parents[1]
AT = Position(case="c", node="n")

PRELUDE = """
import asyncio, os, sys
from adjudge.errors import JournalError
from adjudge.journal import Journal, key_of
from adjudge.types import Case, Position
AT = Position(case="c", node="n")
def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())
"""

# Forks a writer for each line on its standard input, before any journal is open, so that imports are paid once.
WRITERS = """
async def put_forever(path):
    with Journal(path) as journal:
        async def stream(worker):
            number = 0
            while True:
                key = key_of("model", AT, [os.getpid(), worker, number])
                await journal.put(key, "model", AT, {"pid": os.getpid(), "text": "x" * (number * 37 % 6000)})
                say(key)
                number += 1
        await asyncio.gather(*(stream(worker) for worker in range(8)))

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        asyncio.run(put_forever(sys.argv[1]))
    say("pid", child)
    os.waitpid(child, 0)
    say("gone")
"""

RACER = """
async def race(path, name):
    with Journal(path) as journal:
        async def one(number):
            key = key_of("tool", AT, number)
            stored = await journal.put(key, "tool", AT, {"by": name})
            say(number, stored["by"])
        await asyncio.gather(*(one(number) for number in range(200)))
asyncio.run(race(sys.argv[1], sys.argv[2]))
"""

DISK_ERROR = """
import resource
async def fill(path):
    with Journal(path) as journal:
        await journal.put(key_of("model", AT, -1), "model", AT, {})
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            for number in range(1000):
                await journal.put(key_of("model", AT, number), "model", AT, {"text": "y" * 3000})
                say(key_of("model", AT, number))
        except JournalError as error:
            say("refused", error)
asyncio.run(fill(sys.argv[1]))
"""

FORKED = """
async def put(journal, number):
    return await journal.put(key_of("model", AT, number), "model", AT, {"number": number})
parents = Journal(sys.argv[1])
asyncio.run(put(parents, 1))
child = os.fork()
if child == 0:
    for use in (lambda: parents.find(key_of("model", AT, 1)), lambda: asyncio.run(put(parents, 2))):
        try:
            use()
            say("used")
        except JournalError as error:
            say("refused", error)
    parents.close()
    with Journal(sys.argv[1]) as own:
        say("own", asyncio.run(put(own, 3)), own.find(key_of("model", AT, 1)))
    os._exit(0)
os.waitpid(child, 0)
asyncio.run(put(parents, 4))
say("parent", sorted(parents.counts().calls.items()))
parents.close()
"""

FORGOTTEN = """
journal = Journal(sys.argv[1])
async def run():
    await journal.put(key_of("model", AT, 1), "model", AT, {})
    pending = asyncio.create_task(journal.put_case(Case(id="pending", prompt="?")))
    await asyncio.sleep(0)
asyncio.run(run())
journal.find(key_of("model", AT, 1))
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", PRELUDE + script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def finish(process: subprocess.Popen[str]) -> list[str]:
    """The lines that a script printed; fails unless it ended well and without a warning."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == ""
    return out.splitlines()


def keys_in(path: Path) -> set[str]:
    """Keys of the calls in a file, as another program sees them; fails when the file is damaged."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0].hex() for row in other.execute("SELECT key FROM calls")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


@pytest.fixture
def writers(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(WRITERS, path)
    yield process
    process.communicate(timeout=60)


def killed_writer(writers: subprocess.Popen[str], seconds: float) -> set[str]:
    """Let a process put for some seconds, kill it, and return the keys whose put had returned in it."""
    assert writers.stdin is not None
    assert writers.stdout is not None
    writers.stdin.write("go\n")
    writers.stdin.flush()
    lines: list[str] = []
    pid = 0
    while not pid or not lines:  # its first put has returned
        line = writers.stdout.readline().split()
        if line[0] == "pid":
            pid = int(line[1])
        else:
            lines.append(line[0])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lines.append(writers.stdout.readline().strip())
    os.kill(pid, signal.SIGKILL)
    while (line_text := writers.stdout.readline().strip()) != "gone":
        lines.append(line_text)
    return set(lines)


def test_what_was_committed_survives_kill_9_at_any_moment(writers: subprocess.Popen[str], path: Path) -> None:
    rng = random.Random(0)
    returned: set[str] = set()
    for _ in range(20):
        returned |= killed_writer(writers, rng.uniform(0.0, 0.1))
        assert returned <= keys_in(path)
    assert len(returned) > 100
    with Journal(path) as journal:
        assert all(journal.find(key) is not None for key in returned)


def test_a_killed_run_can_be_replayed_as_it_lies(writers: subprocess.Popen[str], path: Path) -> None:
    returned = killed_writer(writers, 0.1)
    assert path.with_name("run.journal-wal").stat().st_size > 0
    with Journal(path, mode="replay") as replay:
        assert all(replay.get(key, "model", AT) is not None for key in returned)


def test_a_disk_that_refuses_fails_the_put_and_keeps_the_rest(path: Path) -> None:
    *stored, last = finish(start(DISK_ERROR, path))
    assert last.startswith(f"refused journal {path}")
    assert "disk" in last
    assert stored
    assert {*stored, key_of("model", AT, -1)} == keys_in(path)
    with Journal(path) as journal:
        assert all(journal.find(key) is not None for key in stored)


def test_processes_that_race_for_the_same_calls_agree(path: Path) -> None:
    racers = [start(RACER, path, name) for name in ("ann", "ben", "cyd")]
    seen = [sorted(finish(racer)) for racer in racers]
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 200
    assert len(keys_in(path)) == 200


def test_an_open_journal_refuses_to_cross_a_fork(path: Path) -> None:
    lines = finish(start(FORKED, path))
    assert [line.split()[0] for line in lines] == ["refused", "refused", "own", "parent"]
    assert "after the fork" in lines[0]
    assert lines[2] == "own {'number': 3} {'number': 1}"
    assert lines[3] == "parent [('model', 3)]"


def test_a_program_that_forgets_to_close_ends_cleanly(path: Path) -> None:
    assert finish(start(FORGOTTEN, path)) == []
    assert keys_in(path) == {key_of("model", AT, 1)}
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with Journal(path, mode="replay") as replay:
        assert [case.id for case in replay.cases()] == ["pending"]
