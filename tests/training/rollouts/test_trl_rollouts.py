"""TRL trains through the judge's own graph."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import GRPOConfig

from adjudge.errors import ModelError
from adjudge.training.grpo.settings import GroupSettings
from adjudge.training.grpo.trainer import JudgeGRPOTrainer
from adjudge.training.rewards import build
from adjudge.training.rollouts.trl import GONE, Rollouts, reward_functions
from tests.training.rollouts.small import case, model, plan, tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def trainer(folder: Path, steps: int = 2, **settings: Any) -> JudgeGRPOTrainer:
    tokens = tokenizer()
    cases = {name: case(name, right) for name, right in (("one", "A"), ("two", "B"))}
    verdict, rest = reward_functions(build({"verdict": {}, "tool_use": {"weight": 0.3, "must_cite": False}}))
    verdict.__name__, rest.__name__ = "verdict", "rest"
    config = GRPOConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=4,
        per_device_eval_batch_size=2,
        num_generations=4,
        num_generations_eval=1,
        max_completion_length=None,
        learning_rate=1e-2,
        reward_weights=[1.0, 1.0],
        logging_steps=1,
        save_strategy="no",
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        **settings,
    )
    made = JudgeGRPOTrainer(
        model(len(tokens)),
        [verdict, rest],
        config,
        Dataset.from_list([{"prompt": name} for name in cases]),
        eval_dataset=Dataset.from_list([{"prompt": name} for name in cases]),
        processing_class=tokens,
        rollout_func=Rollouts(plan(tokens, max_tokens=12), cases, tokens),
        groups=GroupSettings(arm="uniform_penalty"),
    )
    made.remove_callback(PrinterCallback)
    return made


def test_a_random_policy_is_trained_through_the_graph_and_each_term_is_logged(tmp_path: Path) -> None:
    training = trainer(tmp_path)
    before = [weight.detach().clone() for weight in training.model.parameters()]
    training.train()
    moved = [not torch.equal(old, new) for old, new in zip(before, training.model.parameters(), strict=True)]
    assert any(moved)
    logged = {name for entry in training.state.log_history for name in entry}
    assert {"terms/verdict", "terms/tool_use", "tools/calls", "malformed", "outages", "groups/all_wrong"} <= logged


def test_held_out_cases_are_judged_once_each_without_sampling(tmp_path: Path) -> None:
    training = trainer(tmp_path)
    first, second = training.evaluate(), training.evaluate()
    assert first["eval_rewards/verdict/mean"] == second["eval_rewards/verdict/mean"]


def test_the_model_is_left_in_the_mode_in_which_it_was_found(tmp_path: Path) -> None:
    training = trainer(tmp_path, steps=1)
    training.train()
    assert training.model.training


def test_a_run_of_nothing_but_outages_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Down:
        async def complete(self, *_: Any, **__: Any) -> Any:
            raise ModelError("the server is down", kind="unavailable")

    monkeypatch.setattr("adjudge.training.rollouts.trl.tokens_of", lambda _: nullcontext(Down()))
    rollouts = Rollouts(plan(tokenizer()), {"one": case("one")}, tokenizer())
    training = SimpleNamespace(
        model=SimpleNamespace(training=True),
        state=SimpleNamespace(global_step=0),
        accelerator=SimpleNamespace(process_index=0),
    )
    for _ in range(GONE - 1):
        assert rollouts(["one", "one"], training)["rollout"][0].outage
    with pytest.raises(ModelError, match=r"all outages; the latest: .*the server is down"):
        rollouts(["one", "one"], training)
