"""The door itself: look a call up, else check the limits, make it, commit it, and only then hand its result on.

What stopped a call (a limit, a failed model) is recorded too, so that a replay stops where the run did.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple, NoReturn

from adjudge.errors import JournalError, LimitExceeded, ModelError
from adjudge.journal import Journal, key_of
from adjudge.run.limits import Meter
from adjudge.types import Event, LimitReached, Position

Kind = Literal["model", "score", "complete", "tool"]


class Door(NamedTuple):
    """Where the calls of one judgement go through.

    Args:
        meter: What is spent and what may be.
        journal: Where calls are looked up and kept, if anywhere.
        emit: Receives the event that a limit was reached.
    """

    meter: Meter
    journal: Journal | None
    emit: Callable[[Event], None]

    def enter(self, at: Position, visits: int) -> None:
        """Enter a node once more.

        Args:
            at: Where it is.
            visits: How often it was entered before.

        Raises:
            LimitExceeded: It was entered as often as the limits allow.
        """
        try:
            self.meter.check_visit(at.node, visits)
        except LimitExceeded as error:
            self.emit(LimitReached(at, error.limit, _detail(error)))
            raise

    async def through(
        self,
        kind: Kind,
        at: Position,
        content: object,
        call: Callable[[], Awaitable[dict[str, Any]]],
        characters: int,
        *,
        kept: bool = True,
    ) -> tuple[dict[str, Any], bool]:
        """Look up, else check limits, call and commit. Returns the value and whether it was recorded before.

        With `kept` false the journal is neither read nor written.
        """
        if not kept:
            return await self._replace(journal=None).through(kind, at, content, call, characters)
        journal = self.journal
        key = "" if journal is None else key_of(kind, at, content)
        if journal is not None and (value := journal.find(key)) is not None:
            self._reserve(kind)
            self.meter.clock.at_least(value["elapsed"])
            self.meter.finished = max(self.meter.finished, value["elapsed"])
            return value, True
        stop = self._next_stop(kind, at, key)
        made = False
        try:
            self._check(kind, characters)
            self._reserve(kind)
            made = True
            value = await self._in_time(call)
        except (LimitExceeded, ModelError) as error:
            await self._record_stop(at, stop, error, made)
            raise
        value["elapsed"] = round(self.meter.clock.now(), 6)
        self.meter.finished = max(self.meter.finished, value["elapsed"])
        if journal is not None:
            value = await journal.put(key, kind, at, value)
        return value, False

    def _check(self, kind: Kind, characters: int) -> None:
        if kind == "tool":
            self.meter.check_tool()
        else:
            self.meter.check_model(characters)

    def _reserve(self, kind: Kind) -> None:
        if kind == "tool":
            self.meter.tool_calls += 1
        else:
            self.meter.model_calls += 1

    async def _in_time(self, call: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        limit = self.meter.limits.seconds
        scope = asyncio.timeout(limit - self.meter.clock.now())
        try:
            async with scope:
                return await call()
        except TimeoutError as error:
            if scope.expired():
                raise LimitExceeded("seconds", f"the {limit:g} seconds ran out during a call") from error
            raise ModelError("the call timed out", kind="unavailable", retryable=True) from error

    def _next_stop(self, kind: Kind, at: Position, key: str) -> str:
        """The key under which a stop of this call would be recorded.

        A model that failed is asked again on a resume and may fail in another way, so the stops of one call form a
        chain, of which the last holds. It is raised again here: a limit always, a failure only in a replay.
        """
        journal = self.journal
        if journal is None:
            return ""
        limits, last = self.meter.limits.model_dump(), None
        for number in itertools.count():
            stop = key_of("stop", at, [key, limits, number])
            recorded = journal.find(stop)
            if recorded is None:
                break
            last = recorded
        if last is not None and (last["type"] == "limit" or journal.mode == "replay"):
            self._stop_again(kind, at, last)
        if journal.mode == "replay":
            raise JournalError(
                f"{journal.path}: no record of the call at {at}; "
                "the graph, the case or adjudge has changed since the run"
            )
        return stop

    def _stop_again(self, kind: Kind, at: Position, recorded: dict[str, Any]) -> NoReturn:
        self.meter.clock.at_least(recorded["elapsed"])
        if recorded["made"]:
            self._reserve(kind)
        if recorded["type"] == "limit":
            self.emit(LimitReached(at, recorded["limit"], recorded["detail"]))
            raise LimitExceeded(recorded["limit"], recorded["detail"])
        raise ModelError(recorded["detail"], kind=recorded["kind"], retryable=recorded["retryable"])

    async def _record_stop(self, at: Position, stop: str, error: LimitExceeded | ModelError, made: bool) -> None:
        """Report and keep what stopped a call; `made` says whether it was under way and so counts as spent."""
        value: dict[str, Any] = {"elapsed": round(self.meter.clock.now(), 6), "made": made}
        if isinstance(error, LimitExceeded):
            detail = _detail(error)
            self.emit(LimitReached(at, error.limit, detail))
            value |= {"type": "limit", "limit": error.limit, "detail": detail}
        else:
            value |= {"type": "failure", "kind": error.kind, "detail": str(error), "retryable": error.retryable}
        if self.journal is not None:
            await self.journal.put(stop, "stop", at, value)


def _detail(error: LimitExceeded) -> str:
    return str(error).removeprefix(f"{error.limit}: ")
