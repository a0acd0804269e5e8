"""Many cases at a time, results in the order of the input."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import NamedTuple

from adjudge.cli.cases import Row
from adjudge.errors import CaseError, ConfigError
from adjudge.judge import Judge
from adjudge.types import Case, Event, JudgeResult

Watch = Callable[[Case], Callable[[Event], None]]


class Judged(NamedTuple):
    """What became of one row of the input."""

    case: Case | None
    result: JudgeResult | None = None
    problem: ConfigError | None = None  # the row is no case, or the case does not fit the judge


async def judge_all(judge: Judge, rows: Iterable[Row], *, concurrency: int, watch: Watch) -> AsyncGenerator[Judged]:
    """Judge the cases among the rows.

    Args:
        judge: With its journal set.
        rows: Cases and bad rows.
        concurrency: Most cases at a time.
        watch: Called as a case begins; what it returns receives the case's events.

    Raises:
        JournalError: The journal cannot be used any more; nothing that was committed is lost.
    """
    gate = asyncio.Semaphore(concurrency)
    window: deque[asyncio.Task[Judged]] = deque()
    most = 1 if concurrency == 1 else 4 * concurrency  # a slow case lets that many others finish before it

    async def one(row: Row, ordinal: int) -> Judged:
        if isinstance(row, ConfigError):
            return Judged(None, problem=row)
        async with gate:
            if judge.journal is not None:
                await judge.journal.put_case(row, ordinal)  # several at a time would else be kept in any order
            try:
                return Judged(row, await judge.ajudge(row, on_event=watch(row)))
            except CaseError as error:
                return Judged(row, problem=error)

    try:
        for ordinal, row in enumerate(rows):
            window.append(asyncio.create_task(one(row, ordinal)))
            while window and (len(window) >= most or window[0].done()):
                yield await window[0]
                window.popleft()
        while window:
            yield await window[0]
            window.popleft()
    finally:
        for task in window:
            task.cancel()
        await asyncio.gather(*window, return_exceptions=True)
