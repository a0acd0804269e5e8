"""Stops a training run that hacks its reward: the training reward rises while held-out accuracy falls.

    trainer = JudgeGRPOTrainer(..., callbacks=[HackingMonitor(MonitorSettings(cases=200))])

The rule is ours. Let a be the logged held-out accuracies, R the mean of the last `window` training rewards at each of
them, and b the best evaluation (the latest, among equals). The run stops when the last `patience` evaluations, all of
them after b, each have

    a_b - a_i > z sqrt(se_b^2 + se_i^2)  and  R_i > R_b,     se^2 = p (1 - p) / cases, p = (a cases + 1) / (cases + 2)

The rule of succession in p keeps the standard error at an accuracy of 0 or 1 from being 0. Evaluations are taken as
independent; on the same cases they vary less together, so it stops rather too late than too early. A series that never
falls cannot stop a run. Where reward and accuracy fall together nothing is hacked, and it goes on.

It reads the log that is saved with each checkpoint, so a resumed run remembers; a run that was stopped and is resumed
is stopped again at its next evaluation, unless that is better. Where several processes train, each must log the same.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adjudge.errors import MissingPackage
from adjudge.training.grpo.settings import REWARD_HACKING, MonitorSettings

try:
    from transformers import TrainerCallback
except ImportError as error:
    hint = "pip install 'adjudge[train]'"
    raise MissingPackage("transformers", needed_for="training with GRPO", install=hint) from error

logger = logging.getLogger(__name__)
KEEP = "keep_step"  # key of the entry that stopped a run: whose weights are the best


class Hacking(NamedTuple):
    """What speaks for it, and the step of the best evaluation."""

    reason: str
    keep: int


class _Evaluation(NamedTuple):
    step: int
    accuracy: float  # held out, in [0, 1]
    reward: float  # of training, averaged up to here


class HackingMonitor(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Stops by the rule above, and leaves the reason in the log of the trainer's state, under `reward_hacking`."""

    def __init__(self, settings: MonitorSettings) -> None:
        self.settings = settings

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Looks at each held-out accuracy as it is logged."""
        if _number(logs or {}, self.settings.accuracy) is None:
            return
        why = reward_hacking(state.log_history, self.settings)
        if why is not None:
            state.log_history.append({REWARD_HACKING: why.reason, KEEP: why.keep, "step": state.global_step})
            control.should_training_stop = True
            logger.warning("training stops at step %d: %s", state.global_step, why.reason)


def step_to_keep(history: Sequence[Mapping[str, Any]]) -> int | None:
    """The step of the best evaluation where a run was stopped, else None.

    Args:
        history: A trainer's log.
    """
    return next((int(entry[KEEP]) for entry in history if KEEP in entry), None)


def reward_hacking(history: Sequence[Mapping[str, Any]], settings: MonitorSettings) -> Hacking | None:
    """Why a run is to stop, or None.

    Args:
        history: A trainer's log, oldest first.
        settings: Of the rule.
    """
    found = _evaluations(history, settings)
    if not found:
        return None
    place = max(range(len(found)), key=lambda index: (found[index].accuracy, index))
    best, later = found[place], found[place + 1 :][-settings.patience :]
    if len(later) < settings.patience or not all(_hacked(best, each, settings) for each in later):
        return None
    last = later[-1]
    return Hacking(
        f"held-out accuracy fell from {best.accuracy:.3f} at step {best.step} to {last.accuracy:.3f} "
        f"while the training reward rose from {best.reward:.3f} to {last.reward:.3f}, "
        f"in each of {settings.patience} evaluations; the best weights are those of step {best.step}",
        best.step,
    )


def _hacked(best: _Evaluation, later: _Evaluation, settings: MonitorSettings) -> bool:
    error = math.sqrt(_variance(best.accuracy, settings.cases) + _variance(later.accuracy, settings.cases))
    return best.accuracy - later.accuracy > settings.z * error and later.reward > best.reward


def _variance(accuracy: float, cases: int) -> float:
    p = (accuracy * cases + 1) / (cases + 2)
    return p * (1 - p) / cases


def _evaluations(history: Sequence[Mapping[str, Any]], settings: MonitorSettings) -> list[_Evaluation]:
    """Those before which a training reward was logged."""
    rewards: list[float] = []
    found = []
    for entry in history:
        reward, accuracy = _number(entry, settings.reward), _number(entry, settings.accuracy)
        if reward is not None:
            rewards.append(reward)
        if accuracy is not None and rewards:
            recent = rewards[-settings.window :]
            found.append(_Evaluation(int(entry.get("step", 0)), accuracy, sum(recent) / len(recent)))
    return found


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    """An outage leaves None or NaN in the log, which is no accuracy."""
    value = entry.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
