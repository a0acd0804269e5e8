"""Merging votes: orders undone, each order weighs the same, and a failure is never averaged away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.graphs import merge
from adjudge.graphs.merge import restore
from adjudge.types import (
    Answer,
    CriterionScore,
    Outcome,
    Unscored,
    Verdict,
    Vote,
    letter,
    ranking_of,
    winner_of,
)

LOST = Unscored(reason="parse_failure", detail="unreadable")


def scored(*scores: float, **more: Any) -> Verdict:
    return Verdict(scores=scores, winner=winner_of(scores), ranking=ranking_of(scores), **more)


def votes(*outcomes: Outcome) -> list[Vote]:
    """One vote for each order, first the own, then the reverse; further ones are samples of both in turn."""
    return [Vote(order=(0, 1) if n % 2 == 0 else (1, 0), sample=n // 2, outcome=o) for n, o in enumerate(outcomes)]


def merged(*outcomes: Outcome, on_conflict: Any = "average") -> Verdict:
    outcome = merge(votes(*outcomes), on_conflict)
    assert isinstance(outcome, Verdict), outcome
    return outcome


@given(st.permutations(range(5)), st.lists(st.floats(0, 10), min_size=5, max_size=5, unique=True))
def test_an_order_is_undone_exactly(order: list[int], scores: list[float]) -> None:
    shown = scored(*(scores[index] for index in order))
    restored = restore(shown, tuple(order))
    assert restored == scored(*scores)


@given(st.permutations(range(5)), st.integers(0, 4))
def test_a_winner_without_scores_is_restored(order: list[int], place: int) -> None:
    restored = restore(Verdict(winner=letter(place)), tuple(order))
    assert isinstance(restored, Verdict)
    assert restored.winner == letter(order[place])


def test_a_tie_is_a_tie_in_any_order() -> None:
    assert restore(Verdict(winner="tie"), (1, 0)) == Verdict(winner="tie")


def test_a_rationale_says_which_letters_it_speaks_of() -> None:
    restored = restore(scored(9, 2, rationale="A is right."), (1, 0))
    assert isinstance(restored, Verdict)
    assert restored.winner == "B"
    assert restored.rationale == "[Shown as A, B: responses B, A.] A is right."
    assert restore(scored(9, 2, rationale="A is right."), (0, 1)) == scored(9, 2, rationale="A is right.")


@pytest.mark.parametrize("outcome", [LOST, Answer(text="A")])
def test_what_is_no_verdict_has_no_order(outcome: Outcome) -> None:
    assert restore(outcome, (1, 0)) == outcome


def test_both_orders_are_averaged() -> None:
    result = merged(scored(8, 4), scored(6, 5))
    assert (result.scores, result.winner, result.ranking) == ((7, 4.5), "A", ("A", "B"))


def test_a_judge_that_follows_position_ends_in_a_tie() -> None:
    assert merged(scored(9, 1), scored(1, 9)).winner == "tie"


def test_each_order_weighs_the_same_however_many_samples_failed() -> None:
    result = merge(
        [
            Vote(order=(0, 1), sample=0, outcome=scored(10, 0)),
            Vote(order=(0, 1), sample=1, outcome=scored(10, 0)),
            Vote(order=(1, 0), sample=0, outcome=scored(0, 10)),
            Vote(order=(1, 0), sample=1, outcome=LOST),
        ],
        "average",
    )
    assert isinstance(result, Verdict)
    assert result.scores == (5, 5)


def test_means_that_are_equal_but_for_the_last_bit_are_a_tie() -> None:
    one = [scored(a, b) for a, b in ((1, 1), (1, 1), (1, 2))]  # 3 and 4
    other = [scored(a, b) for a, b in ((1, 1), (2, 1), (2, 2))]  # 5 and 4
    outcomes = [outcome for pair in zip(one, other, strict=True) for outcome in pair]
    assert merged(*outcomes).winner == "tie"


def test_an_order_without_a_verdict_leaves_the_case_unscored() -> None:
    outcome = merge(votes(scored(9, 1), LOST), "average")
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "parse_failure"
    assert "1 of 2 votes in 2 orders have no verdict: unreadable" in outcome.detail


def test_the_commonest_failure_is_the_reason() -> None:
    limit = Unscored(reason="limit", detail="all calls are used")
    outcome = merge(votes(LOST, limit, limit, limit), "average")
    assert isinstance(outcome, Unscored)
    assert (outcome.reason, outcome.detail) == ("limit", "all calls are used")


def test_a_failed_sample_takes_no_part() -> None:
    assert merged(scored(8, 4), scored(8, 4), LOST, scored(6, 2)).scores == (7.5, 3.5)


def test_disagreement_is_an_order_conflict_where_that_is_asked_for() -> None:
    outcome = merge(votes(scored(9, 1), scored(2, 3)), "unscored")
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "order_conflict"
    assert "A: 1, B: 1" in outcome.detail
    assert merged(scored(9, 1), scored(3, 2), on_conflict="unscored").winner == "A"


def test_labels_without_scores_are_voted_on() -> None:
    a, b, tie = (Verdict(winner=name) for name in ("A", "B", "tie"))
    assert merged(a, a).winner == "A"
    assert merged(a, b).winner == "tie"
    assert merged(a, tie).winner == "tie"
    assert merged(a, a, a, b).winner == "A"
    assert merged(a, b).scores == ()


def test_a_tie_without_ranking_and_a_ranking_do_not_collide() -> None:
    result = merged(scored(2, 8), Verdict(winner="tie"))
    assert (result.winner, result.ranking, result.scores) == ("tie", (), ())


def test_rankings_are_merged_by_mean_rank() -> None:
    one = Verdict(winner="B", ranking=("B", "A", "C"))
    other = Verdict(winner="B", ranking=("B", "C", "A"))
    assert merged(one, other).ranking == ("B", "A", "C")
    assert merged(one, other, other, other).ranking == ("B", "C", "A")


def test_confidence_is_that_in_the_winner() -> None:
    assert merged(scored(9, 1, confidence=0.9), scored(4, 5, confidence=0.6)).confidence == pytest.approx(0.65)
    assert merged(scored(9, 1, confidence=0.9), scored(9, 1)).confidence == pytest.approx(0.9)
    assert merged(scored(9, 1), scored(9, 1)).confidence is None


def test_reasons_and_citations_are_those_of_votes_for_the_winner() -> None:
    result = merged(
        scored(4, 5, rationale="B!", citations=("E9",)), scored(9, 1, rationale="A!", citations=("E1", "E2"))
    )
    assert (result.winner, result.rationale, result.citations) == ("A", "A!", ("E1", "E2"))


def test_the_rationale_of_a_label_is_that_of_a_vote_for_this_label() -> None:
    good, bad = (Verdict(scores=(n,), label=name, rationale=name) for n, name in ((1, "good"), (0, "bad")))
    outcome = merge([Vote(order=(0,), sample=n, outcome=o) for n, o in enumerate((good, bad, bad))], "average")
    assert isinstance(outcome, Verdict)
    assert (outcome.label, outcome.rationale) == ("bad", "bad")


def test_criteria_and_the_first_wrong_step_are_merged() -> None:
    def one(score: float, wrong: int | None) -> Verdict:
        criteria = (CriterionScore(name="facts", score=score, weight=2),)
        return Verdict(scores=(score,), criteria=criteria, first_wrong_step=wrong)

    outcome = merge([Vote(sample=n, outcome=o) for n, o in enumerate((one(4, 1), one(2, 1), one(3, None)))], "average")
    assert isinstance(outcome, Verdict)
    assert outcome.criteria == (CriterionScore(name="facts", score=3, weight=2),)
    assert outcome.first_wrong_step == 1


def test_a_single_vote_is_the_outcome_as_it_is() -> None:
    assert merge([Vote(order=(0, 1), outcome=LOST)], "average") == LOST


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=2, max_size=6))
def test_swapping_the_responses_swaps_the_verdict(pairs: list[tuple[int, int]]) -> None:
    pairs = pairs[: len(pairs) // 2 * 2]
    plain = merged(*(scored(a, b) for a, b in pairs))
    swapped = merged(*(scored(b, a) for a, b in pairs))
    assert swapped.scores == plain.scores[::-1]
    assert swapped.winner == {"A": "B", "B": "A", "tie": "tie"}[str(plain.winner)]
