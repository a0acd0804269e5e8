"""Batches on a Ray cluster: the driver writes, a lost worker's cases are judged again, each case once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import CaseError
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.judge.drift import differences
from adjudge.models import ModelSpec
from adjudge.models.mock import MockServer
from adjudge.replay import replay
from adjudge.types import Case, Unscored

ray = pytest.importorskip("ray", reason="ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

VERDICT = json.dumps({"rationale": "It fits.", "citations": [], "scores": {"A": 7, "B": 3}, "confidence": 1})


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A mock server in a thread of its own: the driver blocks while Ray works."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    mock = MockServer(lambda body: VERDICT, latency=0.1)
    asyncio.run_coroutine_threadsafe(mock.__aenter__(), loop).result()
    yield mock
    asyncio.run_coroutine_threadsafe(mock.__aexit__(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def cases(count: int) -> Iterator[Case]:
    return (Case(id=f"c{number}", prompt=f"question {number}", responses=["a", "b"]) for number in range(count))


def build(server: MockServer, **more: Any) -> partial[Judge]:
    spec = ModelSpec(provider="server", model="mock", base_url=server.base_url)
    return partial(Judge.load, "direct", model=spec, orders="one", **more)


def judge(build: partial[Judge], rows: Any, path: Path, **more: Any) -> list[Any]:
    from adjudge.distributed import judge_on_ray

    with Journal(path) as journal:
        return list(judge_on_ray(build, rows, journal=journal, **more))


def actors() -> list[int]:
    """Processes of Ray Data's workers."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                if b"ray::MapWorker" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
def test_each_case_is_judged_once_although_a_worker_is_killed(
    cluster: None, server: MockServer, tmp_path: Path
) -> None:
    count, killed = 160, []

    def kill() -> None:
        while server.requests < count // 4:
            time.sleep(0.02)
        killed.append(actors()[0])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    path = tmp_path / "j.sqlite"
    judged = judge(build(server), cases(count), path, workers=2, in_flight=4)
    killer.join(10)
    assert killed
    assert sorted(item.result.id for item in judged) == sorted(f"c{number}" for number in range(count))
    assert all(item.result.scored for item in judged)
    assert count < server.requests <= count + 2 * 16  # the lost worker held at most two blocks of sixteen
    with Journal(path, mode="replay") as journal:
        assert [result.id for result in journal.results()] == [f"c{number}" for number in range(count)]
        assert journal.counts().calls == {"model": count}
    assert all(item.identical for item in replay(path))


def test_a_second_run_asks_no_worker_and_bad_rows_are_told(cluster: None, server: MockServer, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    judge(build(server), cases(20), path)
    made = server.requests
    rows = [*cases(20), CaseError("broken", file="f", line=3), Case(id="alone", prompt="?", responses=["a"])]
    again = judge(build(server), rows, path)
    assert server.requests == made == 20
    assert [item.result.id for item in again[-2:]] == ["f:3", "alone"]
    assert all(isinstance(item.result.outcome, Unscored) for item in again[-2:])


def test_a_worker_with_another_judge_is_refused_with_the_difference(server: MockServer) -> None:
    from adjudge.distributed import Worker

    record = build(server)().record()
    Worker(build(server), record, 1)
    with pytest.raises(Exception, match=r"limits\.seconds: 300\.0 then, 60\.0 now"):
        Worker(build(server, **{"limits.seconds": 60.0}), record, 1)
    assert differences(record, record) == []
