"""Pairs come in balanced turns; a pair without one of its orders says nothing."""

from __future__ import annotations

from collections import Counter
from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from adjudge.ranking.pairs import orders, round_robin


@given(st.integers(0, 20), st.integers(0, 5))
def test_a_round_robin_has_every_pair_once(size: int, seed: int) -> None:
    pairs = [tuple(sorted(pair)) for pair in chain.from_iterable(round_robin(size, seed))]
    assert sorted(pairs) == list(combinations(range(size), 2))


@given(st.integers(2, 20), st.integers(0, 5))
def test_nobody_stands_twice_in_a_round(size: int, seed: int) -> None:
    for turn in round_robin(size, seed):
        assert max(Counter(chain.from_iterable(turn)).values()) == 1


@given(st.integers(2, 20), st.data())
def test_any_beginning_is_balanced(size: int, data: st.DataObject) -> None:
    pairs = list(chain.from_iterable(round_robin(size, 0)))
    part = pairs[: data.draw(st.integers(0, len(pairs)))]
    often = Counter(dict.fromkeys(range(size), 0)) + Counter(chain.from_iterable(part))
    met = [often[one] for one in range(size)]
    assert max(met) - min(met) <= 1 + size % 2


def test_who_meets_first_is_drawn_with_the_seed() -> None:
    assert len({tuple(next(round_robin(8, seed))) for seed in range(20)}) > 10


def test_one_order_is_enough_where_order_cannot_sway() -> None:
    assert orders((3, 1), sways=True) == [(3, 1), (1, 3)]
    assert orders((3, 1), sways=False) == [(3, 1)]
