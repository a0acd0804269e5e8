"""MACT: each agent's own reward, and that of the whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.training.rewards import MactAgents, MactGlobal
from adjudge.training.rollouts import Rollout
from adjudge.types import Answer, Unscored

_ASKED = {"responses": [], "label": "George Eliot"}
_MEASURED = {"planning": (1.0, 0.5), "execution": (0.25,), "judgment": (1.0,), "answer": (0.5,), "global": (0.75,)}
_SAID = Answer(text="George Eliot")


@pytest.mark.parametrize(
    ("agents", "pays"),
    [
        (("planning", "execution", "judgment", "answer"), 0.625),
        (("planning",), 0.75),  # the mean of its steps
        (("execution", "answer"), 0.375),
    ],
)
def test_agents_are_paid_the_mean_of_their_own_work(agents: Any, pays: float, attempt: Callable[..., Rollout]) -> None:
    assert MactAgents(agents)([attempt(_ASKED, outcome=_SAID, measured=_MEASURED)]) == [pays]


@pytest.mark.parametrize("missing", [(), (math.nan,)])
def test_an_agent_that_was_not_measured_leaves_no_number(
    missing: tuple[float, ...], attempt: Callable[..., Rollout]
) -> None:
    measured = {**_MEASURED, "execution": missing, "global": missing}
    rollout = attempt(_ASKED, outcome=_SAID, measured=measured)
    assert MactAgents()([rollout]) == MactGlobal()([rollout]) == [None]


def test_numbers_off_the_scale_are_cut_to_it(attempt: Callable[..., Rollout]) -> None:
    rollout = attempt(_ASKED, outcome=_SAID, measured={"planning": (9.0, -9.0), "global": (math.inf,)})
    assert MactAgents(("planning",))([rollout]) == [0.5]
    assert MactGlobal()([rollout]) == [1.0]


@pytest.mark.parametrize(
    ("by", "case", "outcome", "pays"),
    [
        ("measured", _ASKED, _SAID, 0.75),
        ("measured", _ASKED, Unscored(reason="parse_failure"), 0),  # no answer is worth nothing, whatever was measured
        ("measured", {}, _SAID, None),  # a pair: no such agents
        ("label", _ASKED, _SAID, 1),
        ("label", _ASKED, Answer(text="the GEORGE  Eliot."), 1),
        ("label", _ASKED, Answer(text="George Eliot and others"), 0),
        ("label", _ASKED, Answer(text=""), 0),
        ("label", _ASKED, Unscored(reason="limit"), 0),
        ("label", {"responses": [], "label": None}, _SAID, None),
        ("label", {"responses": [], "label": 3}, _SAID, None),
    ],
)
def test_the_whole_is_paid_by_an_outcome_model_or_by_the_label(
    by: Any, case: dict[str, Any], outcome: Any, pays: float | None, attempt: Callable[..., Rollout]
) -> None:
    rollout = attempt(case, outcome=outcome, measured=_MEASURED)
    assert MactGlobal(by)([rollout, attempt(case, outcome=outcome, outage="gone")]) == [pays, None]


def test_agents_are_not_paid_for_a_pair_or_in_an_outage(attempt: Callable[..., Rollout]) -> None:
    batch = [attempt(measured=_MEASURED), attempt(_ASKED, measured=_MEASURED, outage="gone")]
    assert MactAgents()(batch) == [None, None]


@pytest.mark.parametrize("agents", [(), ("planner",)])
def test_only_agents_that_there_are_can_be_trained(agents: Any) -> None:
    with pytest.raises(ConfigError, match="agents"):
        MactAgents(agents)


@given(said=st.text(), label=st.text())
def test_any_answer_is_right_or_wrong(said: str, label: str, attempt: Callable[..., Rollout]) -> None:
    case = {"responses": [], "label": label}
    values = MactGlobal("label")([attempt(case, outcome=Answer(text=said)), attempt(case, outcome=Answer(text=label))])
    assert values[0] in (0, 1)
    assert values[1] == 1
