"""Criteria gain: how much likelier the right verdict became by the criteria that the judge wrote (Think-as-Locals).

    R = R_corr + [weight] R_appr
    R_corr = +1 if j_hat = j else -1
    R_appr = log r(j | q, y1, y2, z) - log r(j | q, y1, y2)      # z: the criteria; this term, in nats

arXiv 2509.21798. Weight, clipping and length normalisation are not known; clipping to ±`clip` nats is ours, and there
is no normalisation, since a verdict is a letter. R_corr is the verdict term at weight 2, less a constant, which a
group's mean takes away.

A rollout brings both log-probabilities in `measured["criteria_gain"] = (with criteria, without)`, by a frozen model
(`rollouts/measures/criteria.py`). Where they were not measured, or are no numbers, it is None.

Hacks: criteria that name the winner ("response A is right") make its letter likelier without being criteria. Such a
principle pays nothing (ours); what is measured should hold the criteria and nothing of the rationale. Open: a
criterion that describes one response without naming it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from adjudge.errors import ConfigError
from adjudge.training.rewards.base import Single
from adjudge.training.rollouts import Rollout
from adjudge.types import Verdict

MEASURED = "criteria_gain"
_NAMES_ONE = re.compile(r"\b(?i:response|answer|option|candidate|assistant|choice)\s*[\"'(\[*]*[A-H]\b|^\W*[A-H]\W*$")


@dataclass(frozen=True)
class CriteriaGain(Single):
    """From -clip to clip nats.

    Attributes:
        clip: The most that it pays or takes; ours.

    Raises:
        ConfigError: clip is not positive and finite.
    """

    name = "criteria_gain"
    clip: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.clip < math.inf:
            raise ConfigError("clip is a positive number of nats", key="clip", found=self.clip)

    @property
    def low(self) -> float:
        """-clip."""
        return -self.clip

    def of(self, rollout: Rollout) -> float | None:
        """The clipped gain; at most 0 where a principle names a response."""
        measured = rollout.measured.get(MEASURED, ())
        if len(measured) != 2:
            return None
        gain = measured[0] - measured[1]  # nats
        if math.isnan(gain):
            return None
        return max(-self.clip, min(0.0 if _names_a_response(rollout) else self.clip, gain))


def _names_a_response(rollout: Rollout) -> bool:
    if not isinstance(rollout.outcome, Verdict):
        return False
    texts = (text for one in rollout.outcome.principles for text in (one.name, one.description))
    return any(_NAMES_ONE.search(text) for text in texts)
