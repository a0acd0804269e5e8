"""Groups as pairs: a judge that looks at two responses of every case, the best and one that stands against it.

A group is ranked, and the pair is looked up among the comparisons of the ranking; what is missing (an order, where the
strategy did not need it) is judged. A pair on a cycle is none: where a third response beats the best and is beaten by
the one that stands against it, in all orders seen, the judge contradicts itself (ours).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from adjudge.agents.deciding import sees_order
from adjudge.errors import ConfigError
from adjudge.graphs.merge import merge, restore
from adjudge.judge import Judge
from adjudge.judge.group import Group, alike
from adjudge.models.images import resolve_images
from adjudge.run import Run
from adjudge.selection.rule import Pair, Rule
from adjudge.tools.web import fetch_image
from adjudge.types import (
    TIE,
    Case,
    Comparison,
    Event,
    Fingerprint,
    JudgeResult,
    Mode,
    Outcome,
    Ranking,
    RankResult,
    Strategy,
    Unscored,
    Verdict,
    Vote,
    letter,
)


class Picked(NamedTuple):
    """The pair that was taken from a group."""

    best: int  # 0-based responses
    against: int
    problem: str = ""  # why it is no preference: `tie` or `intransitive`
    detail: str = ""

    @property
    def pair(self) -> Pair:
        """Both, the lower first."""
        return (self.best, self.against) if self.best < self.against else (self.against, self.best)


class Pairing:
    """A judge of pairs and groups, in the place of a `Judge` in a batch.

    Outcome and votes of its results are those of one pair, A and B: of a group, the two that `picked` tells.

    Args:
        judge: Who judges.
        rule: Which response of a group stands against the best.
        strategy: How groups are ranked; see `Judge.arank`. With `pointwise` the responses of a pair are scored by
            themselves, too.
        budget: Most comparisons for a group.
        confidence: In [0, 1]; `adaptive` stops when it is reached.

    Raises:
        ConfigError: The judge sees the order of responses, and is told to judge one order only.
    """

    def __init__(
        self,
        judge: Judge,
        rule: Rule,
        strategy: Strategy = "adaptive",
        budget: int | None = None,
        confidence: float = 0.95,
    ) -> None:
        self._judge = judge
        self._rule = rule
        self._strategy = strategy
        self._budget = budget
        self._confidence = confidence
        self._direct = judge.spec.mode == "pairwise" and strategy != "pointwise"
        self._picked: dict[str, Picked] = {}
        decide = judge.fingerprint.decide if self._direct else judge.comparer(self._mode).fingerprint.decide
        self.free = bool(decide) and not any(sees_order(method, self._mode) for method in decide.values())
        if decide and not self.free and judge.spec.orders != "both":
            hint = "set orders: both (--set orders=both)"
            raise ConfigError("pairs are selected by both orders", key="orders", found=judge.spec.orders, hint=hint)

    @property
    def _mode(self) -> Mode:
        return "pointwise" if self._strategy == "pointwise" else "pairwise"

    @property
    def models(self) -> Mapping[str, Any]:
        """Those of the judge."""
        return self._judge.models

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the judge."""
        return self._judge.fingerprint

    def picked(self, case_id: str) -> Picked | None:
        """The pair that was taken from a group, told once; None for a case of two."""
        return self._picked.pop(case_id, None)

    def recorded(self, case: Case) -> JudgeResult | None:
        """The result of a pair from the journal, where it is all that is needed."""
        found = self._judge.recorded(case) if self._direct and len(case.responses) == 2 else None
        return None if found is None or (found.scored and not found.votes) else found

    async def ajudge(
        self, case: Case, *, ordinal: int | None = None, on_event: Callable[[Event], None] | None = None
    ) -> JudgeResult:
        """Judge a pair, or the pair that is taken from a group."""
        if len(case.responses) > 2 or not self._direct:
            return await self._of_group(case, on_event)
        result = await self._judge.ajudge(case, ordinal=ordinal, on_event=on_event)
        return await self._turned(case, result) if result.scored and not result.votes else result

    async def _turned(self, case: Case, result: JudgeResult) -> JudgeResult:
        """A graph of somebody's own casts no votes, so the other order is a judgement of its own."""
        turned = case.model_copy(update={"id": f"{case.id}~turned", "responses": case.responses[::-1]})
        second = await self._judge.ajudge(turned)
        outcomes = {(0, 1): result.outcome, (1, 0): restore(second.outcome, (1, 0))}
        votes = tuple(Vote(order=order, outcome=outcome) for order, outcome in outcomes.items())
        return result.model_copy(update={"votes": votes, "usage": result.usage + second.usage})

    async def _of_group(self, case: Case, on_event: Callable[[Event], None] | None) -> JudgeResult:
        pair_only = len(case.responses) == 2 and self._strategy not in ("pointwise", "listwise")
        ranked = await self._judge.arank(
            case,
            strategy="all_pairs" if pair_only else self._strategy,
            budget=None if pair_only else self._budget,
            confidence=self._confidence,
            goal="ranking" if self._rule.rejected == "worst" else "best",
            on_event=on_event,
        )
        if isinstance(ranked.outcome, Unscored):
            return _result(ranked, ())
        picked = _problem(pick(case, ranked.outcome, self._rule), ranked)
        self._picked[case.id] = picked
        if picked.problem:
            return _result(ranked, ())
        if ranked.strategy == "pointwise":
            return _result(ranked, _alone(ranked, picked.pair))
        votes = _votes(ranked, picked.pair)
        missing = self._missing(votes)
        return await self._look_again(case, ranked, picked.pair, missing) if missing else _result(ranked, votes)

    def _missing(self, votes: tuple[Vote, ...]) -> list[tuple[int, ...]]:
        """The orders of a pair without any vote, where one of each is wanted."""
        seen = {vote.order for vote in votes}
        if self.free:
            return [] if seen else [(0, 1)]
        return [order for order in ((0, 1), (1, 0)) if order not in seen]

    async def _look_again(
        self, case: Case, ranked: RankResult, pair: Pair, orders: list[tuple[int, ...]]
    ) -> JudgeResult:
        """Judge a pair of a group in the orders that its ranking did not need.

        Evidence is gathered as for the ranking, so with a journal it is there already.
        """
        judge, comparer = self._judge, self._judge.comparer("pairwise")
        case = await resolve_images(case, judge.images, fetch_image)
        gathering, comparing = (
            Run(case, judge.models, judge.tools, judge.spec.limits, judge.spec.seed, judge.journal) for _ in range(2)
        )
        state = await comparer.gather(gathering)
        failure = state.get("outcome")
        if isinstance(failure, Unscored):
            return JudgeResult(id=case.id, outcome=failure, usage=ranked.usage, graph=ranked.graph)
        comparing.evidence = gathering.evidence
        group = Group(comparer, comparing, state, len(orders))
        places = [[indices[0] for indices in alike(case)].index(response) for response in pair]
        await group.compare([tuple(places[place] for place in order) for order in orders])
        whole = ranked.model_copy(
            update={
                "comparisons": (*ranked.comparisons, *group.comparisons),
                "evidence": gathering.evidence.ordered(),
                "usage": ranked.usage + group.usage,
            }
        )
        if judge.journal is None:
            whole = whole.model_copy(update={"usage": whole.usage + gathering.meter.usage()})
        return _result(whole, _votes(whole, pair))


