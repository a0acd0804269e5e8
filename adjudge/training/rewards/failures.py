"""What went wrong with a rollout: an outage tells nothing of the policy, a malformed reply is the policy's own doing.

    if not outage_of(rollout) and malformed_of(rollout): ...   # it pays the floor of `Mixed`

Nothing here depends on the clock: a judgement that ran out of seconds is an outage, since a busy machine may have
done it.
"""

from __future__ import annotations

from adjudge.training.rollouts import Rollout
from adjudge.types import Unscored


def outage_of(rollout: Rollout) -> str:
    """Why nothing can be said of the policy; empty where something can.

    The rollout's own `outage` decides. A case that cannot be judged, a failure of the model's server and the limit of
    seconds are outages even where whoever made the rollout did not say so.
    """
    if rollout.outage:
        return rollout.outage
    outcome = rollout.outcome
    if not isinstance(outcome, Unscored) or not (outcome.transient or _is_not_its_doing(rollout, outcome)):
        return ""
    return f"{outcome.reason}: {outcome.detail}"


def malformed_of(rollout: Rollout) -> str:
    """Why the policy's output is malformed; empty where it is well-formed, or where there was an outage.

    Malformed is: no verdict by the policy's own doing (unreadable, refused, a limit of calls or tokens), the opening of
    a tool call that cannot be read as one, or a reply that was cut off. Arguments that do not fit are not: such a call
    was read, and the model was told.
    """
    if outage_of(rollout):
        return ""
    if rollout.truncated:
        return "a reply was cut off"
    if rollout.broken_calls:
        return f"tool calls that cannot be read: {rollout.broken_calls}"
    if isinstance(rollout.outcome, Unscored):
        return f"no verdict ({rollout.outcome.reason}): {rollout.outcome.detail}"
    return ""


def _is_not_its_doing(rollout: Rollout, outcome: Unscored) -> bool:
    if outcome.reason == "bad_case":
        return True
    if rollout.truncated or rollout.broken_calls:  # it ran on, or the model in process could not read its call
        return False
    return outcome.reason == "model_failure" or (outcome.reason == "limit" and outcome.detail.startswith("seconds:"))
