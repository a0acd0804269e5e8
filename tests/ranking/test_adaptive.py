"""Asks what tells most, stops when it may, and is never thrown by a judge."""

from __future__ import annotations

import asyncio
import math
import time

import numpy as np
import pytest

from adjudge.ranking import Compared, Settings, Standing
from adjudge.ranking.adaptive import adaptive
from adjudge.types import Goal
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
    scoring,
    silent,
)

BETTER = picking(lambda shown: max(shown))
GOALS: list[Goal] = ["ranking", "best"]


def noisy(seed: int, size: int, *, noise: float = 1.0, first: float = 0.0) -> Judge:
    """A judge that errs, and the same each time that it is asked the same."""
    errors = np.random.default_rng(seed).standard_normal((size, size, 2)) * noise

    def judge(shown: tuple[int, ...]) -> Compared:
        a, b = shown
        return scoring(lambda one, _: one + (first if one == a else 0.0) + float(errors[a, b][shown.index(one)]))(shown)

    return judge


@pytest.mark.parametrize("judge", [HONEST, BETTER], ids=["scores", "winners"])
@pytest.mark.parametrize("size", [4, 8, 16])
def test_it_finds_the_order_with_fewer_calls_than_all_pairs(judge: Judge, size: int) -> None:
    field = Group(size, judge)
    standing = ranked("adaptive", field)
    assert standing.ranking[0] == size - 1
    assert len(field.asked) < size * (size - 1)
    assert standing.stopped in ("confidence", "little left to learn")
    right = sum(a > b for place, a in enumerate(standing.ranking) for b in standing.ranking[place + 1 :])
    assert right > 0.9 * math.comb(size, 2)


@pytest.mark.parametrize("judge", [HONEST, BETTER], ids=["scores", "winners"])
def test_the_best_is_found_with_fewer_calls_than_the_order(judge: Judge) -> None:
    calls = {}
    for goal in GOALS:
        field = Group(16, judge)
        standing = ranked("adaptive", field, goal=goal, confidence=0.98)
        assert standing.ranking[0] == 15
        calls[goal] = len(field.asked)
    assert calls["best"] < calls["ranking"] or judge is HONEST


def test_comparisons_are_spent_where_the_order_is_in_doubt() -> None:
    distances = []
    for seed in range(10):
        field = Group(8, noisy(seed, 8))
        ranked("adaptive", field, budget=28)
        distances += [abs(a - b) for a, b in field.asked[8:]]
    assert np.mean(distances) < 2.5  # the mean over all pairs is 3


def test_a_higher_confidence_costs_more() -> None:
    calls, sure = [], []
    for confidence in (0.6, 0.8, 0.9):
        field = Group(8, noisy(1, 8))
        standing = ranked("adaptive", field, confidence=confidence)
        calls.append(len(field.asked))
        sure.append(standing.confidence)
        assert standing.confidence is not None
        assert standing.confidence >= confidence
    assert calls == sorted(calls)


@pytest.mark.parametrize("budget", [0, 1, 2, 5, 13])
def test_a_budget_is_kept(budget: int) -> None:
    field = Group(6, noisy(2, 6, noise=3.0))
    standing = ranked("adaptive", field, budget=budget)
    assert len(field.asked) == budget
    assert standing.stopped == "budget"
    assert sum(score is not None for score in standing.scores) == len({place for pair in field.asked for place in pair})


def test_everybody_is_shown_twice_before_it_may_be_sure() -> None:
    field = Group(8, HONEST)
    ranked("adaptive", field, confidence=0.0)
    often = [sum(place in pair for pair in field.asked) for place in range(8)]
    assert min(often) >= 2
    assert len(field.asked) <= 16


def test_scores_are_on_the_scale_of_the_judge() -> None:
    standing = ranked("adaptive", Group(8, noisy(3, 8, noise=0.3)))
    assert [score for score in standing.scores if score is not None] == pytest.approx(range(8), abs=1)


