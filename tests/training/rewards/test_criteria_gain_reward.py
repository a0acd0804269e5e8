"""Think-as-Locals: how much likelier the right verdict became by the criteria."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.training.rewards import CriteriaGain
from adjudge.training.rollouts import Rollout
from adjudge.types import Criterion, Unscored, Verdict

_LIKELY, _UNLIKELY = (-0.1, -1.1), (-1.1, -0.1)


def _judged(name: str, description: str = "") -> Verdict:
    return Verdict(winner="A", principles=(Criterion(name=name, description=description),))


@pytest.mark.parametrize(
    ("measured", "pays"),
    [
        (_LIKELY, 1.0),
        (_UNLIKELY, -1.0),
        ((-0.5, -0.5), 0.0),
        ((-0.1, -30.0), 2.0),  # clipped
        ((-math.inf, -0.1), -2.0),
        ((-0.1, -math.inf), 2.0),
        ((-math.inf, -math.inf), None),  # nothing can be said
        ((math.nan, -1.0), None),
        ((-1.0,), None),
        ((), None),  # not measured
    ],
)
def test_it_is_the_difference_of_two_log_probabilities_clipped(
    measured: tuple[float, ...], pays: float | None, attempt: Callable[..., Rollout]
) -> None:
    (value,) = CriteriaGain()([attempt(measured={"criteria_gain": measured})])
    assert value == (None if pays is None else pytest.approx(pays))


def test_not_measured_or_an_outage_is_none(attempt: Callable[..., Rollout]) -> None:
    assert CriteriaGain()([attempt(), attempt(measured={"criteria_gain": _LIKELY}, outage="gone")]) == [None, None]


@pytest.mark.parametrize(
    ("outcome", "pays"),
    [
        (_judged("politeness", "Who would be offended?"), 1),
        (_judged("response A is right"), 0),
        (_judged("truth", "Response (A) knows the custom."), 0),
        (_judged("truth", 'the answer "B" does not'), 0),
        (_judged("A"), 0),
        (_judged("A good answer greets first"), 1),  # an article is no letter
        (_judged("answers as a local would"), 1),
        (Unscored(reason="parse_failure"), 1),  # `Mixed` pays it the floor
    ],
)
def test_naming_the_winner_is_no_criterion(outcome: Verdict, pays: float, attempt: Callable[..., Rollout]) -> None:
    (value,) = CriteriaGain()([attempt(outcome=outcome, measured={"criteria_gain": _LIKELY})])
    assert value == pytest.approx(pays)
    (loss,) = CriteriaGain()([attempt(outcome=outcome, measured={"criteria_gain": _UNLIKELY})])
    assert loss == pytest.approx(-1)  # what it loses, it loses


@pytest.mark.parametrize("clip", [0.0, -1.0, math.inf, math.nan])
def test_clip_is_positive_and_finite(clip: float) -> None:
    with pytest.raises(ConfigError, match="clip"):
        CriteriaGain(clip=clip)


@given(texts=st.lists(st.text(), max_size=3), gain=st.floats())
def test_any_criteria_are_paid_within_the_clip(texts: list[str], gain: float, attempt: Callable[..., Rollout]) -> None:
    outcome = Verdict(principles=tuple(Criterion(name=text, description=text) for text in texts))
    (value,) = CriteriaGain(clip=1.5)([attempt(outcome=outcome, measured={"criteria_gain": (gain, 0.0)})])
    assert value is None if math.isnan(gain) else value is not None and -1.5 <= value <= 1.5
