"""The policy: a random Llama of 64 dimensions that writes letters, trained by TRL's `GRPOTrainer`."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from datasets import Dataset, disable_progress_bars
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from adjudge.judge.reward_function import RewardFunction
from adjudge.judge.rewarding import Rewarded

disable_progress_bars()

LETTERS = "abcdefghijklmnopqrstuvwxyz "
PROMPTS = ("write the letter a", "spell a word", "say something", "which letter is it")
LENGTH = 16  # tokens of a completion
GENERATIONS = 8  # completions of a prompt
BATCH = 16  # completions of a step


class Step(NamedTuple):
    """One step of training."""

    step: int
    rewards: list[float | None]
    reasons: list[str]
    logged: float | None  # mean reward as TRL logs it; None: it logs nan
    grad_norm: float
    seconds: float
    reward_seconds: float  # of which the reward function took


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a letter."""
    vocabulary = {token: place for place, token in enumerate(["<pad>", "<eos>", "<unk>", *LETTERS])}
    letters = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    letters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    letters.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=letters, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def model(seed: int) -> LlamaForCausalLM:
    """Random weights."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(LETTERS) + 3,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
    )
    return LlamaForCausalLM(config)


class _Heard:
    """A reward function that remembers what it said."""

    def __init__(self, reward: RewardFunction, judging: Callable[[int], None]) -> None:
        self._reward = reward
        self._judging = judging
        self.__name__ = "judge"
        self.batches: list[list[Rewarded]] = []
        self.seconds: list[float] = []

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], completion_ids: Any = None, **columns: Any
    ) -> list[float | None]:
        began = time.monotonic()
        self._judging(len(self.batches))
        found = self._reward.explained(prompts, completions, completion_ids, **columns)
        self.seconds.append(time.monotonic() - began)
        self.batches.append(found)
        return [item.reward for item in found]


class _Clock(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ends.append(time.monotonic())


def train(reward: RewardFunction, steps: int, judging: Callable[[int], None] = lambda _: None) -> list[Step]:
    """Train, and tell each step.

    Args:
        reward: The judge.
        steps: How many.
        judging: Called with the number of each step, from 0, as its rewards are asked for.
    """
    heard, clock = _Heard(reward, judging), _Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            num_generations=GENERATIONS,
            max_completion_length=LENGTH,
            learning_rate=1e-3,
            lr_scheduler_type="constant",
            beta=0.0,
            dataloader_pin_memory=False,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=0,
        )
        rows = Dataset.from_list([{"prompt": prompt} for prompt in PROMPTS] * 8)
        trainer = GRPOTrainer(
            model(0),
            reward_funcs=heard,
            args=config,
            train_dataset=rows,
            processing_class=tokenizer(),
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        began = time.monotonic()
        trainer.train()
        reward.close()
    logged = [entry for entry in trainer.state.log_history if "grad_norm" in entry]
    lasted = [end - start for start, end in zip([began, *clock.ends], clock.ends, strict=False)]
    return [
        Step(
            number,
            [item.reward for item in batch],
            [item.reason for item in batch],
            _number(entry["rewards/judge/mean"]),
            float(entry["grad_norm"]),
            seconds,
            waited,
        )
        for number, (batch, entry, seconds, waited) in enumerate(
            zip(heard.batches, logged, lasted, heard.seconds, strict=True)
        )
    ]


def _number(value: float | None) -> float | None:
    """TRL logs nan where there is no reward, which its log keeps as None."""
    return None if value is None or math.isnan(value) else value
