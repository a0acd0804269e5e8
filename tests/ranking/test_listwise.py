"""All at once, in both orders: one order alone would let position decide."""

from __future__ import annotations

import pytest

from adjudge.ranking import Compared
from tests.ranking.fields import FIRST, HONEST, Group, Judge, ranked, silent, told


def ranking(*best_first: int) -> Judge:
    return lambda shown: Compared(shown, None, best_first[0], best_first)


def test_both_orders_in_one_batch_and_scores_are_averaged() -> None:
    field = Group(3, told({(0, 1, 2): (9.0, 4.0, 5.0), (2, 1, 0): (7.0, 3.0, 8.0)}))
    standing = ranked("listwise", field)
    assert field.asked == [(0, 1, 2), (2, 1, 0)]
    assert field.batches == [2]
    assert standing.scores == (8.5, 3.5, 6.0)
    assert standing.ranking == (0, 2, 1)


def test_one_order_where_it_cannot_sway() -> None:
    field = Group(3, HONEST, sways=False)
    assert ranked("listwise", field).scores == (0.0, 1.0, 2.0)
    assert field.asked == [(0, 1, 2)]


def test_a_missing_order_leaves_no_scores() -> None:
    field = Group(3, told({(0, 1, 2): (9.0, 4.0, 5.0)}))
    assert ranked("listwise", field).scores == (None, None, None)


def test_a_judge_that_ranks_gives_borda_points() -> None:
    standing = ranked("listwise", Group(3, ranking(1, 0, 2)))
    assert standing.scores == (0.5, 1.0, 0.0)
    assert standing.ranking == (1, 0, 2)


def test_points_of_two_rankings_that_differ_are_averaged() -> None:
    def first_is_best(shown: tuple[int, ...]) -> Compared:
        return Compared(shown, None, shown[0], shown)

    assert ranked("listwise", Group(3, first_is_best)).scores == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("broken", [(), (0, 1), (0, 0, 1), (0, 1, 3)])
def test_a_ranking_that_does_not_name_each_once_is_none(broken: tuple[int, ...]) -> None:
    def judge(shown: tuple[int, ...]) -> Compared:
        return Compared(shown, None, None, broken)

    assert ranked("listwise", Group(3, judge)).scores == (None, None, None)


def test_a_winner_of_two_is_a_ranking() -> None:
    assert ranked("listwise", Group(2, lambda shown: Compared(shown, None, 1))).scores == (0.0, 1.0)
    assert ranked("listwise", Group(2, lambda shown: Compared(shown, None, None))).scores == (0.5, 0.5)


def test_a_judge_that_prefers_the_first_puts_nobody_above_another_of_two() -> None:
    assert ranked("listwise", Group(2, FIRST)).scores == (5.0, 5.0)


@pytest.mark.parametrize("size", [0, 1])
def test_fewer_than_two_are_not_compared(size: int) -> None:
    field = Group(size, HONEST)
    assert ranked("listwise", field).scores == (None,) * size
    assert not field.asked


def test_a_budget_too_small_for_both_orders_asks_nothing() -> None:
    field = Group(3, HONEST)
    standing = ranked("listwise", field, budget=1)
    assert standing.scores == (None, None, None)
    assert standing.stopped == "budget"
    assert not field.asked


def test_a_judge_without_verdicts_gives_no_scores() -> None:
    assert ranked("listwise", Group(3, silent)) == ((None, None, None), (), None, "")
