"""Data selection: from pairs and groups to the preference pairs that are worth training on.

    selection = Selection(judge, read_pairs(["pairs.jsonl"]), Rule(min_confidence=0.7))
    async for item in selection:          # or: for item in selection
        ...                               # a Preference, or Dropped with its reason
    selection.summary.to_dict()

Items come in the order of the input and in constant memory; see `adjudge.judge.batch` for outages and for stopping.
Which pairs are kept is said in `adjudge.selection.rule`. After OpenRM, which builds preference data for DPO from a
judge's choices; how it does so is not published, so this is ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from typing import Any, cast

from adjudge.errors import CaseError, ConfigError
from adjudge.judge import Judge
from adjudge.judge.batch import Batch, Judged, Watch
from adjudge.judge.breaker import PATIENCE
from adjudge.judge.portal import shared_portal
from adjudge.selection.candidates import Candidates
from adjudge.selection.forms import Form
from adjudge.selection.pairing import Pairing
from adjudge.selection.rule import Dropped, Preference, Rule, decide, drop
from adjudge.selection.sifting import Row, sifted
from adjudge.selection.strategies import own_strategy
from adjudge.selection.summary import Summary
from adjudge.types import Case, Strategy, Unscored

Item = Preference | Dropped


class Selection:
    """The pairs of a data set that are kept, and those that are dropped; iterate over it once.

    Args:
        judge: Who judges; with a journal, a later selection goes on where this one ended.
        rows: Candidates or cases with two responses or more; an error stands for a row that is neither.
        rule: When a pair is kept. With another rule nothing is judged again.
        form: Drop unjudged what could not be written in this form.
        strategy: How groups of more than two are ranked; see `Judge.arank`. By default as the judge's graph is written.
        budget: Most comparisons for a group.
        concurrency: Judgements in flight; None adapts it to the server.
        patience: Seconds to wait for a server that answers nobody.
        watch: Called as a case begins; what it returns receives its events.

    Attributes:
        batch: The judgements: what they cost, how many are in flight, and how to stop them.
        summary: The counts so far.

    Raises:
        ConfigError: The judge is told to judge one order only, or its graph cannot compare.
    """

    def __init__(
        self,
        judge: Judge,
        rows: Iterable[Row],
        rule: Rule = Rule(),  # noqa: B008 - frozen
        *,
        form: Form | None = None,
        strategy: Strategy | None = None,
        budget: int | None = None,
        concurrency: int | None = None,
        patience: float = PATIENCE,
        watch: Watch | None = None,
    ) -> None:
        self.rule = rule
        self.strategy = strategy or own_strategy(judge)
        self.pairing = Pairing(judge, rule, self.strategy, budget)
        self.summary = Summary(free=self.pairing.free)
        self._read = False
        self._waiting: deque[Candidates | Dropped] = deque()
        feed = self._feed(sifted(rows, rule, form))
        # A batch asks its judge for nothing but what a Pairing has.
        stand_in = cast("Judge", self.pairing)
        self.batch = Batch(stand_in, feed, concurrency=concurrency, patience=patience, watch=watch)

    def _feed(self, rows: Iterable[Candidates | Dropped]) -> Iterator[Case | ConfigError]:
        """The cases to judge; what is dropped unjudged waits here for its turn."""
        for row in rows:
            self._waiting.append(row)
            if isinstance(row, Candidates):
                yield row.case
            elif row.reason == "bad_case":
                yield CaseError(row.detail)
        self._read = True

    @property
    def complete(self) -> bool:
        """Whether the whole input is over."""
        return self._read and not self._waiting

    def to_dict(self) -> dict[str, Any]:
        """What was selected, by which rule and by whom, as JSON."""
        return {
            **self.summary.to_dict(),
            "rule": self.rule.model_dump(),
            "strategy": self.strategy,
            "judge": self.pairing.fingerprint.model_dump(mode="json"),
            "usage": self.batch.usage.model_dump(mode="json"),
        }

    def __aiter__(self) -> AsyncIterator[Item]:
        return self._items()

    def __iter__(self) -> Iterator[Item]:
        portal, items = shared_portal(), self._items()
        try:
            while True:
                try:
                    yield portal.call(items.__anext__)
                except StopAsyncIteration:
                    return
        finally:
            portal.call(items.aclose)

    async def _items(self) -> AsyncGenerator[Item]:
        async with aclosing(self.selected()) as selected:
            async for _, items in selected:
                for item in items:
                    yield item

    async def selected(self) -> AsyncGenerator[tuple[Judged | None, list[Item]]]:
        """Each judgement with the rows that are over by it; None with those that come after the last.

        Raises:
            ModelError: The server has been away for longer than `patience`. Select again later with the same journal.
            JournalError: The journal cannot be used any more; nothing that was committed is lost.
        """
        async with aclosing(self.batch.judged()) as judged:
            async for result in judged:
                yield result, [*self._unjudged(), self._over(result)]
        yield None, self._unjudged()

    def _unjudged(self) -> list[Item]:
        """Those in front that were dropped without a judgement."""
        found: list[Item] = []
        while self._waiting and isinstance(self._waiting[0], Dropped) and self._waiting[0].reason != "bad_case":
            row = self._waiting.popleft()
            assert isinstance(row, Dropped)
            found.append(self._count(row))
        return found

    def _over(self, judged: Judged) -> Item:
        row = self._waiting.popleft()
        return self._count(row) if isinstance(row, Dropped) else self._count(self._decided(row, judged), row)

    def _decided(self, row: Candidates, judged: Judged) -> Item:
        result, picked = judged.result, self.pairing.picked(row.case.id)
        outcome = result.outcome
        if isinstance(outcome, Unscored) and outcome.reason == "bad_case":
            return drop(row, "bad_case", outcome.detail)
        if isinstance(outcome, Unscored) and not result.votes:
            return drop(row, f"unscored:{outcome.reason}", outcome.detail)
        if picked is not None and picked.problem:
            return drop(row, picked.problem, picked.detail)
        pair = (0, 1) if picked is None else picked.pair
        best = None if picked is None else picked.best
        return decide(row, pair, result.votes, self.rule, free=self.pairing.free, expected=best)

    def _count(self, item: Item, row: Candidates | None = None) -> Item:
        self.summary.add(item, row)
        return item
