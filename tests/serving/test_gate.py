"""Room, turns, and judgements that are shared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adjudge.serving.gate import LONGEST_PAUSE, Gate
from adjudge.serving.jobs import Jobs
from adjudge.serving.refusals import Refused
from adjudge.types import NodeStarted

Work = Callable[[Any], Awaitable[Any]]


@pytest.mark.parametrize(("concurrency", "queue"), [(1, 0), (1, 2), (3, 0), (2, 5)])
def test_as_many_are_let_in_as_may_run_or_wait(concurrency: int, queue: int) -> None:
    gate = Gate(concurrency, queue)
    held = [gate.admit() for _ in range(concurrency + queue)]
    for admission in held:
        admission.__enter__()
    with pytest.raises(Refused, match="queue is full"), gate.admit():
        pass
    assert (gate.inside, gate.waiting) == (concurrency + queue, concurrency + queue)
    held[0].__exit__(None, None, None)
    with gate.admit():
        pass


def test_one_large_request_does_not_widen_the_queue() -> None:
    async def tried() -> int:
        gate = Gate(2, 1)
        async with gate.turn(), gate.turn():  # both of one request, which waits no more
            with gate.admit() as ticket:
                ticket.begin()
                ticket.begin()
                with gate.admit():
                    assert gate.waiting == 1
                    with pytest.raises(Refused), gate.admit():
                        pass
        return gate.waiting

    assert asyncio.run(tried()) == 0


def test_nobody_is_let_in_while_the_server_stops() -> None:
    gate = Gate(1, 1)
    gate.draining = True
    with pytest.raises(Refused) as caught, gate.admit():
        pass
    assert caught.value.error.code == "stopping"


def test_the_pause_that_is_told_has_bounds() -> None:
    gate = Gate(1, 10_000)
    assert gate.pause() >= 1
    gate.waiting = 9_999
    assert gate.pause() == LONGEST_PAUSE


def shared(check: Callable[[Gate, Jobs], Awaitable[None]]) -> None:
    async def run() -> None:
        gate = Gate(2, 10)
        await check(gate, Jobs(gate))

    asyncio.run(run())


def test_the_same_is_judged_once_and_another_time_anew() -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        made = 0

        async def work(_: Any) -> int:
            nonlocal made
            made += 1
            await asyncio.sleep(0.01)
            return made

        with gate.admit() as ticket:
            found = await asyncio.gather(*(jobs.result("a", work, ticket) for _ in range(5)))
            assert found == [1] * 5
            assert await jobs.result("a", work, ticket) == 2
            assert await jobs.result("b", work, ticket) == 3
        assert not len(jobs)

    shared(check)


def test_an_error_reaches_all_who_wait() -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        async def work(_: Any) -> int:
            await asyncio.sleep(0.01)
            raise ValueError("wrong")

        with gate.admit() as ticket:
            found = await asyncio.gather(*(jobs.result("a", work, ticket) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in found] == ["wrong"] * 3

    shared(check)


def test_after_a_stop_nothing_is_begun_any_more() -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        async def work(_: Any) -> int:
            raise AssertionError("begun")

        with gate.admit() as ticket:  # let in before, and slow to get here
            jobs.stop()
            with pytest.raises(Refused) as caught:
                await jobs.result("a", work, ticket)
        assert caught.value.error.code == "stopping"

    shared(check)


def test_events_reach_all_who_watch_from_when_they_came() -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        step = asyncio.Event()

        async def work(tell: Any) -> None:
            tell(NodeStarted("one", "judge"))
            await step.wait()
            tell(NodeStarted("two", "judge"))

        early: list[Any] = []
        late: list[Any] = []
        with gate.admit() as ticket:
            first = asyncio.create_task(jobs.result("a", work, ticket, watch=early.append))
            await asyncio.sleep(0.01)
            second = asyncio.create_task(jobs.result("a", work, ticket, watch=late.append))
            await asyncio.sleep(0.01)
            step.set()
            await asyncio.gather(first, second)
        assert [event.node for event in early] == ["one", "two"]
        assert [event.node for event in late] == ["two"]

    shared(check)


@pytest.mark.parametrize(("streamed", "finished"), [(True, False), (False, True)])
def test_what_was_only_streamed_ends_with_its_last_listener(streamed: bool, finished: bool) -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        begun, go_on, done = asyncio.Event(), asyncio.Event(), False

        async def work(_: Any) -> None:
            nonlocal done
            begun.set()
            await go_on.wait()
            done = True

        with gate.admit() as ticket:
            task = asyncio.create_task(jobs.result("a", work, ticket, streamed=streamed))
            await begun.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        go_on.set()
        async with asyncio.timeout(10):
            while gate.running:
                await asyncio.sleep(0.001)
        assert done is finished

    shared(check)


def test_who_comes_after_a_cancellation_gets_a_new_one() -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        async def work(_: Any) -> str:
            await asyncio.sleep(0.02)
            return "done"

        with gate.admit() as ticket:
            task = asyncio.create_task(jobs.result("a", work, ticket, streamed=True))
            await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.sleep(0)  # the cancellation is on its way, the judgement not over yet
            assert await jobs.result("a", work, ticket) == "done"

    shared(check)


def test_those_who_wait_when_all_is_stopped_are_refused() -> None:
    async def check(gate: Gate, jobs: Jobs) -> None:
        async def work(_: Any) -> None:
            await asyncio.sleep(10)

        with gate.admit() as ticket:
            tasks = [asyncio.create_task(jobs.result(key, work, ticket)) for key in "aab"]
            await asyncio.sleep(0.01)
            jobs.stop()
            found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [error.error.code for error in found if isinstance(error, Refused)] == ["stopping"] * 3

    shared(check)
