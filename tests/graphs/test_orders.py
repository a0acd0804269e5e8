"""Orders: seeded, balanced, and never the same work twice."""

from __future__ import annotations

from collections import Counter

import pytest

from adjudge.graphs import Forks
from adjudge.types import Case, Mode


def case(number: int = 0, responses: int = 2, candidates: int = 0) -> Case:
    return Case(id=f"c{number}", prompt="?", responses=["r"] * responses, candidates=["s"] * candidates)


def forks(mode: Mode = "pairwise", both: bool = False, samples: int = 1, seed: int = 0, shuffled: bool = True) -> Forks:
    return Forks("judge", mode, both, samples, seed, shuffled)


def test_one_order_is_drawn_and_roughly_balanced_over_cases() -> None:
    drawn = Counter(forks().of(case(number))[0][0] for number in range(1000))
    assert set(drawn) == {(0, 1), (1, 0)}
    assert 430 < drawn[0, 1] < 570  # 4.4 standard deviations


def test_the_draw_is_repeated_exactly_and_changes_with_the_seed() -> None:
    draws = [[forks(seed=seed).of(case(number)) for number in range(64)] for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_a_listwise_order_is_a_permutation_and_every_place_is_used() -> None:
    orders = [forks("listwise").of(case(number, responses=4))[0][0] for number in range(200)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert all(set(place) == {0, 1, 2, 3} for place in zip(*orders, strict=True))


def test_candidate_steps_are_shuffled_like_responses() -> None:
    orders = {forks("step").of(case(number, 0, 2))[0][0] for number in range(32)}
    assert orders == {(0, 1), (1, 0)}


def test_both_is_the_own_order_and_its_reverse_with_all_samples() -> None:
    expected = [((0, 1, 2), 0), ((0, 1, 2), 1), ((2, 1, 0), 0), ((2, 1, 0), 1)]
    assert forks("listwise", both=True, samples=2).of(case(responses=3)) == expected


@pytest.mark.parametrize("candidates", [0, 1])
def test_where_there_is_one_order_only_it_is_judged_once(candidates: int) -> None:
    assert forks("step", both=True).of(case(0, 0, candidates)) == [(tuple(range(candidates)), 0)]


def test_a_method_that_no_order_sways_keeps_the_own_order() -> None:
    assert all(forks(shuffled=False).of(case(number))[0][0] == (0, 1) for number in range(20))
    assert forks("pointwise").of(case(responses=1)) == [((0,), 0)]
