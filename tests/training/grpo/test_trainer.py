"""The trainer with a real policy: what has a gradient, what is logged, what survives an interruption."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from pyarrow.parquet import read_table
from transformers import TrainerCallback
from trl import GRPOTrainer

from adjudge.errors import ConfigError
from adjudge.training.grpo.monitor import HackingMonitor
from adjudge.training.grpo.settings import REWARD_HACKING, Arm, GroupSettings, MonitorSettings
from tests.training.grpo.tiny import GENERATIONS, OWN, Sampled, always, logged, model, trainer, verdict, weights

ROOT = Path(__file__).parent.parent.parent.parent
# TRL 1.16 asks transformers by a name that it is about to lose
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def trained(folder: Path, *args: Any, **options: Any) -> Any:
    made = trainer(folder, *args, **options)
    made.train()
    return made


@pytest.mark.parametrize(
    ("right", "arm", "moves"),
    [
        (1.0, "negative_groups", False),
        (1.0, "grpo", False),
        (1.0, "uniform_penalty", False),
        (0.0, "negative_groups", True),
        (0.0, "negative_only", True),
        (0.0, "shuffled_confidence", True),
        (0.0, "uniform_penalty", True),
        (0.0, "grpo", False),
        (0.0, "mixed_only", False),
        (None, "negative_groups", False),
    ],
)
def test_what_a_group_of_one_kind_teaches(tmp_path: Path, right: float | None, arm: Arm, moves: bool) -> None:
    found = trained(tmp_path, always(right), groups=GroupSettings(arm=arm))
    assert all((norm > 0) == moves for norm in logged(found, "grad_norm"))
    assert weights(found).isfinite().all()
    assert weights(found).equal(weights(trainer(tmp_path, verdict))) != moves


def bonus(prompts: Sequence[Any], **_: Any) -> list[float | None]:
    """Another reward term, which differs within groups and between them."""
    return [0.1 * (place % 3) + 0.01 * place for place in range(len(prompts))]


def test_the_arm_grpo_trains_as_trl_does(tmp_path: Path) -> None:
    options: dict[str, Any] = {"reward_weights": [2.0, 0.5]}
    ours = trained(tmp_path, [verdict, bonus], groups=GroupSettings(arm="grpo"), **options)
    with pytest.warns(UserWarning, match="rollout_func"):
        theirs = trainer(tmp_path, [verdict, bonus], kind=GRPOTrainer, **options)
    theirs.train()
    assert torch.allclose(weights(ours), weights(theirs), atol=1e-5)
    assert not weights(ours).equal(weights(trainer(tmp_path, verdict)))


@pytest.mark.parametrize("arm", ["negative_groups", "grpo"])
def test_log_probabilities_of_the_rollouts_serve_as_well_as_our_own(tmp_path: Path, arm: Arm) -> None:
    groups = GroupSettings(arm=arm)
    handed = trained(tmp_path, verdict, Sampled(log_probs=True), groups=groups)
    computed = trained(tmp_path, verdict, groups=groups)
    assert torch.allclose(weights(handed), weights(computed), atol=1e-5)
    assert all(0 < each < 1 for each in logged(handed, "confidence/mean"))
    if arm == "grpo":  # it has no use for confidence, so none is computed
        assert not logged(computed, "confidence/mean")
    else:
        assert logged(handed, "confidence/mean") == pytest.approx(logged(computed, "confidence/mean"), rel=1e-4)


def test_log_probabilities_that_are_handed_on_are_believed(tmp_path: Path) -> None:
    class Sure(Sampled):
        def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
            found = super().__call__(prompts, trainer)
            return {**found, "logprobs": [[math.log(0.5)] * len(ids) for ids in found["completion_ids"]]}

    found = trained(tmp_path, always(0.0), Sure())
    assert logged(found, "confidence/mean") == pytest.approx([0.5, 0.5])
    assert logged(found, "grad_norm") == [0.0, 0.0]  # all as confident, so none is worse than another


@pytest.mark.parametrize("own", [False, True])
def test_tokens_of_a_tool_are_not_trained(tmp_path: Path, own: bool) -> None:
    one, other = (trained(tmp_path, verdict, Sampled(tool=tool, at_end=True, own=own)) for tool in ((20, 21), (22, 23)))
    assert weights(one).equal(weights(other)) != own
    assert (logged(one, "confidence/mean") == logged(other, "confidence/mean")) != own
    assert logged(one, "own_tokens/mean") == [OWN + 2 * own] * 2


def halves(prompts: Sequence[Any], **_: Any) -> list[float | None]:
    """The first group all wrong, but for an outage; the second all right."""
    return [None, *[0.0] * (GENERATIONS - 1), *[1.0] * GENERATIONS]


class Heard(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """What tensorboard or trackio are told."""

    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        self.logs.append(dict(logs))


def test_what_is_logged_reaches_those_who_listen(tmp_path: Path) -> None:
    heard = Heard()
    halves.__name__ = "right"
    trained(tmp_path, [bonus, halves], groups=GroupSettings(verdict="right"), callbacks=[heard])
    step = heard.logs[0]
    expected = {
        "groups/all_wrong": 0.5,
        "groups/all_right": 0.5,
        "groups/mixed": 0.0,
        "groups/left_out": 1 / 8,
        "groups/twice_the_maximum": 1.0,
        "own_tokens/mean": OWN,
        "rewards/right/mean": 4 / 7,
    }
    assert {name: step[name] for name in expected} == pytest.approx(expected)
    assert step["rewards/bonus/mean"] > 0
    assert 0 < step["confidence/mean"] < 1
    assert 0 < step["advantages/seconds"] < 60
    assert all(isinstance(step[name], float) for name in step if name.startswith(("groups/", "rewards/")))


def test_evaluations_log_the_same_apart(tmp_path: Path) -> None:
    made = trainer(tmp_path, verdict, evaluated=True, per_device_eval_batch_size=GENERATIONS)
    found = made.evaluate()
    assert not found or "eval_loss" in found
    [entry] = made.state.log_history
    assert entry["eval_groups/mixed"] + entry["eval_groups/all_wrong"] + entry["eval_groups/all_right"] == 1
    assert "eval_confidence/mean" in entry


def test_the_table_of_completions_shows_the_advantages_that_are_trained(tmp_path: Path) -> None:
    trained(tmp_path, always(0.0), groups=GroupSettings(arm="uniform_penalty"), log_completions=True, max_steps=1)
    table = read_table(tmp_path / "completions" / "completions_00001.parquet")
    assert table["advantage"].to_pylist() == pytest.approx([-0.25 / GENERATIONS] * 8)


@pytest.mark.parametrize("log_probs", [False, True])
@pytest.mark.parametrize("empty", [(0, 5), tuple(range(8))])
def test_rollouts_in_which_nothing_was_sampled_are_left_out(
    tmp_path: Path, empty: tuple[int, ...], log_probs: bool
) -> None:
    found = trained(tmp_path, verdict, Sampled(empty=empty, log_probs=log_probs))
    assert logged(found, "groups/left_out") == [len(empty) / 8] * 2
    assert weights(found).isfinite().all()
    assert weights(found).equal(weights(trainer(tmp_path, verdict))) == (len(empty) == 8)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_iterations": 2},  # the policy has changed since it sampled
        {"gradient_accumulation_steps": 2, "per_device_train_batch_size": GENERATIONS},
        {"steps_per_generation": 2, "per_device_train_batch_size": GENERATIONS},
        {"mask_truncated_completions": True},  # most rollouts here are cut off
    ],
)
def test_other_ways_to_batch(tmp_path: Path, settings: dict[str, Any]) -> None:
    found = trained(tmp_path, verdict, max_steps=4, **settings)
    assert weights(found).isfinite().all()
    assert any(norm > 0 for norm in logged(found, "grad_norm"))
    assert all(tokens <= OWN for tokens in logged(found, "own_tokens/mean"))


def test_an_adapter_is_trained(tmp_path: Path) -> None:
    policy = get_peft_model(model(), LoraConfig(r=4, target_modules="all-linear", exclude_modules="lm_head"))
    found = trained(tmp_path, always(0.0), policy=policy)
    assert all(norm > 0 for norm in logged(found, "grad_norm"))


def test_the_policy_learns_what_is_right(tmp_path: Path) -> None:
    found = trained(tmp_path, verdict, max_steps=20, learning_rate=3e-3)
    rewards = logged(found, "rewards/verdict/mean")
    assert sum(rewards[-5:]) / 5 > max(0.9, sum(rewards[:5]) / 5)


def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2}
    groups = GroupSettings(arm="shuffled_confidence")  # its dice must fall alike too
    whole = trained(tmp_path / "whole", verdict, groups=groups, **options)
    resumed = trainer(tmp_path / "again", verdict, groups=groups, policy=model(seed=5), **options)
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-2"))
    assert torch.allclose(weights(resumed), weights(whole), atol=1e-6)
    assert logged(resumed, "groups/mixed") == logged(whole, "groups/mixed")
    assert [entry["step"] for entry in resumed.state.log_history if "grad_norm" in entry] == [1, 2, 3, 4]


class HeldOut(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """A held-out accuracy that falls from 0.9 to 0.1."""

    def __init__(self) -> None:
        self.trainer: Any = None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.log({"held_out/accuracy": 0.9 if state.global_step < 3 else 0.1})


def test_the_monitor_stops_a_run(tmp_path: Path) -> None:
    def rising(prompts: Sequence[Any], trainer_state: Any, **_: Any) -> list[float | None]:
        return [float(trainer_state.global_step)] * len(prompts)

    held_out = HeldOut()
    monitor = HackingMonitor(MonitorSettings(cases=100, accuracy="held_out/accuracy", patience=2))
    made = trainer(tmp_path, [verdict, rising], callbacks=[held_out, monitor], max_steps=50)
    held_out.trainer = made
    made.train()
    assert made.state.global_step == 4
    [why] = [entry for entry in made.state.log_history if REWARD_HACKING in entry]
    assert "fell from 0.900 at step 2 to 0.100" in why[REWARD_HACKING]


@pytest.mark.parametrize(
    ("rewards", "settings", "told"),
    [
        ([always(1.0, "judge")], {}, "verdict: exactly one .*found 'verdict'; allowed: judge"),
        ([verdict, always(1.0)], {}, "exactly one"),
        ([verdict], {"scale_rewards": "none"}, "scale_rewards.*normalised by group.*allowed: group"),
        ([verdict], {"multi_objective_aggregation": "normalize_then_sum"}, "sum_then_normalize"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(
    tmp_path: Path, rewards: list[Any], settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        trainer(tmp_path, rewards, **settings)


PROGRAM = """
import sys
from pathlib import Path
import torch
from tests.training.grpo.tiny import Sampled, logged, trainer, verdict, weights
made = trainer(Path(sys.argv[1]), verdict, per_device_train_batch_size=2)
made.train()
own = made._buffered_inputs[0]["advantages"].sort().values
torch.save((weights(made), logged(made, "groups/mixed"), list(made._logs["advantages"]), own), sys.argv[2])
"""


@pytest.mark.slow
def test_groups_that_are_spread_over_processes_are_still_groups(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "true"}
    shared |= {"HF_HUB_DISABLE_TELEMETRY": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), str(tmp_path / f"{rank}.pt")],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    told = [each.communicate(timeout=200)[1].decode() for each in running]
    assert [each.returncode for each in running] == [0, 0], told
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in range(2))
    assert one[0].equal(other[0])
    assert one[1:3] == other[1:3]
    advantages = torch.tensor(one[2])  # of both: two rows of each are one group
    assert advantages.shape == (GENERATIONS,)
    assert advantages.min() < advantages.max()
    for rank, found in enumerate((one, other)):
        assert torch.allclose(found[3], advantages[2 * rank : 2 * rank + 2].sort().values)