def test_scores_of_a_judge_without_any_are_chances_to_win() -> None:
    scores = [score or 0.0 for score in ranked("adaptive", Group(8, BETTER)).scores]
    assert 0 < min(scores) < 0.2 < 0.8 < max(scores) < 1
    assert sum(scores) == pytest.approx(4)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(
    ("judge", "score"),
    [(SAME, 7.0), (FIRST, 5.0), (TIES, 0.5), (FIRST_WINS, 0.5)],
    ids=["same", "first", "ties", "1st"],
)
def test_where_nobody_stands_out_all_are_equal_and_it_stops(judge: Judge, score: float, goal: Goal) -> None:
    field = Group(8, judge)
    standing = ranked("adaptive", field, goal=goal)
    assert standing.scores == pytest.approx([score] * 8)
    assert len(set(standing.scores)) == 1
    assert standing.ranking == tuple(range(8))
    assert standing.stopped == "no difference"
    assert len(field.asked) == 16
    assert standing.confidence is not None
    assert standing.confidence < 0.6


def test_a_judge_that_leans_to_the_first_place_is_seen_through() -> None:
    standing = ranked("adaptive", Group(8, noisy(4, 8, noise=0.2, first=4.0)))
    assert standing.ranking == (7, 6, 5, 4, 3, 2, 1, 0)


def test_an_intransitive_judge_gets_a_ranking_and_little_confidence() -> None:
    field = Group(9, CIRCLE)
    standing = ranked("adaptive", field, goal="best")
    assert sorted(standing.ranking) == list(range(9))
    assert standing.confidence is not None
    assert standing.confidence < 0.5


@pytest.mark.parametrize("sways", [True, False])
@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_small_groups(size: int, sways: bool) -> None:
    field = Group(size, HONEST, sways=sways)
    standing = ranked("adaptive", field)
    assert standing.ranking == (tuple(reversed(range(size))) if size > 1 else ())
    assert (None in standing.scores) == (size == 1)
    assert len(field.asked) <= size * (size - 1) // (1 if sways else 2)


def test_two_are_shown_in_both_orders_before_it_is_sure() -> None:
    field = Group(2, HONEST)
    ranked("adaptive", field, confidence=0.0)
    assert sorted(field.asked) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("size", [2, 3, 8, 100])
def test_a_judge_without_verdicts_ends_it_without_scores(size: int) -> None:
    field = Group(size, silent)
    standing = ranked("adaptive", field)
    assert standing == Standing((None,) * size, (), None, "no verdict")
    assert len(field.asked) <= 5 * size


def test_who_is_never_judged_has_no_score_and_the_others_are_ranked() -> None:
    field = Group(8, lambda shown: None if 3 in shown else HONEST(shown))
    standing = ranked("adaptive", field)
    assert standing.ranking == (7, 6, 5, 4, 2, 1, 0)
    assert standing.scores[3] is None
    assert sum(3 in pair for pair in field.asked) <= 6


def test_a_verdict_that_is_no_number_is_none() -> None:
    standing = ranked("adaptive", Group(3, lambda shown: Compared(shown, (math.nan, 1.0), shown[1])))
    assert standing.scores == (None, None, None)


def test_winners_count_as_soon_as_one_verdict_has_no_scores() -> None:
    def sometimes(shown: tuple[int, ...]) -> Compared | None:
        verdict = HONEST(shown)
        return verdict._replace(scores=None) if verdict is not None and 0 in shown else verdict

    scores = [score for score in ranked("adaptive", Group(5, sometimes)).scores if score is not None]
    assert len(scores) == 5
    assert all(0 < score < 1 for score in scores)


def test_a_batch_is_half_the_group_unless_said() -> None:
    for batch, wanted in [(None, 4), (1, 1), (3, 3)]:
        field = Group(8, noisy(5, 8))
        asyncio.run(adaptive(field, Settings(budget=24), batch=batch))
        assert max(field.batches) == wanted


def test_the_seed_decides_who_meets_first_and_nothing_else_is_left_to_chance() -> None:
    def asked(seed: int) -> list[tuple[int, ...]]:
        field = Group(8, noisy(6, 8))
        ranked("adaptive", field, seed=seed)
        return field.asked

    assert asked(1) == asked(1)
    assert len({tuple(asked(seed)[:4]) for seed in range(10)}) > 5


def test_a_hundred_are_ranked_quickly() -> None:
    field = Group(100, noisy(7, 100, noise=10.0))
    start = time.process_time()
    standing = ranked("adaptive", field, budget=300)
    assert time.process_time() - start < 20  # measured 0.2; the rest is room for a machine that is busy elsewhere
    assert len(field.asked) == 300
    assert len(standing.ranking) == 100
