from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import NamedTuple

import pytest

from adjudge.errors import ConfigError, ModelError
from adjudge.models.base import Sampling, Scored
from adjudge.models.local.batching import BATCH, Job, Worker
from adjudge.models.local.batching import Work as Item
from adjudge.models.local.requests import CompleteRequest, Request


class Odd(NamedTuple):
    number: int


class Even(NamedTuple):
    number: int


class Counting:
    """Scores a number as itself; waits at a gate, fails at poison, and notes what ran together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.started = threading.Event()
        self.poison: set[int] = set()

    def prepare(self, request: Request) -> Odd | Even:
        assert isinstance(request, CompleteRequest)
        (number,) = request.token_ids
        if number < 0:
            raise ModelError("negative", kind="rejected")
        return Odd(number) if number % 2 else Even(number)

    def run(self, work: Sequence[Item]) -> None:
        self.started.set()
        assert self.gate.wait(10)
        numbers = [item.prepared.number for item in work if isinstance(item.prepared, Odd | Even)]
        self.batches.append(numbers)
        for item, number in zip(work, numbers, strict=True):
            if number in self.poison:
                raise ZeroDivisionError(f"poison {number}")
            item.deliver(Scored(((float(number),),)))


def job(number: int) -> Job:
    return Job(CompleteRequest((number,), Sampling(), 1))


def result(job: Job) -> object:
    return job.future.result(10)


def answer(number: int) -> Scored:
    return Scored(((float(number),),))


@pytest.fixture
def runner() -> Counting:
    return Counting()


@pytest.fixture
def worker(runner: Counting) -> Iterator[Worker]:
    worker = Worker(lambda: runner)
    yield worker
    runner.gate.set()
    worker.stop()
    worker.join()


def queued_behind_a_busy_thread(worker: Worker, runner: Counting, numbers: Sequence[int]) -> list[Job]:
    first = job(1000)
    worker.put(first)
    assert runner.started.wait(10)
    jobs = [job(number) for number in numbers]
    for item in jobs:
        worker.put(item)
    return jobs


def test_requests_that_wait_run_together_up_to_the_limit(worker: Worker, runner: Counting) -> None:
    numbers = list(range(0, 2 * (BATCH + 3), 2))
    jobs = queued_behind_a_busy_thread(worker, runner, numbers)
    runner.gate.set()
    assert [result(item) for item in jobs] == [answer(number) for number in numbers]
    assert runner.batches == [[1000], numbers[:BATCH], numbers[BATCH:]]


def test_kinds_do_not_mix_in_a_batch(worker: Worker, runner: Counting) -> None:
    jobs = queued_behind_a_busy_thread(worker, runner, [1, 2, 3, 4])
    runner.gate.set()
    assert [result(item) for item in jobs] == [answer(number) for number in (1, 2, 3, 4)]
    assert runner.batches[1:] == [[1, 3], [2, 4]]


def test_a_request_that_cannot_be_prepared_fails_alone(worker: Worker, runner: Counting) -> None:
    good, bad, other = queued_behind_a_busy_thread(worker, runner, [2, -1, 4])
    runner.gate.set()
    assert (result(good), result(other)) == (answer(2), answer(4))
    with pytest.raises(ModelError, match="negative"):
        result(bad)


def test_a_failure_while_running_reaches_only_its_own_request(worker: Worker, runner: Counting) -> None:
    runner.poison = {4}
    good, bad, other = queued_behind_a_busy_thread(worker, runner, [2, 4, 6])
    runner.gate.set()
    assert (result(good), result(other)) == (answer(2), answer(6))
    with pytest.raises(ModelError, match="ZeroDivisionError: poison 4") as raised:
        result(bad)
    assert raised.value.kind == "unavailable"
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert result_after(worker, 8) == answer(8)


def result_after(worker: Worker, number: int) -> object:
    item = job(number)
    worker.put(item)
    return result(item)


def test_a_cancelled_request_is_left_out_and_the_others_go_on(worker: Worker, runner: Counting) -> None:
    first, cancelled, last = queued_behind_a_busy_thread(worker, runner, [2, 4, 6])
    assert cancelled.future.cancel()
    runner.gate.set()
    assert (result(first), result(last)) == (answer(2), answer(6))
    assert runner.batches[1:] == [[2, 6]]
    with pytest.raises(CancelledError):
        result(cancelled)


def test_when_loading_fails_the_waiting_requests_hear_of_it_and_the_next_tries_again(runner: Counting) -> None:
    failures = [ConfigError("no such weights"), OSError("disk on fire")]

    def load() -> Counting:
        if failures:
            raise failures.pop(0)
        return runner

    runner.gate.set()
    worker = Worker(load)
    with pytest.raises(ConfigError, match="no such weights"):
        result_after(worker, 2)
    with pytest.raises(ModelError, match="OSError: disk on fire"):
        result_after(worker, 2)
    assert result_after(worker, 2) == answer(2)
    worker.stop()
    worker.join()


def test_stopping_finishes_what_was_asked_before(worker: Worker, runner: Counting) -> None:
    jobs = queued_behind_a_busy_thread(worker, runner, [2, 4])
    worker.stop()
    runner.gate.set()
    worker.join()
    assert [result(item) for item in jobs] == [answer(2), answer(4)]
    assert not worker.alive


def test_halting_abandons_what_runs_and_fails_what_waits(worker: Worker, runner: Counting) -> None:
    running = job(2)
    worker.put(running)
    assert runner.started.wait(10)
    waiting = job(4)
    worker.put(waiting)
    worker.halt()
    assert running.is_abandoned()
    runner.gate.set()
    worker.join(10)
    assert not worker.alive
    assert runner.batches == [[2]]
    with pytest.raises(ModelError, match="closed before it answered"):
        result(waiting)


def test_a_runner_that_delivers_nothing_is_an_error_not_a_wait_without_end(runner: Counting) -> None:
    class Silent(Counting):
        def run(self, work: Sequence[Item]) -> None:
            return

    worker = Worker(Silent)
    with pytest.raises(ModelError, match="nothing"):
        result_after(worker, 2)
    worker.stop()
    worker.join()
