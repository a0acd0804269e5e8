"""Generative RLHF-V, stage 1: the preferred response has the strictly higher score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adjudge.training.rewards import PairedScores
from adjudge.training.rollouts import Rollout
from adjudge.types import Unscored, Verdict


@pytest.mark.parametrize(
    ("case", "outcome", "pays"),
    [
        ({"label": "A"}, Verdict(scores=(8, 3)), 1),
        ({"label": "A"}, Verdict(scores=(3, 8)), 0),
        ({"label": "B"}, Verdict(scores=(3, 8)), 1),
        ({"label": "A"}, Verdict(scores=(5, 5)), 0),  # a tie is not a preference
        ({"label": "A"}, Verdict(scores=(3, 8), winner="A"), 0),  # scores are what is supervised
        ({"label": "A"}, Verdict(scores=(8,)), 0),  # another count
        ({"label": "A"}, Verdict(winner="A"), 0),
        ({"label": "A"}, Unscored(reason="parse_failure"), 0),
        ({"label": "tie"}, Verdict(scores=(5, 5)), None),
        ({"label": None}, Verdict(scores=(5, 5)), None),
        ({"label": ["A"]}, Verdict(scores=(5, 5)), None),
        ({"label": "A", "responses": ["x", "y", "z"]}, Verdict(scores=(8, 3, 1)), None),
    ],
)
def test_a_strictly_higher_score_for_the_preferred_response_pays_1(
    case: dict[str, Any], outcome: Any, pays: int | None, attempt: Callable[..., Rollout]
) -> None:
    assert PairedScores()([attempt(case, outcome=outcome), attempt(case, outcome=outcome, outage="gone")]) == [
        pays,
        None,
    ]
