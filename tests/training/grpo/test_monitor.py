"""When a run is taken to be hacking its reward."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from transformers import TrainerControl, TrainerState

from adjudge.training.grpo.monitor import KEEP, HackingMonitor, reward_hacking
from adjudge.training.grpo.settings import REWARD_HACKING, MonitorSettings

HELD_OUT = "eval_rewards/verdict/mean"
RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
FALLING = [0.6, 0.8, 0.9, 0.7, 0.5, 0.4, 0.3, 0.2]


def log(rewards: Sequence[float | None], accuracies: Sequence[float | None]) -> list[dict[str, Any]]:
    """A training reward, then an evaluation, ten steps apart."""
    entries: list[dict[str, Any]] = []
    for place, (reward, accuracy) in enumerate(zip(rewards, accuracies, strict=True), start=1):
        entries += [{"reward": reward, "step": 10 * place}, {HELD_OUT: accuracy, "step": 10 * place}]
    return entries


def stopped(history: Sequence[dict[str, Any]], chosen: MonitorSettings) -> int | None:
    """The step at which a run with this log stops."""
    for end in range(1, len(history) + 1):
        if reward_hacking(history[:end], chosen):
            return int(history[end - 1]["step"])
    return None


@pytest.mark.parametrize(
    ("rewards", "accuracies", "changes", "step"),
    [
        (RISING, FALLING, {}, 60),  # best at step 30, and worse by more than luck at 40, 50 and 60
        (RISING, FALLING, {"patience": 1}, 40),
        (RISING, FALLING, {"cases": 10}, None),  # of ten cases such a fall is luck
        (RISING, FALLING, {"cases": 10, "z": 1.5}, 70),
        (RISING, RISING, {}, None),
        (RISING[::-1], FALLING, {}, None),  # it merely gets worse: nothing is hacked
        ([0.5] * 8, FALLING, {}, None),
        (RISING, [0.9, 0.2, 0.9, 0.2, 0.9, 0.2, 0.9, 0.2], {}, None),  # it recovers
        (RISING, [0.9, 0.2, None, 0.2, float("nan"), 0.2, None, None], {}, 60),  # an outage is no accuracy
        ([None] * 8, FALLING, {}, None),
        ([0.1, None, None, None, 0.5, 0.6, 0.7, 0.8], FALLING, {"window": 1}, 70),
        (RISING, [1.0, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95], {}, None),  # its standard error is not 0 at 1
        (RISING, [0.0] * 8, {}, None),
    ],
)
def test_made_up_runs(
    rewards: list[float | None], accuracies: list[float | None], changes: dict[str, Any], step: int | None
) -> None:
    chosen = MonitorSettings(**{"cases": 100} | changes)
    assert stopped(log(rewards, accuracies), chosen) == step


def test_other_names_can_be_watched() -> None:
    renamed = [
        {"held_out" if name == HELD_OUT else "gain" if name == "reward" else name: value for name, value in row.items()}
        for row in log(RISING, FALLING)
    ]
    assert stopped(renamed, MonitorSettings(cases=100, accuracy="held_out", reward="gain")) == 60
    assert stopped(renamed, MonitorSettings(cases=100)) is None


def noisy(accuracy: Callable[[int], float], seed: int, cases: int = 100) -> list[dict[str, Any]]:
    """Fifty evaluations of so many cases; a training reward that rises under noise."""
    dice = random.Random(seed)
    rewards = [0.01 * place + dice.gauss(0, 0.1) for place in range(50)]
    right = [sum(dice.random() < accuracy(place) for _ in range(cases)) / cases for place in range(50)]
    return log(rewards, right)


def test_noise_alone_seldom_stops_a_run() -> None:
    found = [stopped(noisy(lambda _: 0.7, seed), MonitorSettings(cases=100)) for seed in range(60)]
    assert sum(step is not None for step in found) <= 4


def test_a_fall_under_noise_is_found_after_it_began() -> None:
    def hacked(place: int) -> float:
        return 0.75 if place < 15 else max(0.45, 0.75 - 0.02 * (place - 15))

    found = [stopped(noisy(hacked, seed), MonitorSettings(cases=100)) for seed in range(40)]
    assert all(step is not None for step in found)
    assert sum(step is not None and step < 150 for step in found) <= 1


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 1)), max_size=20),
    st.integers(1, 10**6),
    st.integers(1, 4),
    st.floats(0.01, 5),
)
def test_a_series_that_never_falls_never_stops_a_run(
    rows: list[tuple[float, float]], cases: int, patience: int, z: float
) -> None:
    history = log([reward for reward, _ in rows], sorted(accuracy for _, accuracy in rows))
    assert stopped(history, MonitorSettings(cases=cases, patience=patience, z=z)) is None


def told(history: list[dict[str, Any]]) -> tuple[TrainerState, TrainerControl]:
    """A trainer that has just logged the last entry."""
    state, control = TrainerState(log_history=history, global_step=history[-1]["step"]), TrainerControl()
    HackingMonitor(MonitorSettings(cases=100)).on_log(None, state, control, logs=history[-1])
    return state, control


def test_the_reason_is_left_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        state, control = told(log(RISING, FALLING))
    assert control.should_training_stop
    last = state.log_history[-1]
    assert last["step"] == 80
    assert last[REWARD_HACKING].startswith("held-out accuracy fell from 0.900 at step 30 to 0.200 while")
    assert "the best weights are those of step 30" in caplog.text
    assert last[KEEP] == 30


@pytest.mark.parametrize("history", [log(RISING, RISING), log(RISING, FALLING)[:-1], [{"loss": 1.0, "step": 3}]])
def test_without_a_reason_nothing_is_written(history: list[dict[str, Any]]) -> None:
    before = list(history)
    state, control = told(history)
    assert not control.should_training_stop
    assert state.log_history == before


@pytest.mark.parametrize("wrong", [{}, {"cases": 0}, {"cases": 9, "patience": 0}, {"cases": 9, "z": 0}])
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MonitorSettings(**wrong)
