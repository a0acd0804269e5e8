"""The simulated judges err as they say they do, and the tables read what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.ranking.arms import Found, measure
from benchmarks.ranking.judges import TEMPERS, Group, Temper
from benchmarks.ranking.tables import Measured, against_all_pairs, pooled, summary


def group(temper: Temper, size: int = 6, seed: int = 0) -> Group:
    return Group(temper, size, np.random.default_rng(seed))


def flat(*taus: float) -> Measured:
    """One group in which `adaptive` has these τ at each eighth, and `all_pairs` the last of them."""
    found = {f"adaptive {eighth}/8": Found(7 * eighth, tau, 0, 0) for eighth, tau in enumerate(taus, 1)}
    return Measured("scores, none", 8, [found | {"all_pairs": Found(56, taus[-1], 0, 0)}])


@pytest.mark.parametrize("temper", TEMPERS, ids=lambda temper: temper.name)
def test_a_judge_says_the_same_when_asked_again(temper: Temper) -> None:
    one = group(temper)
    shown = [(0, 1), (1, 0), (4, 2), (3,), (0, 1, 2, 3, 4, 5)]
    assert [one.look(pair) for pair in shown] == [one.again().look(pair) for pair in shown]
    assert one.look((0, 1)).scores is None or temper.scores


def test_hidden_scores_leave_the_winner() -> None:
    one = group(TEMPERS[6])
    bare = one.again(shows_scores=False).look((0, 1))
    assert bare.scores is None
    assert bare.winner == one.look((0, 1)).winner


def test_a_judge_without_error_scores_by_quality() -> None:
    one = group(Temper("scores, exact"))
    first, second = one.look((0, 1)).scores or (0.0, 0.0)
    assert (first, second) == tuple(np.clip(np.round(5.5 + 1.5 * one.quality[:2]), 1, 10))


def test_the_first_place_is_worth_what_is_said() -> None:
    leans, plain = (group(Temper("scores", place=place), size=30) for place in (2.0, 0.0))
    gained = [
        (leans.look((a, a + 1)).scores or (0,))[0] - (plain.look((a, a + 1)).scores or (0,))[0] for a in range(29)
    ]
    assert np.mean(gained) == pytest.approx(2, abs=0.3)


def test_everything_is_measured_of_a_group() -> None:
    found = measure(group(TEMPERS[6], size=4), seed=1)
    assert {found[name].calls for name in ("all_pairs", "adaptive 8/8", "random 6/8")} == {12, 9}
    assert all(-1 <= one.tau <= 1 for one in found.values())
    assert found["adaptive, best, 2(n − 1)"].calls <= 6


@pytest.mark.parametrize(
    ("taus", "less", "share"),
    [
        ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), 0.0, 1.0),
        ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), 0.1, 7 / 8),
        ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), 0.75, 1 / 16),
        ((0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8), 0.0, 1 / 8),
    ],
)
def test_calls_to_a_tau_are_read_off_the_curve(taus: tuple[float, ...], less: float, share: float) -> None:
    assert flat(*taus).reached("all_pairs", less).value == pytest.approx(share)


def test_tables_and_numbers() -> None:
    every = [
        Measured(temper.name, 4, [measure(group(temper, size=4, seed=seed), seed) for seed in range(2)])
        for temper in (TEMPERS[0], TEMPERS[6])
    ]
    assert against_all_pairs(every).count("\n") == 3
    assert [one.judge for one in pooled(every)] == ["**all judges of winners**", "**all judges of scores**"]
    assert summary(every)[0]["arms"]["all_pairs"]["calls"] == [12.0, 12.0, 12.0]
