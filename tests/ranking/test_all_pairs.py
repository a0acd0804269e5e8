"""Grouped comparison: the published mean over both orders, by hand."""

from __future__ import annotations

import pytest

from adjudge.ranking import Compared
from tests.ranking.fields import (
    CIRCLE,
    FIRST,
    FIRST_WINS,
    HONEST,
    SAME,
    TIES,
    Group,
    Judge,
    picking,
    ranked,
    silent,
    told,
)

TABLE: dict[tuple[int, ...], tuple[float, ...] | None] = {
    (0, 1): (9.0, 4.0),
    (1, 0): (6.0, 7.0),  # the first place is worth something: 1 gets 6 here and 4 there
    (0, 2): (8.0, 8.0),
    (2, 0): (8.0, 6.0),
    (1, 2): (3.0, 7.0),
    (2, 1): (9.0, 2.0),
}


def without(*missing: tuple[int, ...]) -> dict[tuple[int, ...], tuple[float, ...] | None]:
    return {shown: scores for shown, scores in TABLE.items() if shown not in missing}


def test_the_mean_over_all_others_in_both_orders() -> None:
    field = Group(3, told(TABLE))
    standing = ranked("all_pairs", field)
    # S(0) = (9 + 7 + 8 + 6) / 4, S(1) = (4 + 6 + 3 + 2) / 4, S(2) = (8 + 8 + 7 + 9) / 4
    assert standing.scores == (7.5, 3.75, 8.0)
    assert standing.ranking == (2, 0, 1)
    assert sorted(field.asked) == sorted(TABLE)
    assert field.batches == [6]


def test_one_order_divides_by_half() -> None:
    field = Group(3, told(TABLE), sways=False)
    # S(0) = (9 + 8) / 2, S(1) = (4 + 3) / 2, S(2) = (8 + 7) / 2
    assert ranked("all_pairs", field).scores == (8.5, 3.5, 7.5)
    assert sorted(field.asked) == [(0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("missing", "scores"),
    [
        ([(0, 1)], (7.0, 2.5, 8.0)),  # the other order of 0 and 1 counts for neither: position would decide
        ([(0, 1), (1, 0)], (7.0, 2.5, 8.0)),
        ([(0, 1), (2, 0)], (None, 2.5, 8.0)),  # no complete pair is left for 0
        ([(0, 1), (0, 2), (1, 2)], (None, None, None)),
    ],
)
def test_a_pair_without_one_of_its_orders_counts_for_neither(
    missing: list[tuple[int, ...]], scores: tuple[float | None, ...]
) -> None:
    standing = ranked("all_pairs", Group(3, told(without(*missing))))
    assert standing.scores == scores
    assert len(standing.ranking) == sum(score is not None for score in scores)


def test_wins_count_where_there_are_no_scores() -> None:
    won: dict[tuple[int, ...], int | None] = {(0, 1): 0, (1, 0): 0, (0, 2): None, (2, 0): 2, (1, 2): 1, (2, 1): None}
    standing = ranked("all_pairs", Group(3, picking(lambda shown: won[shown])))
    # 0: 1 + 1 + ½ + 0, 1: 0 + 0 + 1 + ½, 2: ½ + 1 + 0 + ½; each of 4
    assert standing.scores == (0.625, 0.375, 0.5)


def test_wins_count_for_all_as_soon_as_one_verdict_has_no_scores() -> None:
    def judge(shown: tuple[int, ...]) -> Compared | None:
        verdict = told(TABLE)(shown)
        return verdict._replace(scores=None) if verdict is not None and shown == (0, 1) else verdict

    standing = ranked("all_pairs", Group(3, judge))
    # 0: 1 + 1 + ½ + 0, 1: 0, 2: ½ + 1 + 1 + 1; each of 4
    assert standing.scores == (0.625, 0.0, 0.875)


@pytest.mark.parametrize(
    ("judge", "score"),
    [(FIRST, 5.0), (FIRST_WINS, 0.5), (SAME, 7.0), (TIES, 0.5)],
    ids=["first", "first wins", "same", "ties"],
)
def test_nobody_stands_above_another_where_only_the_place_counts(judge: Judge, score: float) -> None:
    standing = ranked("all_pairs", Group(5, judge))
    assert standing.scores == (score,) * 5
    assert standing.ranking == (0, 1, 2, 3, 4)


def test_a_circle_ties() -> None:
    assert ranked("all_pairs", Group(3, CIRCLE)).scores == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("size", [0, 1])
def test_fewer_than_two_are_not_compared(size: int) -> None:
    field = Group(size, HONEST)
    assert ranked("all_pairs", field).scores == (None,) * size
    assert not field.asked


def test_two_are_compared_in_both_orders() -> None:
    assert ranked("all_pairs", Group(2, told(TABLE))).scores == (8.0, 5.0)


def test_a_judge_without_verdicts_gives_no_scores() -> None:
    assert ranked("all_pairs", Group(3, silent)) == ((None, None, None), (), None, "")


@pytest.mark.parametrize(
    ("budget", "calls"), [(0, 0), (1, 0), (2, 2), (13, 12), (29, 28), (30, 30), (99, 30), (None, 30)]
)
def test_a_budget_buys_whole_pairs(budget: int | None, calls: int) -> None:
    field = Group(6, HONEST)
    standing = ranked("all_pairs", field, budget=budget)
    assert len(field.asked) == calls
    assert {(b, a) for a, b in field.asked} == set(field.asked)
    assert standing.stopped == ("budget" if calls < 30 else "")


def test_a_budget_shows_everybody_about_as_often() -> None:
    field = Group(9, HONEST)
    ranked("all_pairs", field, budget=40)
    often = [sum(one in shown for shown in field.asked) for one in range(9)]
    assert max(often) - min(often) <= 4


def test_which_pairs_a_budget_buys_is_drawn_with_the_seed() -> None:
    drawn = set()
    for seed in range(10):
        field = Group(6, HONEST)
        ranked("all_pairs", field, budget=6, seed=seed)
        drawn.add(frozenset(field.asked))
    assert len(drawn) > 3
