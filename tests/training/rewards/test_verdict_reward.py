"""The verdict term: 1 for what people said, 0 for anything else, None where they said nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adjudge.errors import CaseError
from adjudge.training.rewards import VerdictReward
from adjudge.training.rollouts import Rollout
from adjudge.types import Answer, Unscored, Verdict

_THREE = {"responses": ["x", "y", "z"]}
_ONE = {"responses": ["x"]}
_STEP = {"thought": "t"}
_STEPS = {"responses": [], "trajectory": {"steps": [_STEP, _STEP, _STEP]}}
_CANDIDATES = {"responses": [], "candidates": [_STEP, _STEP]}


@pytest.mark.parametrize(
    ("case", "outcome", "pays"),
    [
        ({"label": "A"}, Verdict(winner="A"), 1),
        ({"label": "B"}, Verdict(winner="A"), 0),
        ({"label": "A"}, Verdict(winner="tie"), 0),  # saying nothing is not right
        ({"label": "tie"}, Verdict(winner="tie"), 1),
        ({"label": "tie"}, Verdict(winner="A"), 0),
        ({"label": "A"}, Verdict(scores=(9.0, 1.0)), 0),  # the winner is what is asked for
        ({"label": "A"}, Unscored(reason="parse_failure"), 0),
        ({"label": "A"}, Answer(text="A"), 0),
        ({"label": None}, Verdict(winner="A"), None),
        ({"label": None}, Unscored(reason="parse_failure"), None),
        ({**_THREE, "label": ["A", "C"]}, Verdict(winner="C"), 1),
        ({**_THREE, "label": ["A", "C"]}, Verdict(winner="B"), 0),
        ({**_THREE, "label": "C"}, Verdict(winner="C"), 1),
        ({"label": ["A", "B"]}, Verdict(winner="B"), 1),  # a list of two
        ({**_THREE, "label": {"AB": "A", "BC": "tie"}}, Verdict(scores=(3, 2, 9)), 1),
        ({**_THREE, "label": {"AB": "A", "BC": "C"}}, Verdict(scores=(3, 2, 1)), 0),
        ({**_THREE, "label": {"AB": "A"}}, Verdict(scores=(2, 2, 1)), 0),  # equal scores decide nothing
        ({**_THREE, "label": {"AB": "B"}}, Verdict(ranking=("C", "B", "A")), 1),
        ({**_THREE, "label": {"AB": "A"}}, Verdict(ranking=("C", "B", "A")), 0),
        ({**_THREE, "label": {"AB": "A"}}, Verdict(winner="A"), 0),  # neither scores nor a ranking
        ({**_THREE, "label": {"AB": "tie"}}, Verdict(scores=(3, 2, 1)), None),  # people decided no pair
        ({**_ONE, "label": 3}, Verdict(scores=(3.5,)), 1),
        ({**_ONE, "label": 1.1}, Verdict(scores=(0.6,)), 1),  # half a point, whatever the rounding
        ({**_ONE, "label": 3}, Verdict(scores=(4,)), 0),
        ({**_ONE, "label": 3}, Verdict(), 0),
        ({**_STEPS, "label": {"first_wrong_step": 1}}, Verdict(first_wrong_step=1), 1),
        ({**_STEPS, "label": {"first_wrong_step": 1}}, Verdict(), 0),
        ({**_STEPS, "label": {"first_wrong_step": None}}, Verdict(), 1),
        ({**_STEPS, "label": {"first_wrong_step": None}}, Verdict(first_wrong_step=0), 0),  # 0 is a step, not nothing
        ({**_STEPS, "label": {"steps": [1, 0, -1]}}, Verdict(first_wrong_step=2), 1),
        ({**_STEPS, "label": {"steps": [1, -1, -1]}}, Verdict(first_wrong_step=2), 0),
        ({**_CANDIDATES, "label": {"steps": [2, 2]}}, Verdict(winner="B"), 1),
        ({**_CANDIDATES, "label": {"steps": [2, 1]}}, Verdict(winner="B"), 0),
        ({**_CANDIDATES, "label": {"first_wrong_step": 0}}, Verdict(winner="B"), None),  # none of them comes first
        ({"responses": [], "candidates": [_STEP], "label": {"steps": [2]}}, Verdict(scores=(2,)), None),
        ({"responses": [], "label": "George Eliot"}, Answer(text="George Eliot"), None),  # see mact_global
    ],
)
def test_right_is_what_people_said(
    case: dict[str, Any], outcome: Any, pays: int | None, attempt: Callable[..., Rollout]
) -> None:
    assert VerdictReward()([attempt(case, outcome=outcome)]) == [pays]


def test_tolerance_is_how_far_a_score_may_be_off(attempt: Callable[..., Rollout]) -> None:
    rollout = attempt({**_ONE, "label": 3}, outcome=Verdict(scores=(4,)))
    assert [VerdictReward(tolerance=within)([rollout])[0] for within in (0.5, 1.0)] == [0, 1]


def test_a_label_that_no_such_case_can_have_is_told_and_not_paid(attempt: Callable[..., Rollout]) -> None:
    with pytest.raises(CaseError, match="no label of a pair"):
        VerdictReward()([attempt({"label": "C"})])
    assert VerdictReward()([attempt({"label": "C"}, outage="gone")]) == [None]


def test_one_batch_is_paid_in_its_order(attempt: Callable[..., Rollout]) -> None:
    wrong = Verdict(winner="B")
    assert VerdictReward()([attempt(), attempt(outcome=wrong), attempt(outage="gone"), attempt()]) == [1, 0, None, 1]
