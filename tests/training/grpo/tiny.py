"""A policy of 64 dimensions that judges at random with a tool between its two turns, and a trainer for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, PrinterCallback
from trl import GRPOConfig

from adjudge.training.grpo.settings import GroupSettings
from adjudge.training.grpo.trainer import JudgeGRPOTrainer
from adjudge.training.rollouts.rollout import Called, Rollout
from adjudge.types import Case, Response, Verdict

PROMPTS = ("w3 w4", "w5 w6 w7", "w8", "w9 w10")
GENERATIONS = 4
OWN = 6  # tokens that the policy writes: three before the tool's and three after
TOOL = (20, 21)  # tokens of the tool
Reward = Callable[..., list[float | None]]
Row = tuple[list[int], list[int], list[float]]  # tokens, mask, log-probabilities


def tokenizer() -> PreTrainedTokenizerFast:
    """A token a word."""
    vocabulary = {"<pad>": 0, "<eos>": 1, "<unk>": 2} | {f"w{place}": place for place in range(3, 24)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def model(seed: int = 0) -> LlamaForCausalLM:
    """Random weights."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=24,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        initializer_range=0.2,  # so that some answers are surer than others
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
    )
    return LlamaForCausalLM(config)


@dataclass(frozen=True)
class Sampled:
    """Rollouts of the policy: three tokens, what a tool said, three tokens.

    Attributes:
        tool: What it said.
        at_end: Whether it speaks last, and not between the turns.
        own: Whether its tokens count as the policy's.
        log_probs: Whether those of the samples are handed on.
        empty: Rows in which nothing was sampled.
    """

    tool: tuple[int, ...] = TOOL
    at_end: bool = False
    own: bool = False
    log_probs: bool = False
    empty: tuple[int, ...] = ()

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        dice = torch.Generator().manual_seed(1000 + trainer.state.global_step + 100 * trainer.accelerator.process_index)
        prompt_ids = trainer.processing_class(prompts)["input_ids"]
        rows = [
            row for ids, same in groupby(prompt_ids) for row in self._group(trainer.model, ids, len(list(same)), dice)
        ]
        rows = [([], [], []) if place in self.empty else row for place, row in enumerate(rows)]
        completions, masks, log_probs = (list(each) for each in zip(*rows, strict=True))
        return {
            "prompt_ids": prompt_ids,
            "completion_ids": completions,
            "env_mask": masks,
            "logprobs": log_probs if self.log_probs else None,
            "rollout": [_rollout(prompt, ids) for prompt, ids in zip(prompts, completions, strict=True)],
        }

    @torch.no_grad()
    def _group(self, policy: Any, prompt: list[int], size: int, dice: torch.Generator) -> list[Row]:
        ids = torch.tensor([prompt] * size)
        mask: list[int] = []
        log_probs: list[torch.Tensor] = []
        for place in range(OWN):
            if place == OWN // 2 and not self.at_end:
                ids = self._heard(ids, mask, log_probs)
            sure = policy(ids).logits[:, -1].log_softmax(1)  # (size, words)
            token = torch.multinomial(sure.exp(), 1, generator=dice)
            ids = torch.cat([ids, token], dim=1)
            mask.append(1)
            log_probs.append(sure.gather(1, token))
        if self.at_end:
            ids = self._heard(ids, mask, log_probs)
        known = torch.cat(log_probs, dim=1).tolist()
        return [(row[len(prompt) :], mask, known[place]) for place, row in enumerate(ids.tolist())]

    def _heard(self, ids: torch.Tensor, mask: list[int], log_probs: list[torch.Tensor]) -> torch.Tensor:
        mask += [int(self.own)] * len(self.tool)
        log_probs.append(torch.zeros(len(ids), len(self.tool)))
        return torch.cat([ids, torch.tensor([self.tool] * len(ids))], dim=1)


def _rollout(prompt: str, completion: Sequence[int]) -> Rollout:
    case = Case(prompt=prompt, responses=(Response(text="a"), Response(text="b")), label="A")
    winner = "A" if completion and completion[0] % 2 else "B"
    outage = "" if completion else "the server was gone"
    return Rollout(
        case, Verdict(winner=winner), (Called("search", "{}"),), text=(" ".join(map(str, completion)),), outage=outage
    )


def verdict(rollout: Sequence[Rollout], **_: Any) -> list[float | None]:
    """1 where the right response won, which is a coin's fall."""
    return [None if each.outage else float(each.outcome == Verdict(winner="A")) for each in rollout]


def always(value: float | None, name: str = "verdict") -> Reward:
    """The same for every rollout."""

    def reward(prompts: Sequence[Any], **_: Any) -> list[float | None]:
        return [value] * len(prompts)

    reward.__name__ = name
    return reward


def trainer(
    folder: Path,
    rewards: Reward | Sequence[Reward],
    rollouts: Any = None,
    *,
    kind: Any = JudgeGRPOTrainer,
    groups: GroupSettings | None = None,
    callbacks: Sequence[Any] = (),
    policy: Any = None,
    evaluated: bool = False,
    **settings: Any,
) -> Any:
    """A trainer of a few quick steps on the CPU; two groups of four a step."""
    given: dict[str, Any] = {
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "max_steps": 2,
        "per_device_train_batch_size": 2 * GENERATIONS,
        "num_generations": GENERATIONS,
        "max_completion_length": 16,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "beta": 0.0,
        "loss_type": "grpo",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    rows = Dataset.from_list([{"prompt": prompt} for prompt in PROMPTS] * 4)
    own = {"groups": groups or GroupSettings()} if kind is JudgeGRPOTrainer else {}
    made = kind(
        model() if policy is None else policy,
        list(rewards) if isinstance(rewards, Sequence) else rewards,
        GRPOConfig(output_dir=str(folder), **(given | settings)),
        rows,
        rows.select(range(len(PROMPTS))) if evaluated else None,
        processing_class=tokenizer(),
        rollout_func=Sampled() if rollouts is None else rollouts,
        callbacks=list(callbacks),
        **own,
    )
    made.remove_callback(PrinterCallback)
    return made


def weights(trained: Any) -> torch.Tensor:
    """All of them, flat."""
    return torch.cat([each.detach().flatten() for each in trained.model.parameters()])


def logged(trained: Any, name: str) -> list[float]:
    """A number of the log, step by step."""
    return [entry[name] for entry in trained.state.log_history if name in entry]
