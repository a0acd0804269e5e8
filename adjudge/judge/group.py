"""A group of responses, or of candidate steps, before a judge: evidence is gathered once, then the judge compares.

    ranked = judge.rank(case, strategy="adaptive")
    ranked.outcome.ranking, ranked.outcome.scores, ranked.comparisons, ranked.usage

Every comparison is a judgement under the graph's limits, with the gathered evidence and nothing of the other
comparisons. Responses that are incomplete or empty take part in none; of several that say the same, one takes part and
speaks for all. A group with a single response left has a winner and no score, and costs no call (ours; the published
formula divides by zero there).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, NamedTuple, Self

from langgraph.graph.state import CompiledStateGraph

from adjudge.agents import Agent, StepScorer
from adjudge.graphs import Cut, GraphSpec, State, check, cut
from adjudge.judge.assembling import assemble, methods
from adjudge.judge.fingerprint import fingerprint
from adjudge.judge.modes import changed_to
from adjudge.models import ChatModel
from adjudge.ranking import Compared, Standing
from adjudge.run import Run
from adjudge.tools import Tool
from adjudge.types import (
    TIE,
    Case,
    Comparison,
    Fingerprint,
    Mode,
    Position,
    Ranking,
    Strategy,
    Unscored,
    Usage,
    Verdict,
    Vote,
    letter,
)

MODES: dict[Strategy, Mode] = {
    "pointwise": "pointwise",
    "listwise": "listwise",
    "all_pairs": "pairwise",
    "knockout": "pairwise",
    "adaptive": "pairwise",
}
MOST_STEPS = 10_000  # of LangGraph; loops are bounded by limits.visits long before


class Comparer(NamedTuple):
    """A judge made to compare some responses of a group."""

    cut: Cut
    before: CompiledStateGraph[Any, Any, Any, Any] | None  # gathers the evidence
    fingerprint: Fingerprint

    @classmethod
    def of(
        cls,
        spec: GraphSpec,
        mode: Mode,
        models: Mapping[str, ChatModel],
        tools: Mapping[str, Tool],
        agents: Mapping[str, Agent],
        scorers: Mapping[str, StepScorer],
        scored_by: Mapping[str, str],
    ) -> Self:
        """A graph, changed to the mode that a strategy needs.

        Raises:
            ConfigError: It cannot rank groups, or not in this mode.
        """
        changed = spec.model_copy(update=changed_to(mode, spec.mode, spec.scale))
        check(changed, tools=tools, agents=agents, scorers=scorers)
        parts = cut(changed, assemble(changed, models, agents, scorers))
        before = None if parts.before is None else parts.before.compile(name=f"{spec.name}.before")
        return cls(parts, before, fingerprint(changed, models, tools, methods(changed, models), scored_by))

    async def gather(self, run: Run) -> State:
        """What the graph before the judge comes to."""
        state: State = {"case": run.case}
        if self.before is None:
            return state
        gathered: Any = await self.before.ainvoke(state, {"recursion_limit": MOST_STEPS}, context=run)
        return gathered  # type: ignore[no-any-return]  # LangGraph types it as a mapping


class Group:
    """The responses of a case as a field of competitors, which a strategy has compared.

    Args:
        comparer: Who compares.
        run: In which the evidence was gathered; each comparison gets one like it.
        state: What that came to.
        at_once: Comparisons side by side.
    """

    def __init__(self, comparer: Comparer, run: Run, state: State, at_once: int) -> None:
        self._cut = comparer.cut
        self._run = run
        self._state = state
        self._turns = asyncio.Semaphore(at_once)
        self._alike = alike(run.case)
        self._subjects = len(run.case.candidates or run.case.responses)
        self._spent: list[Usage] = []
        self.comparisons: list[Comparison] = []

    @property
    def size(self) -> int:
        """How many different responses take part."""
        return len(self._alike)

    @property
    def sways(self) -> bool:
        """Whether both orders of a comparison have to be asked for."""
        return self._cut.forks.both

    @property
    def usage(self) -> Usage:
        """What gathering and comparing have cost; seconds are added up over calls that ran side by side."""
        return reduce(add, self._spent, self._run.meter.usage())

    async def compare(self, shown: Sequence[tuple[int, ...]]) -> list[Compared | None]:
        """Have the judge look at each of these; see `adjudge.ranking.Field`."""
        looks = await asyncio.gather(*(self._look(order) for order in shown))
        for votes in looks:
            self.comparisons += [
                Comparison(shown=vote.order, sample=vote.sample, seed=vote.seed, outcome=vote.outcome) for vote in votes
            ]
        return [self._heard(order, votes) for order, votes in zip(shown, looks, strict=True)]

    async def _look(self, shown: tuple[int, ...]) -> list[Vote]:
        order = self._order(tuple(self._alike[place][0] for place in shown))
        async with self._turns:
            return [await self._vote(order, sample) for sample in range(self._cut.forks.samples)]

    def _order(self, responses: tuple[int, ...]) -> tuple[int, ...]:
        """Where the graph wants one order only, it is drawn: never left to chance, never always the same."""
        forks = self._cut.forks
        if forks.both or not forks.shuffled:
            return responses
        drawn = sorted(responses)
        name = f"{self._run.case.id}:{drawn}"
        random.Random(Position(name, self._cut.node).seed(forks.seed)).shuffle(drawn)
        return tuple(drawn)

    async def _vote(self, order: tuple[int, ...], sample: int) -> Vote:
        whole = self._run
        run = Run(whole.case, whole.models, whole.tools, whole.limits, whole.seed, whole.journal, whole.on_event)
        run.evidence = whole.evidence
        vote = await self._cut.vote(self._state, run, order, sample)
        self._spent.append(run.meter.usage())
        return vote

    def _heard(self, shown: tuple[int, ...], votes: Sequence[Vote]) -> Compared | None:
        """The mean of the votes on one order."""
        given = [(vote.order, vote.outcome) for vote in votes if isinstance(vote.outcome, Verdict)]
        if not given:
            return None
        first = [self._alike[place][0] for place in shown]
        if all(len(verdict.scores) == len(shown) for _, verdict in given):
            scores = tuple(_mean([verdict.scores[order.index(index)] for order, verdict in given]) for index in first)
            tops = [place for place, score in zip(shown, scores, strict=True) if score > max(scores) - 1e-9]
            return Compared(shown, scores, tops[0] if len(tops) == 1 and len(shown) > 1 else None)
        place_of = {letter(index): place for place, index in zip(shown, first, strict=True)}
        named = Counter(verdict.winner for _, verdict in given).most_common(2)
        clear = len(named) == 1 or named[0][1] > named[1][1]
        winner = place_of.get(str(named[0][0])) if clear else None
        ranks = [verdict.ranking for _, verdict in given if len(verdict.ranking) == len(shown)]
        mean = {name: _mean([ranking.index(name) for ranking in ranks]) for name in place_of} if ranks else {}
        return Compared(shown, None, winner, tuple(place_of[name] for name in sorted(mean, key=mean.__getitem__)))

    def outcome(self, standing: Standing) -> Ranking | Unscored:
        """What the standing of the competitors says of the responses."""
        failed = [c.outcome for c in self.comparisons if isinstance(c.outcome, Unscored)]
        if not standing.ranking and (self.size > 1 or self.comparisons):
            return _most_common(failed) if failed else Unscored(reason="limit", detail="nothing could be compared")
        scores: list[float | None] = [None] * self._subjects
        for place, score in enumerate(standing.scores):
            for index in self._alike[place]:
                scores[index] = score
        order = standing.ranking or tuple(range(self.size))  # a single one is first without a score
        names = tuple(letter(index) for place in order for index in self._alike[place])
        return Ranking(
            scores=tuple(scores), ranking=names, winner=self._winner(order, standing), confidence=standing.confidence
        )

    def _winner(self, order: Sequence[int], standing: Standing) -> str:
        best = standing.scores[order[0]]
        shared = [place for place in order if _same(standing.scores[place], best)]
        several = len(shared) > 1 or len(self._alike[order[0]]) > 1
        return TIE if several else letter(self._alike[order[0]][0])


def alike(case: Case) -> list[list[int]]:
    """The different responses (or candidate steps) that can be compared, each with the 0-based places of its equals."""
    texts = [step.unexecuted().render() for step in case.candidates]
    texts = texts or [response.render() if response.comparable else "" for response in case.responses]
    places: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        if text.strip():
            places.setdefault(text, []).append(index)
    return list(places.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) < 1e-9


def _most_common(failed: Sequence[Unscored]) -> Unscored:
    reason = Counter(outcome.reason for outcome in failed).most_common(1)[0][0]
    detail = next(outcome.detail for outcome in failed if outcome.reason == reason)
    transient = any(outcome.transient for outcome in failed)
    return Unscored(
        reason=reason, detail=f"none of {len(failed)} comparisons has a verdict: {detail}", transient=transient
    )
