"""Pictures of a training run."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from adjudge.errors import MissingPackage
from adjudge.training.grpo.curves import Curve, curves_of, draw_curves
from adjudge.training.grpo.settings import REWARD_HACKING

HISTORY: list[dict[str, Any]] = [
    {
        "step": step,
        "epoch": step / 10,
        "loss": 0.1,
        "reward": step / 10,
        "rewards/verdict/mean": step / 20,
        "rewards/tool_use/mean": None if step == 2 else 0.5,
        "rewards/verdict/std": 0.1,
        "groups/all_wrong": 0.5,
        "groups/mixed": 0.5,
        "groups/all_right": 0.0,
        "groups/twice_the_maximum": 0.7,
        "confidence/mean": 0.6,
        "own_tokens/mean": 20.0,
        "tools/calls": 1.5,
        "entropy": 2.0,
    }
    for step in range(1, 31)
] + [{"step": 30, "eval_rewards/verdict/mean": 0.4, "held_out/accuracy": 0.6}]


def test_curves_are_the_numbers_of_a_log() -> None:
    found = {curve.name: curve for curve in curves_of(HISTORY[:3])}
    assert found["reward"] == Curve("reward", (1, 2, 3), (0.1, 0.2, 0.3))
    assert found["rewards/tool_use/mean"].steps == (1, 3)
    assert not {"step", "epoch"} & found.keys()


@pytest.mark.parametrize("value", [None, math.nan, "text", [1.0]])
def test_what_is_no_number_has_no_point(value: Any) -> None:
    assert curves_of([{"step": 1, "reward": value}]) == []


def test_what_is_logged_again_after_a_resume_counts_once() -> None:
    again = [{"step": 1, "reward": 0.1}, {"step": 2, "reward": 0.2}, {"step": 2, "reward": 0.3}]
    assert curves_of(again) == [Curve("reward", (1, 2), (0.1, 0.3))]


def test_a_picture_for_each_panel_and_one_of_all(tmp_path: Path) -> None:
    written = draw_curves(HISTORY, tmp_path / "new" / "curves")
    names = ["rewards", "held_out", "groups", "tools", "entropy", "length", "confidence", "loss", "all"]
    assert [path.stem for path in written] == names
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (
            ["reward", "rewards/verdict/mean", "rewards/verdict/std", "terms/tool_use"],
            ["reward", "verdict", "tool use"],
        ),
        (["rewards/verdict/mean", "terms/verdict"], ["verdict"]),  # the same, told twice
        (
            ["eval_rewards/verdict/mean", "eval_terms/tool_use", "held_out/accuracy"],
            ["verdict", "tool use", "accuracy"],
        ),
        (["groups/all_wrong", "groups/left_out", "groups/mixed"], ["all wrong", "mixed"]),
        (["tools/calls", "tools/bad_calls", "entropy_coef"], ["bad calls", "calls"]),
    ],
)
def test_a_panel_names_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], labels: list[str]
) -> None:
    drawn: list[list[str]] = []
    monkeypatch.setattr(Axes, "legend", lambda axes, **_: drawn.append(axes.get_legend_handles_labels()[1]))
    draw_curves([{"step": step, **dict.fromkeys(names, 0.5)} for step in (1, 2)], tmp_path)
    assert drawn == [labels, labels]  # alone, and in the picture of all


def test_only_what_was_logged_is_drawn(tmp_path: Path) -> None:
    written = draw_curves([{"step": 1, "entropy": 1.0}, {"step": 1, REWARD_HACKING: "why"}], tmp_path)
    assert [path.name for path in written] == ["entropy.png", "all.png"]


@pytest.mark.parametrize("history", [[], [{"step": 1, "grad_norm": 0.3}], [{"step": 1, "reward": None}]])
def test_nothing_to_show_writes_nothing(tmp_path: Path, history: list[dict[str, Any]]) -> None:
    assert draw_curves(history, tmp_path / "curves") == []
    assert not (tmp_path / "curves").exists()


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackage, match=r"adjudge\[train\]"):
        draw_curves(HISTORY, tmp_path)
