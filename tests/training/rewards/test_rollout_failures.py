"""An outage tells nothing of the policy; a malformed output is its own doing. Each is told from the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adjudge.training.rewards import WellFormed, malformed_of, outage_of
from adjudge.training.rollouts import Called, Rollout
from adjudge.types import Unscored


def _none(reason: Any, detail: str = "", **more: Any) -> Unscored:
    return Unscored(reason=reason, detail=detail, **more)


@pytest.mark.parametrize(
    ("changes", "outage", "malformed"),
    [
        ({}, False, False),
        ({"outage": "the server was gone"}, True, False),
        ({"outage": "the server was gone", "truncated": True}, True, False),  # what it would have been is not known
        ({"outcome": _none("parse_failure")}, False, True),
        ({"outcome": _none("refused")}, False, True),
        ({"outcome": _none("order_conflict")}, False, True),
        ({"outcome": _none("tool_failure")}, False, True),  # none of its calls succeeded, and no tool was gone
        ({"outcome": _none("limit", "tool_calls: all 8 tool calls are used")}, False, True),
        ({"outcome": _none("limit", "the prompt does not fit")}, False, True),  # too long for the model's context
        ({"outcome": _none("limit", "seconds: the 300 seconds are used")}, True, False),  # a busy machine may do it
        ({"outcome": _none("limit", "seconds: …"), "truncated": True}, False, True),  # it ran on until the end
        ({"outcome": _none("model_failure", "connection refused")}, True, False),
        ({"outcome": _none("model_failure", "no tool call"), "broken_calls": 1}, False, True),
        ({"outcome": _none("bad_case")}, True, False),
        ({"outcome": _none("parse_failure", transient=True)}, True, False),
        ({"truncated": True}, False, True),  # though a verdict could be read
        ({"broken_calls": 1}, False, True),
        ({"calls": (Called("corpse", "{}", "there is no such tool", own_fault=True),)}, False, False),  # it was read
    ],
)
def test_what_went_wrong_is_an_outage_or_malformed_and_never_both(
    changes: dict[str, Any], outage: bool, malformed: bool, attempt: Callable[..., Rollout]
) -> None:
    rollout = attempt(**changes)
    assert (bool(outage_of(rollout)), bool(malformed_of(rollout))) == (outage, malformed)
    assert WellFormed()([rollout]) == [None if outage else float(not malformed)]
