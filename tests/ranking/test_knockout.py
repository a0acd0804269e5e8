"""A bracket, by hand."""

from __future__ import annotations

import random

import pytest

from adjudge.ranking import Compared
from tests.ranking.fields import FIRST, HONEST, SAME, Group, Judge, picking, ranked, silent, told


def bracket(size: int, seed: int) -> list[int]:
    """Who sits where: the draw that the strategy makes, too."""
    seats = list(range(size))
    random.Random(seed).shuffle(seats)
    return seats


def test_four_play_two_rounds() -> None:
    one, two, three, four = bracket(4, 0)
    scores = {one: 3.0, two: 2.0, three: 1.0, four: 4.0}
    field = Group(4, lambda shown: Compared(shown, (scores[shown[0]], scores[shown[1]]), None))
    standing = ranked("knockout", field)
    assert field.asked[:4] == [(one, two), (two, one), (three, four), (four, three)]
    assert {*field.asked[4:]} == {(one, four), (four, one)}
    assert field.batches == [4, 2]
    wanted = {four: 1.0, one: 0.5, two: 0.0, three: 0.0}
    assert standing.scores == tuple(wanted[place] for place in range(4))
    assert standing.ranking[:2] == (four, one)


def test_a_bye_is_survived() -> None:
    one, two, three = bracket(3, 0)
    field = Group(3, picking(lambda shown: min(shown, key=[three, one, two].index)))
    standing = ranked("knockout", field)
    wanted = {three: 1.0, one: 0.5, two: 0.0}  # three had a bye, and then beat one
    assert standing.scores == tuple(wanted[place] for place in range(3))


@pytest.mark.parametrize(("size", "calls"), [(2, 2), (3, 4), (4, 6), (7, 12), (8, 14), (100, 198)])
@pytest.mark.parametrize("sways", [True, False])
def test_it_takes_one_pair_less_than_there_are_competitors(size: int, calls: int, sways: bool) -> None:
    field = Group(size, HONEST, sways=sways)
    standing = ranked("knockout", field, seed=3)
    assert len(field.asked) == (calls if sways else calls // 2)
    assert standing.ranking[0] == size - 1
    assert standing.scores[size - 1] == 1.0


def test_the_sum_over_both_orders_decides() -> None:
    field = Group(2, told({(0, 1): (9.0, 6.0), (1, 0): (8.0, 4.0)}))  # 0: 13, 1: 14
    assert ranked("knockout", field).scores == (0.0, 1.0)


def test_votes_decide_where_a_verdict_has_no_scores() -> None:
    verdicts = {(0, 1): Compared((0, 1), None, None), (1, 0): Compared((1, 0), (2.0, 3.0), 0)}
    assert ranked("knockout", Group(2, lambda shown: verdicts[shown[0], shown[1]])).scores == (1.0, 0.0)


@pytest.mark.parametrize("judge", [SAME, FIRST], ids=["same", "first"])
def test_a_tie_is_drawn_with_the_seed(judge: Judge) -> None:
    winners = [ranked("knockout", Group(4, judge), seed=seed).ranking[0] for seed in range(40)]
    assert set(winners) == {0, 1, 2, 3}
    assert winners == [ranked("knockout", Group(4, judge), seed=seed).ranking[0] for seed in range(40)]


def test_an_unscored_pair_decides_nothing_and_both_go_on() -> None:
    one, two, *_ = bracket(4, 0)
    field = Group(4, lambda shown: None if shown in {(one, two), (two, one)} else HONEST(shown))
    standing = ranked("knockout", field)
    assert field.batches == [4, 2, 2]  # one of the three that are left has a bye, and meets the winner
    assert standing.ranking[0] == 3
    assert None not in standing.scores


def test_one_order_alone_decides_nothing() -> None:
    standing = ranked("knockout", Group(2, told({(0, 1): (9.0, 1.0)})))
    assert standing.scores == (None, None)


def test_who_is_never_judged_has_no_score_and_the_others_have() -> None:
    field = Group(8, lambda shown: None if 0 in shown else HONEST(shown))
    standing = ranked("knockout", field)
    assert standing.scores[0] is None
    assert standing.ranking[0] == 7
    assert len(standing.ranking) == 7


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 100])
def test_a_judge_without_verdicts_ends_it_without_scores(size: int) -> None:
    field = Group(size, silent)
    standing = ranked("knockout", field)
    assert standing.scores == (None,) * size
    assert standing.ranking == ()
    assert len(set(field.asked)) == len(field.asked) <= max(0, 4 * (size - 1))


@pytest.mark.parametrize("budget", [0, 1, 2, 5, 9, 14])
def test_a_budget_ends_it_early(budget: int) -> None:
    field = Group(8, HONEST)
    standing = ranked("knockout", field, budget=budget)
    assert len(field.asked) == min(budget, 14) // 2 * 2
    assert standing.stopped == ("" if budget == 14 else "budget")
    assert (standing.scores[7] == 1.0) == any(7 in shown for shown in field.asked)
