"""Which pairs are kept: those on which both orders agree, with enough confidence and margin (OpenRM, data selection).

The paper's thresholds and prompts are not known, so these rules are ours. In this order the first that a pair fails is
the reason why it is dropped:

| reason | the pair |
|---|---|
| `bad_case` | is no case, or cannot be written in the form asked for |
| `duplicate` | stands further up, in whichever order |
| `incomplete` | fewer than two responses are complete and not empty |
| `identical` | all responses say the same |
| `unscored:REASON` | has no verdict in one of the orders: `unscored:model_failure`, `unscored:limit`, … |
| `one_order` | was judged in one order only |
| `orders_disagree` | gets another winner when its responses change places |
| `tie` | has no winner in either order |
| `intransitive` | of a group: the pair, or a third response, contradicts the ranking it was taken from |
| `low_confidence` | the less confident order is below `min_confidence`, or the judge gives no confidence |
| `small_margin` | the smaller lead of the two orders is below `min_margin`, or the judge gives no scores |
| `contradicts_label` | was labelled the other way, or a tie (only with `on_label="agree"`) |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from adjudge.graphs import merge
from adjudge.selection.candidates import Candidates, Given
from adjudge.types import TIE, Frozen, Outcome, Unscored, Verdict, Vote, letter

OnLabel = Literal["agree", "ignore"]
Rejected = Literal["worst", "second", "random"]
Pair = tuple[int, int]  # 0-based responses, the lower first


class Rule(Frozen):
    """When a pair is kept."""

    min_confidence: float = Field(
        default=0.0, ge=0, le=1, description="The judge's own, of the less confident order; 0 asks for none."
    )
    min_margin: float = Field(
        default=0.0, ge=0, description="In points of the scale, of the order with the smaller lead; 0 asks for none."
    )
    on_label: OnLabel = Field(
        default="agree",
        description="`agree` drops a pair whose label the judge contradicts, `ignore` goes by the judge alone.",
    )
    rejected: Rejected = Field(default="worst", description="Of a group: which response stands against the best.")
    seed: int = Field(default=0, ge=0, description="Of the order of responses, and of `rejected: random`.")


class Look(NamedTuple):
    """What one order came to."""

    shown: str  # letters of the case's responses in the order shown, for example `BA`
    winner: str = ""  # a letter of the case, or `tie`
    scores: tuple[float, ...] = ()  # of the pair, its lower response first
    confidence: float | None = None
    unscored: str = ""  # why there is no verdict


class Preference(NamedTuple):
    """A pair that is kept."""

    candidates: Candidates
    chosen: int  # 0-based response of the case
    rejected: int
    confidence: float | None  # of the less confident order
    score_chosen: float | None  # mean of the orders, on the judge's scale
    score_rejected: float | None
    agrees: bool | None  # with the label; None: there is none for this pair
    looks: tuple[Look, ...] = ()


class Dropped(NamedTuple):
    """A row of which no pair is kept."""

    id: str
    reason: str
    detail: str
    looks: tuple[Look, ...] = ()
    place: str = ""  # file and line
    label: Any = None  # what was given, with the letters of the case as it was judged


def drop(candidates: Candidates, reason: str, detail: str, looks: tuple[Look, ...] = ()) -> Dropped:
    """Candidates of which no pair is kept."""
    return Dropped(candidates.case.id, reason, detail, looks, candidates.place, candidates.case.label)


def decide(
    candidates: Candidates, pair: Pair, votes: Sequence[Vote], rule: Rule, *, free: bool, expected: int | None = None
) -> Preference | Dropped:
    """Whether a pair is kept.

    Args:
        candidates: Where it comes from.
        pair: The two responses.
        votes: Of the judge on this pair as a case of its own: its lower response is A.
        rule: When it is kept.
        free: Whether the judge's method cannot see the order, so that one order stands for both.
        expected: The response that the ranking of its group put first.
    """
    outcomes = _by_order(votes)
    looks = tuple(_look(order, outcome, pair) for order, outcome in outcomes.items())
    reason, detail = _judged(set(outcomes), looks, free=free)
    if reason:
        return drop(candidates, reason, detail, looks)
    winner, loser = pair if looks[0].winner == letter(pair[0]) else pair[::-1]
    side = pair.index(winner)
    leads = [look.scores[side] - look.scores[1 - side] for look in looks if len(look.scores) == 2]
    sure = [look.confidence for look in looks if look.confidence is not None]
    kept = Preference(
        candidates,
        winner,
        loser,
        min(sure) if len(sure) == len(looks) else None,
        _mean([look.scores[side] for look in looks]) if len(leads) == len(looks) else None,
        _mean([look.scores[1 - side] for look in looks]) if len(leads) == len(looks) else None,
        _agrees(candidates.given, pair, winner),
        looks,
    )
    reason, detail = _enough(kept, min(leads) if len(leads) == len(looks) else None, rule, expected)
    return drop(candidates, reason, detail, looks) if reason else kept


def _by_order(votes: Sequence[Vote]) -> dict[tuple[int, ...], Outcome]:
    """One outcome for all samples of an order."""
    orders: dict[tuple[int, ...], list[Vote]] = {}
    for vote in votes:
        orders.setdefault(vote.order, []).append(vote)
    return {order: merge(given, "average") for order, given in sorted(orders.items())}


def _look(order: tuple[int, ...], outcome: Outcome, pair: Pair) -> Look:
    """An outcome on A and B, with the letters that they have in their case."""
    names = [letter(index) for index in pair]
    shown = "".join(names[place] for place in order)
    if isinstance(outcome, Verdict):
        winner = outcome.winner or (outcome.ranking[0] if outcome.ranking else TIE)
        return Look(shown, {"A": names[0], "B": names[1]}.get(winner, TIE), outcome.scores, outcome.confidence)
    reason = outcome.reason if isinstance(outcome, Unscored) else "answer"
    detail = outcome.detail if isinstance(outcome, Unscored) else "the graph answers and compares nothing"
    return Look(shown, unscored=f"{reason}: {detail}")


def _judged(orders: set[tuple[int, ...]], looks: Sequence[Look], *, free: bool) -> tuple[str, str]:
    """Why no winner follows from the looks; empty where one does."""
    if failed := next((look for look in looks if look.unscored), None):
        reason, _, detail = failed.unscored.partition(": ")
        return f"unscored:{reason}", f"shown as {failed.shown}: {detail}"
    if not looks or (not free and not {(0, 1), (1, 0)} <= orders):
        return "one_order", f"it was judged {f'as {looks[0].shown} only' if looks else 'in no order that is known'}"
    if len({look.winner for look in looks}) > 1:
        return "orders_disagree", ", ".join(f"shown as {look.shown}: {look.winner}" for look in looks)
    if looks[0].winner == TIE:
        return "tie", "neither response is better" + ("" if free else ", in both orders")
    return "", ""


def _enough(kept: Preference, margin: float | None, rule: Rule, expected: int | None) -> tuple[str, str]:
    """Which rule a pair with a winner fails; empty where it fails none."""
    names = letter(kept.chosen), letter(kept.rejected)
    if expected is not None and kept.chosen != expected:
        return "intransitive", f"{names[0]} beats {names[1]}, which the ranking put first"
    if rule.min_confidence and (kept.confidence is None or kept.confidence < rule.min_confidence):
        found = "the judge gives none" if kept.confidence is None else f"it is {kept.confidence:.3g}"
        return "low_confidence", f"{found}; {rule.min_confidence:g} is asked for"
    if rule.min_margin and (margin is None or margin < rule.min_margin - 1e-9):
        found = "the judge gives no scores" if margin is None else f"it is {margin:.3g} points"
        return "small_margin", f"{found}; {rule.min_margin:g} are asked for"
    if rule.on_label == "agree" and kept.agrees is False:
        told = kept.candidates.given[_sorted(kept.chosen, kept.rejected)]
        return "contradicts_label", f"the judge prefers {names[0]}, the label {TIE if told is None else letter(told)}"
    return "", ""


def _agrees(given: Given, pair: Pair, winner: int) -> bool | None:
    return given[pair] == winner if pair in given else None


def _sorted(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
