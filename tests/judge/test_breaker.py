"""While the server is away one judgement at a time looks whether it is back."""

from __future__ import annotations

import asyncio

import pytest

from adjudge.errors import ModelError
from adjudge.judge.breaker import Breaker


def opened(**settings: float) -> Breaker:
    breaker = Breaker(3, **settings)  # type: ignore[arg-type]
    for _ in range(3):
        breaker.failed("nobody answers")
    return breaker


def test_failures_between_successes_do_not_open_it() -> None:
    breaker = Breaker(3)
    for _ in range(20):
        breaker.failed("x")
        breaker.failed("x")
        breaker.succeeded()
    assert not breaker.open
    assert breaker.problem == ""


def test_failures_in_a_row_open_it_and_say_why() -> None:
    assert opened().open
    assert opened().problem == "nobody answers"


def test_one_at_a_time_passes_until_one_succeeds_then_all() -> None:
    passed: list[int] = []

    async def judge(breaker: Breaker, number: int) -> None:
        await breaker.passage()
        passed.append(number)

    async def go() -> None:
        breaker = opened(pause=0.01)
        waiting = [asyncio.create_task(judge(breaker, number)) for number in range(8)]
        await asyncio.sleep(0.1)
        assert len(passed) == 1
        breaker.failed("still away")
        await asyncio.sleep(0.1)
        assert len(passed) == 2
        breaker.succeeded()
        await asyncio.gather(*waiting)
        assert len(passed) == 8
        await asyncio.wait_for(breaker.passage(), 1)

    asyncio.run(go())


def test_a_try_that_was_cut_off_leaves_the_way_to_another() -> None:
    async def go() -> None:
        breaker = opened(pause=0.01)
        await breaker.passage()
        breaker.given_up()
        await asyncio.wait_for(breaker.passage(), 1)

    asyncio.run(go())


def test_patience_ends_with_what_was_wrong() -> None:
    async def go() -> None:
        breaker = opened(pause=0.01, patience=0.05)
        for _ in range(100):
            await breaker.passage()
            breaker.failed("the plug is out")

    with pytest.raises(ModelError, match="the plug is out"):
        asyncio.run(go())


def test_pauses_grow_and_begin_small_after_a_success() -> None:
    now = 0.0
    breaker = Breaker(1, pause=1.0, clock=lambda: now)
    pauses = []

    async def passes() -> bool:
        try:
            async with asyncio.timeout(0):
                await breaker.passage()
        except TimeoutError:
            return False
        return True

    async def go() -> None:
        nonlocal now
        for _ in range(7):
            breaker.failed("x")
            start = now
            while not await passes():
                now += 0.5
            pauses.append(now - start)

    asyncio.run(go())
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
