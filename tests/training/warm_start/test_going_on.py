"""A run that was cut off goes on as if it had not been."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import TrainerCallback

from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.sft import WarmStart, example, train_on
from tests.training.rollouts.small import model, tokenizer

ROWS = [Row((5, 6, 7), (8 + number, 9, 20 + number), (0.0,) * 3, (1, 0, 1)) for number in range(8)]
SETTINGS = WarmStart(steps=6, batch=4, at_once=2, learning_rate=1e-2, warmup=1, save_every=3)


class Cut(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Ends the run after its first checkpoint, as a crash would."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        control.should_training_stop = True
        return control


def policy(dtype: torch.dtype) -> Any:
    plain = model(len(tokenizer())).to(dtype)
    torch.manual_seed(0)
    settings = LoraConfig(r=4, target_modules=["q_proj", "v_proj"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft reads what transformers has deprecated
        return get_peft_model(plain, settings, autocast_adapter_dtype=False)


def weights(trained: Any) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in trained.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_lora_goes_on_from_a_checkpoint_to_the_same_weights(dtype: torch.dtype, tmp_path: Path) -> None:
    """Transformers would put float32 weights in, of which the optimizer knows nothing: nothing more would be learnt."""
    examples = list(map(example, ROWS))
    at_once = policy(dtype)
    train_on(examples, at_once, tokenizer(), SETTINGS, tmp_path / "at-once")
    cut, resumed = policy(dtype), policy(dtype)
    train_on(examples, cut, tokenizer(), SETTINGS, tmp_path / "cut", [Cut()])
    train_on(examples, resumed, tokenizer(), SETTINGS, tmp_path / "cut")
    wanted, half, found = weights(at_once), weights(cut), weights(resumed)
    assert all(weight.dtype == dtype for weight in found.values())
    assert all(torch.equal(weight, wanted[name]) for name, weight in found.items())
    assert any(not torch.equal(weight, half[name]) for name, weight in found.items())


def test_examples_of_a_step_weigh_alike_however_many_are_read_at_once(tmp_path: Path) -> None:
    examples = list(map(example, [*ROWS[:3], Row((5, 6) * 12, (8, 9, 21), (0.0,) * 3, (1, 0, 1))]))
    found = []
    for at_once in (1, 2, 4):
        trained = policy(torch.float32)
        settings = WarmStart(steps=1, batch=4, at_once=at_once, learning_rate=1e-2, warmup=0, save_every=3)
        train_on(examples, trained, tokenizer(), settings, tmp_path / str(at_once))
        found.append(weights(trained))
    assert all(torch.allclose(weight, one[name], atol=1e-4) for one in found for name, weight in found[0].items())
