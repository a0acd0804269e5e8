"""What a recipe can name: built from its settings, picklable, silent about outages; mistakes are told in place."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.training.rewards import BUILT, LengthControl, MactAgents, Mixed, ToolUse, VerdictReward, build, settings_of
from adjudge.training.rollouts import Rollout

DOCS = Path(__file__).parents[3] / "docs" / "training-rewards.md"


def test_a_recipe_becomes_rewards_with_weights() -> None:
    settings: dict[str, dict[str, object]] = {
        "verdict": {"weight": 1.0},
        "tool_use": {"weight": 0.3, "gated": False},
        "length": {"weight": 1, "budget": 200},
        "mact_agents": {"agents": ["planning"]},
    }
    rewards = (VerdictReward(), ToolUse(gated=False), LengthControl(budget=200), MactAgents(("planning",)))
    assert build(settings) == Mixed(rewards, (1.0, 0.3, 1.0, 1.0))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "rewards: at least one reward is needed"),
        (None, "rewards: at least one reward is needed"),
        ({"verdct": {}}, "rewards.verdct: there is no such reward"),
        ({"verdct": {}}, "did you mean 'verdict'?"),
        (
            {"verdict": 1.0},
            "rewards.verdict: the settings of a reward are a mapping; found 1.0; verdict: {weight: 1.0}",
        ),
        ({"verdict": None}, "rewards.verdict: the settings of a reward are a mapping"),
        ({"tool_use": {"gate": True}}, "rewards.tool_use.gate: this reward has no such setting"),
        ({"tool_use": {"gate": True}}, "did you mean 'gated'?"),
        ({"tool_use": {"gated": "yes"}}, "rewards.tool_use.gated: this setting should be a valid boolean; found 'yes'"),
        ({"tool_use": {"gated": 1}}, "rewards.tool_use.gated"),
        ({"length": {"budget": 1.5}}, "rewards.length.budget: this setting should be a valid integer"),
        ({"length": {"budget": -3}}, "rewards.length.budget: a budget is 0 or more tokens; found -3"),
        ({"verdict": {"weight": -1}}, "rewards.verdict.weight: a weight lies from 0"),
        ({"verdict": {"weight": "1"}}, "rewards.verdict.weight: this setting should be a valid number"),
        ({"verdict": {"weight": None}}, "rewards.verdict.weight"),
        ({"verdict": {"weight": float("nan")}}, "rewards.verdict.weight"),
        ({"mact_global": {"by": "lable"}}, "did you mean 'label'?"),
        ({"mact_agents": {"agents": ["planing"]}}, "rewards.mact_agents.agents"),
        ({"mact_agents": {"agents": []}}, "rewards.mact_agents.agents: agents is a list of agents"),
        ({"verdict": {"tolerance": object()}}, "rewards.verdict.tolerance"),
    ],
)
def test_a_mistake_is_told_where_it_stands(settings: Any, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        build(settings)
    assert says in str(refused.value)


@pytest.mark.parametrize("name", BUILT)
def test_each_reward_bears_its_name_is_frozen_and_can_be_pickled(name: str, attempt: Callable[..., Rollout]) -> None:
    reward: Any = BUILT[name]()
    assert reward.name == name
    again = pickle.loads(pickle.dumps(reward))
    batch = [attempt(), attempt(truncated=True)]
    assert again == reward
    assert again(pickle.loads(pickle.dumps(batch))) == reward(batch)
    for each in fields(reward):
        with pytest.raises(FrozenInstanceError):
            setattr(reward, each.name, None)


@pytest.mark.parametrize("name", BUILT)
def test_an_outage_is_none_for_each_reward(name: str, attempt: Callable[..., Rollout]) -> None:
    assert BUILT[name]()([attempt(outage="the server was gone")]) == [None]


def test_all_of_them_together_can_be_pickled() -> None:
    mixed = build({name: {"weight": 0.5} for name in BUILT})
    assert pickle.loads(pickle.dumps(mixed)) == mixed


@pytest.mark.parametrize("name", BUILT)
def test_the_docs_have_a_row_for_each_reward_with_all_its_settings(name: str) -> None:
    row = next(line for line in DOCS.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`"))
    assert all(f"`{setting}`" in row for setting in settings_of(name))


def test_rewards_load_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'trl', 'peft', 'datasets'}"
    program = f"import sys, adjudge.training.rewards; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