def pick(case: Case, ranking: Ranking, rule: Rule) -> Picked:
    """The pair that stands for a group: its best response, and the one that stands against it.

    Args:
        case: The group.
        ranking: Of its responses.
        rule: Which one stands against the best.
    """
    first = {places[0] for places in alike(case)}  # of those that say the same, one was compared
    order = [index for index in map(_index, ranking.ranking) if index in first]
    if len(order) < 2:
        return Picked(order[0], order[0], "tie", "only one response has a score")
    rest = order[1:]
    drawn = random.Random(f"{rule.seed}/{case.id}").choice(rest)
    against = {"worst": rest[-1], "second": rest[0], "random": drawn}[rule.rejected]
    scores = ranking.scores[order[0]], ranking.scores[against]
    if scores[0] is not None and scores[1] is not None and abs(scores[0] - scores[1]) < 1e-9:
        return Picked(order[0], against, "tie", f"{letter(order[0])} and {letter(against)} have the same score")
    return Picked(order[0], against)


def _problem(picked: Picked, ranked: RankResult) -> Picked:
    if picked.problem or (third := _between(ranked.comparisons, picked.best, picked.against)) is None:
        return picked
    names = letter(picked.against), letter(third), letter(picked.best)
    return picked._replace(
        problem="intransitive", detail=f"{names[0]} beats {names[1]}, which beats {names[2]}, the best of the ranking"
    )


