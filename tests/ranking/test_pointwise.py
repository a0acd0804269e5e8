"""Each alone: the judge's own score, or none."""

from __future__ import annotations

import math

from adjudge.ranking import Compared
from tests.ranking.fields import CIRCLE, HONEST, Group, ranked, told


def test_each_is_shown_alone_in_one_batch() -> None:
    field = Group(3, HONEST)
    standing = ranked("pointwise", field)
    assert field.asked == [(0,), (1,), (2,)]
    assert field.batches == [3]
    assert standing.scores == (0.0, 1.0, 2.0)
    assert standing.ranking == (2, 1, 0)


def test_who_has_no_verdict_has_no_score() -> None:
    standing = ranked("pointwise", Group(3, told({(0,): (4.0,), (2,): (6.0,)})))
    assert standing.scores == (4.0, None, 6.0)
    assert standing.ranking == (2, 0)


def test_a_judge_that_only_names_winners_gives_no_scores_to_one_alone() -> None:
    assert ranked("pointwise", Group(2, CIRCLE)).scores == (None, None)


def test_a_score_that_is_no_number_is_no_score() -> None:
    assert ranked("pointwise", Group(1, lambda shown: Compared(shown, (math.nan,), None))).scores == (None,)


def test_a_budget_shows_a_seeded_part() -> None:
    drawn = set()
    for seed in range(20):
        field = Group(5, HONEST)
        standing = ranked("pointwise", field, budget=2, seed=seed)
        assert len(field.asked) == 2
        assert standing.stopped == "budget"
        drawn.add(tuple(field.asked))
    assert len(drawn) > 5


def test_one_and_none() -> None:
    assert ranked("pointwise", Group(1, HONEST)).scores == (0.0,)
    assert ranked("pointwise", Group(0, HONEST)).scores == ()
