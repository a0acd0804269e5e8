"""A judge as the server uses it: in turn, shared, counted, and patient while a model is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from adjudge.errors import CaseError
from adjudge.judge import Judge
from adjudge.judge.batch import unfit
from adjudge.judge.rank import Plan
from adjudge.judge.rewarding import Rewarded, areward
from adjudge.serving.forms import case_of
from adjudge.serving.jobs import Jobs, Watch
from adjudge.serving.metrics import Metrics
from adjudge.types import Case, Finished, JudgeResult, RankResult, Strategy, Unscored

if TYPE_CHECKING:
    from adjudge.serving.gate import Ticket
    from adjudge.types import Event

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between two tries of a judgement
Result = TypeVar("Result", JudgeResult, RankResult)
Row = TypeVar("Row")
Made = TypeVar("Made")


class Served:
    """One judge.

    Args:
        judge: The judge; it reads no images from files.
        jobs: Where its judgements are.
        metrics: Told of them.
        patience: Seconds to try a judgement again that a passing failure has left unscored.
        at_once: Judgements of one request that are asked for at the same time.
    """

    def __init__(self, judge: Judge, jobs: Jobs, metrics: Metrics, *, patience: float, at_once: int) -> None:
        self.judge = judge
        self.name = judge.spec.name
        self._jobs = jobs
        self._metrics = metrics
        self._patience = patience
        self._at_once = at_once

    async def judgement(
        self, case: Case, ticket: Ticket, *, watch: Watch | None = None, streamed: bool = False
    ) -> JudgeResult:
        """Judge a case.

        Raises:
            CaseError: It does not fit the judge.
        """
        self.judge.check(case)

        async def judge(watch: Watch) -> JudgeResult:
            return await self.judge.ajudge(case, on_event=watch)

        key = ("judgement", case.id, case.digest())
        return await self._made(key, judge, ticket, watch, streamed)

    async def judgement_of(
        self, raw: object, number: int, ticket: Ticket, *, watch: Watch | None = None, streamed: bool = False
    ) -> JudgeResult:
        """Judge one of several cases; what is wrong with it becomes its own result.

        Args:
            raw: As it was sent.
            number: Its place among them, from 0.
            ticket: Of the request.
            watch: Called with the events.
            streamed: See `Jobs.result`.
        """
        given = raw.get("id") if isinstance(raw, dict) else None
        name = given.encode("utf-8", "replace").decode() if isinstance(given, str) else None
        try:
            case = case_of(raw, number)
            name = case.id
            return await self.judgement(case, ticket, watch=watch, streamed=streamed)
        except CaseError as error:
            return unfit(self.judge, error, number, name)

    async def ranking(
        self, case: Case, plan: Plan, ticket: Ticket, *, watch: Watch | None = None, streamed: bool = False
    ) -> RankResult:
        """Rank the responses of a case; it counts as one judgement.

        Raises:
            CaseError: There is nothing to rank.
            ConfigError: The graph cannot rank.
        """

        async def rank(watch: Watch) -> RankResult:
            return await self.judge.arank(case, **plan._asdict(), on_event=watch)

        key = ("ranking", *plan, case.id, case.digest())
        return await self._made(key, rank, ticket, watch, streamed)

    async def rewards(
        self, rows: Sequence[object], strategy: Strategy, penalty: float | None, ticket: Ticket
    ) -> list[Rewarded]:
        """Rewards of responses, one a row.

        Args:
            rows: Cases as they were sent, or what is wrong with one.
            strategy: See `areward`.
            penalty: See `areward`.
            ticket: Of the request.
        """
        rewards: list[Rewarded] = [Rewarded(None)] * len(rows)
        cases: dict[int, Case] = {}
        for place, row in enumerate(rows):
            try:
                cases[place] = _single(row, place)
            except CaseError as error:
                rewards[place] = Rewarded(None, f"bad_case: {error}")
        ranker = _Ranker(self, ticket)
        units = [[place] for place in cases] if strategy == "pointwise" else [list(cases)]

        async def reward(unit: list[int]) -> list[Rewarded]:
            return await areward(ranker, [cases[place] for place in unit], strategy=strategy, penalty=penalty)

        for unit, rewarded in zip(units, await self.side_by_side(units, reward), strict=True):
            for place, item in zip(unit, rewarded, strict=True):
                rewards[place] = item
        return rewards

    async def side_by_side(self, rows: Sequence[Row], one: Callable[[Row], Awaitable[Made]]) -> list[Made]:
        """What becomes of each of several rows. Only some are asked for at a time, so that others get their turns."""
        turns = asyncio.Semaphore(self._at_once)

        async def in_turn(row: Row) -> Made:
            async with turns:
                return await one(row)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(row)) for row in rows]
        return [task.result() for task in tasks]

    async def _made(
        self,
        key: tuple[object, ...],
        make: Callable[[Watch], Awaitable[Result]],
        ticket: Ticket,
        watch: Watch | None,
        streamed: bool,
    ) -> Result:
        async def work(tell: Watch) -> Result:
            def heard(event: Event) -> None:
                self._metrics.heard(self.name, event, self.judge.tools)
                if not isinstance(event, Finished):  # there may be another try
                    tell(event)

            result = await self._patiently(lambda: make(heard))
            self._metrics.judged(self.name, result)
            return result

        return await self._jobs.result((self.name, *key), work, ticket, watch=watch, streamed=streamed)

    async def _patiently(self, make: Callable[[], Awaitable[Result]]) -> Result:
        pause, until = FIRST_PAUSE, time.monotonic() + self._patience
        while True:
            result = await make()
            if not _passing(result) or time.monotonic() + pause > until:
                return result
            self._metrics.retried(self.name)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)


class _Ranker:
    """A judge whose rankings go through the server's jobs."""

    def __init__(self, served: Served, ticket: Ticket) -> None:
        self._served = served
        self._ticket = ticket

    async def arank(self, case: Case, *, strategy: Strategy) -> RankResult:
        return await self._served.ranking(case, Plan(strategy), self._ticket)


def _passing(result: JudgeResult | RankResult) -> bool:
    """Whether a failure that may pass has left something without a score."""
    if isinstance(result.outcome, Unscored):
        return result.outcome.transient
    if not isinstance(result, RankResult) or None not in result.outcome.scores:
        return False
    return any(isinstance(c.outcome, Unscored) and c.outcome.transient for c in result.comparisons)


def _single(row: object, place: int) -> Case:
    if isinstance(row, CaseError):
        raise row
    case = case_of(row, place)
    if len(case.responses) != 1:
        problem = f"a reward is for one response, found {len(case.responses)}"
        raise CaseError(problem, file="cases", line=place + 1, key="responses")
    return case