def _between(comparisons: tuple[Comparison, ...], best: int, against: int) -> int | None:
    """A third response that closes a cycle."""
    wins = _wins(comparisons)
    others = {index for pair in wins for index in pair} - {best, against}
    return next((third for third in sorted(others) if (against, third) in wins and (third, best) in wins), None)


def _wins(comparisons: tuple[Comparison, ...]) -> set[tuple[int, int]]:
    """Winner and loser of each pair on which all comparisons agree."""
    seen: dict[Pair, set[str | None]] = {}
    for item in comparisons:
        if len(item.shown) == 2 and isinstance(item.outcome, Verdict):
            low, high = sorted(item.shown)
            seen.setdefault((low, high), set()).add(item.outcome.winner)
    found = set()
    for (low, high), winners in seen.items():
        if winners == {letter(low)}:
            found.add((low, high))
        elif winners == {letter(high)}:
            found.add((high, low))
    return found


def _votes(ranked: RankResult, pair: Pair) -> tuple[Vote, ...]:
    """What the comparisons of a ranking say of a pair, as if it were a case of its own."""
    votes = []
    for item in ranked.comparisons:
        if sorted(item.shown) == list(pair):
            order = tuple(pair.index(index) for index in item.shown)
            votes.append(Vote(order=order, sample=item.sample, seed=item.seed, outcome=_of_two(item, pair)))
    return tuple(votes)


def _of_two(item: Comparison, pair: Pair) -> Outcome:
    """The outcome of a comparison with the letters A and B, and the scores in their order."""
    if not isinstance(item.outcome, Verdict):
        return item.outcome
    given = item.outcome
    name_of = {letter(index): letter(place) for place, index in enumerate(pair)}
    winner = given.winner and name_of.get(given.winner, given.winner)
    ranking = tuple(name_of[name] for name in given.ranking)
    scores = given.scores if item.shown == pair else given.scores[::-1]
    return given.model_copy(update={"winner": winner, "ranking": ranking, "scores": scores})


def _alone(ranked: RankResult, pair: Pair) -> tuple[Vote, ...]:
    """Two responses scored by themselves, as one vote on both: no order could sway it."""
    assert isinstance(ranked.outcome, Ranking)
    scores = [score for index in pair if (score := ranked.outcome.scores[index]) is not None]
    if len(scores) < 2:
        return ()
    sure = [
        item.outcome.confidence
        for item in ranked.comparisons
        if item.shown[0] in pair and isinstance(item.outcome, Verdict) and item.outcome.confidence is not None
    ]
    winner = TIE if abs(scores[0] - scores[1]) < 1e-9 else letter(int(scores[1] > scores[0]))
    confidence = min(sure) if len(sure) > 1 else None
    return (Vote(order=(0, 1), outcome=Verdict(scores=tuple(scores), winner=winner, confidence=confidence)),)


def _result(ranked: RankResult, votes: tuple[Vote, ...]) -> JudgeResult:
    """The judgement of a pair of a group: its outcome and votes are those of a case of these two."""
    outcome: Outcome = Verdict()
    if isinstance(ranked.outcome, Unscored):
        outcome = ranked.outcome
    elif votes:
        outcome = merge(votes, "average")
    return JudgeResult(
        id=ranked.id,
        outcome=outcome,
        votes=votes,
        evidence=ranked.evidence,
        usage=ranked.usage,
        graph=ranked.graph,
    )


def _index(name: str) -> int:
    """The 0-based response of a letter, the inverse of `letter`."""
    number = 0
    for sign in name:
        number = number * 26 + ord(sign) - ord("A") + 1
    return number - 1
