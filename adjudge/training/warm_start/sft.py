"""Supervised training on traces: TRL's `SFTTrainer` on rows of token ids; in the loss each turn counts alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer

from adjudge.training.batches import at_once_of
from adjudge.training.optimizer import MasterAdamW
from adjudge.training.resumed import InPlace
from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.held_out import HeldOut

IGNORED = -100


def first_turn(row: Row) -> Row:
    """A row up to the end of its first turn: the search, without what came of it."""
    end = next((place for place, own in enumerate(row.mask) if not own), len(row.mask))
    return Row(row.prompt_ids, row.completion_ids[:end], row.logprobs[:end], row.mask[:end])


def example(row: Row) -> dict[str, Any]:
    """A row as a training example: `input_ids`, `labels` and `weights`, all of one `length`.

    A turn's tokens weigh 1 together, so that a verdict of one token counts as much as a search of thirty (ours).
    """
    ids = [*row.prompt_ids, *row.completion_ids]
    mask = [*(0 for _ in row.prompt_ids), *row.mask]
    labels = [token if own else IGNORED for token, own in zip(ids, mask, strict=True)]
    weights = [0.0] * len(ids)
    start = None
    for place, own in enumerate([*mask, 0]):
        if own and start is None:
            start = place
        elif not own and start is not None:
            weights[start:place] = [1 / (place - start)] * (place - start)
            start = None
    return {"input_ids": ids, "labels": labels, "weights": weights, "length": len(ids)}


class Collator:
    """Pads examples on the right.

    Args:
        pad: Token id that fills.
    """

    def __init__(self, pad: int) -> None:
        self._fill = {"input_ids": pad, "labels": IGNORED, "weights": 0.0}

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """(B, L) tensors, and the mask of what is no padding."""
        longest = max(len(one["input_ids"]) for one in examples)
        batch = {
            key: torch.tensor([[*one[key], *[fill] * (longest - len(one[key]))] for one in examples])
            for key, fill in self._fill.items()
        }
        lengths = torch.tensor([len(one["input_ids"]) for one in examples])
        batch["attention_mask"] = (torch.arange(longest) < lengths[:, None]).long()
        return batch


class TraceTrainer(InPlace, SFTTrainer):  # type: ignore[misc]  # trl is untyped
    """`SFTTrainer` for rows of token ids.

    Logits are made only where there is a label: of a trace of a thousand tokens that is a few dozen, and the vocabulary
    is the largest matrix of a small model.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.model_accepts_loss_kwargs = False  # so the mean over accumulated batches is taken by `Trainer`

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the examples of the sum over their turns of the mean negative log-likelihood."""
        labels, weights = inputs["labels"][:, 1:], inputs["weights"][:, 1:]
        kept = (labels != IGNORED).any(0).nonzero().squeeze(1)  # columns in which some row has a label
        output = model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False, logits_to_keep=kept
        )
        losses = torch.nn.functional.cross_entropy(
            output.logits.float().transpose(1, 2), labels[:, kept], ignore_index=IGNORED, reduction="none"
        )
        loss = (losses * weights[:, kept]).sum() / len(labels) * inputs.get("share", 1.0)
        return (loss, output) if return_outputs else loss


class _Shares:
    """Adds the `share` of a batch in its step: examples weigh alike, however many of them are read at once."""

    def __init__(self, collator: Callable[[Any], dict[str, torch.Tensor]], at_once: int) -> None:
        self._collator, self._at_once = collator, at_once

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        return {**self._collator(examples), "share": torch.tensor(len(examples) / self._at_once)}


@dataclass(frozen=True)
class WarmStart:
    """Settings of supervised training.

    Attributes:
        steps: Optimizer steps.
        batch: Rows of one step.
        at_once: Most rows of one forward pass.
        learning_rate: It rises over `warmup` steps, and falls to a tenth in the last fifth of them.
        warmup: Steps.
        save_every: Steps between two checkpoints.
        seed: Of the order of the rows.
        report_to: Where numbers are shown live: `tensorboard`, `trackio`.
    """

    steps: int
    batch: int = 16
    at_once: int = 4
    learning_rate: float = 5e-4
    warmup: int = 10
    save_every: int = 20
    seed: int = 0
    report_to: tuple[str, ...] = ()


def train_on(
    examples: Sequence[Mapping[str, Any]],
    model: Any,
    tokenizer: Any,
    settings: WarmStart,
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
    *,
    kind: Callable[..., TraceTrainer] | None = None,
    collator: Callable[[Any], dict[str, torch.Tensor]] | None = None,
) -> TraceTrainer:
    """Train a model, as a rule with a LoRA; goes on from the last checkpoint in the folder.

    Args:
        examples: What is learnt, as the collator takes it, with the `length` of each in tokens.
        model: A causal language model of transformers, or peft around one; changed in place.
        tokenizer: Its tokenizer.
        settings: How long and how fast.
        folder: For checkpoints and logs.
        callbacks: Of transformers' `Trainer`.
        kind: `TraceTrainer` by default, for examples of `example`.
        collator: `Collator` by default.
    """
    on_cpu = not torch.cuda.is_available()
    at_once = at_once_of(settings.batch, settings.at_once)
    arguments = SFTConfig(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=settings.batch // at_once,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": settings.steps // 5, "min_lr_ratio": 0.1},
        warmup_steps=settings.warmup,
        logging_steps=1,
        save_steps=settings.save_every,
        save_total_limit=2,
        seed=settings.seed,
        train_sampling_strategy="batch_rebalance",  # of a step's examples those of like length together: less padding
        use_cpu=on_cpu,
        bf16=not on_cpu,
        activation_checkpointing=not on_cpu,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        report_to=list(settings.report_to) or "none",
    )
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    trainer = (kind or TraceTrainer)(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([dict(one) for one in examples]),
        processing_class=tokenizer,
        data_collator=_Shares(collator or Collator(tokenizer.pad_token_id), at_once),
        optimizers=(MasterAdamW(trained, lr=settings.learning_rate, weight_decay=0.0), None),
        callbacks=list(callbacks),
    )
    for callback in callbacks:
        if isinstance(callback, HeldOut):
            callback.log = trainer.log
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)) if folder.is_dir() else None)
    return trainer
