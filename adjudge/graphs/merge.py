"""From votes to one outcome: orders undone, scores averaged, disagreement kept in sight.

Scores are averaged first within an order and then over the orders, so that each order weighs the same. A vote without
a score takes no part; an order without any scored vote makes the whole judgement `Unscored`, because the other order
alone would let position decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from adjudge.graphs.spec import OnConflict
from adjudge.types import TIE, Answer, CriterionScore, Outcome, Unscored, Verdict, Vote, letter, ranking_of, winner_of


def restore(outcome: Outcome, order: tuple[int, ...]) -> Outcome:
    """An outcome given in the order shown, put back into the case's own order."""
    named = renamed(outcome, order)
    if not isinstance(named, Verdict) or len(named.scores) != len(order):
        return named
    scores = tuple(named.scores[order.index(index)] for index in range(len(order)))
    return named.model_copy(update={"scores": scores})


def renamed(outcome: Outcome, order: tuple[int, ...]) -> Outcome:
    """An outcome with the case's own letters instead of those shown; its scores stay in the order shown.

    Args:
        outcome: As the judge gave it.
        order: 0-based responses of the case as they were shown; in a group, some of them.
    """
    if not isinstance(outcome, Verdict) or order == tuple(range(len(order))):
        return outcome
    name_of = {letter(place): letter(index) for place, index in enumerate(order)}
    winner = name_of.get(outcome.winner, outcome.winner) if outcome.winner is not None else None
    update: dict[str, object] = {"winner": winner, "ranking": tuple(name_of[name] for name in outcome.ranking)}
    if outcome.rationale:  # it speaks of the letters as shown, which a reader of the verdict does not know
        shown, meant = ", ".join(name_of), ", ".join(name_of.values())
        update["rationale"] = f"[Shown as {shown}: responses {meant}.] {outcome.rationale}"
    return outcome.model_copy(update=update)


def merge(votes: Sequence[Vote], on_conflict: OnConflict) -> Outcome:
    """One outcome for all votes of a judge node.

    Args:
        votes: At least one, each already in the case's own order.
        on_conflict: What to do when scored votes name different winners: average, or leave unscored.
    """
    if len(votes) == 1:
        return votes[0].outcome
    by_order: dict[tuple[int, ...], list[Verdict]] = {vote.order: [] for vote in votes}
    for vote in votes:
        if isinstance(vote.outcome, Answer):
            return vote.outcome
        if isinstance(vote.outcome, Verdict):
            by_order[vote.order].append(vote.outcome)
    if not all(by_order.values()):
        return _unscored(votes, len(by_order))
    verdicts = [verdict for group in by_order.values() for verdict in group]
    winners = Counter(verdict.winner for verdict in verdicts)
    if len(winners) > 1 and on_conflict == "unscored":
        told = ", ".join(f"{winner}: {count}" for winner, count in winners.most_common())
        return Unscored(reason="order_conflict", detail=f"the votes name different winners ({told})")
    return _average(list(by_order.values()), verdicts)


def _unscored(votes: Sequence[Vote], orders: int) -> Unscored:
    failed = [vote.outcome for vote in votes if isinstance(vote.outcome, Unscored)]
    reason = Counter(outcome.reason for outcome in failed).most_common(1)[0][0]
    detail = next(outcome.detail for outcome in failed if outcome.reason == reason)
    note = f"{len(failed)} of {len(votes)} votes in {orders} orders have no verdict: "
    again = any(outcome.transient for outcome in failed)
    return Unscored(reason=reason, detail=(note if len(failed) < len(votes) else "") + detail, transient=again)


def _average(groups: Sequence[Sequence[Verdict]], verdicts: Sequence[Verdict]) -> Verdict:
    scores = _mean_rows([_mean_rows([verdict.scores for verdict in group]) for group in groups])
    winner = _winner(groups, scores)
    label = Counter(verdict.label for verdict in verdicts).most_common(1)[0][0]
    agreeing = [verdict for verdict in verdicts if verdict.winner == winner and verdict.label == label]
    spokesman = agreeing[0] if agreeing else verdicts[0]
    return Verdict(
        scores=scores,
        winner=winner,
        ranking=ranking_of(_rounded(scores)) if scores and verdicts[0].ranking else _ranking(groups),
        label=label,
        first_wrong_step=Counter(verdict.first_wrong_step for verdict in verdicts).most_common(1)[0][0],
        criteria=_criteria(verdicts),
        principles=spokesman.principles,
        rationale=spokesman.rationale,
        citations=tuple(dict.fromkeys(name for verdict in agreeing or verdicts for name in verdict.citations)),
        confidence=_confidence(verdicts, winner),
    )


def _mean_rows(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        return ()
    return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))


def _rounded(scores: tuple[float, ...]) -> tuple[float, ...]:
    """Scores to compare: means that are equal but for the last bit are a tie."""
    return tuple(round(score, 9) for score in scores)


def _winner(groups: Sequence[Sequence[Verdict]], scores: tuple[float, ...]) -> str | None:
    """The best mean score; without scores, the winner named most often, each order weighing the same."""
    if groups[0][0].winner is None:
        return None
    if scores:
        return winner_of(_rounded(scores))
    shares: Counter[str] = Counter()
    for group in groups:
        for verdict in group:
            shares[str(verdict.winner)] += 1 / len(group)  # type: ignore[assignment]  # a share, not a count
    best = max(shares.values())
    named = [winner for winner, share in shares.items() if abs(share - best) < 1e-9]
    return named[0] if len(named) == 1 else TIE


def _ranking(groups: Sequence[Sequence[Verdict]]) -> tuple[str, ...]:
    """Mean rank of each letter (Borda count), each order weighing the same; ties in the case's own order."""
    names = sorted(groups[0][0].ranking)
    if not names or any(sorted(v.ranking) != names for group in groups for v in group):
        return ()  # a vote for a tie ranks nobody
    mean = {
        name: round(sum(sum(v.ranking.index(name) for v in group) / len(group) for group in groups), 9)
        for name in sorted(names, key=lambda name: (len(name), name))
    }
    return tuple(sorted(mean, key=mean.__getitem__))


def _criteria(verdicts: Sequence[Verdict]) -> tuple[CriterionScore, ...]:
    first = verdicts[0].criteria
    return tuple(
        item.model_copy(update={"score": sum(v.criteria[place].score for v in verdicts) / len(verdicts)})
        for place, item in enumerate(first)
    )


def _confidence(verdicts: Sequence[Verdict], winner: str | None) -> float | None:
    """Mean confidence in the winner: a vote for another counts with what it leaves over; without any, None (ours)."""
    given = [
        verdict.confidence if verdict.winner == winner else 1 - verdict.confidence
        for verdict in verdicts
        if verdict.confidence is not None
    ]
    return sum(given) / len(given) if given else None
