"""The length term: DAPO's soft overlong punishment, equation 13."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.training.rewards import LengthControl
from adjudge.training.rollouts import Rollout


@pytest.mark.parametrize(
    ("tokens", "pays"), [(0, 0), (1, 0), (80, 0), (81, -0.05), (90, -0.5), (100, -1), (101, -1), (10**9, -1)]
)
def test_it_grows_over_the_margin_and_no_further(tokens: int, pays: float, attempt: Callable[..., Rollout]) -> None:
    (value,) = LengthControl(budget=80, margin=20)([attempt(own_tokens=tokens)])
    assert value == pytest.approx(pays)


def test_an_outage_has_no_length(attempt: Callable[..., Rollout]) -> None:
    assert LengthControl()([attempt(outage="gone", own_tokens=10**6)]) == [None]


@pytest.mark.parametrize(("budget", "margin", "key"), [(-1, 5, "budget"), (5, 0, "margin")])
def test_a_budget_is_not_negative_and_a_margin_not_empty(budget: int, margin: int, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        LengthControl(budget, margin)
    assert refused.value.key == key


@given(one=st.integers(0, 3000), more=st.integers(0, 3000))
def test_longer_never_pays(one: int, more: int, attempt: Callable[..., Rollout]) -> None:
    short, long = (value or 0.0 for value in LengthControl()([attempt(own_tokens=one), attempt(own_tokens=one + more)]))
    assert -1 <= long <= short <= 0
