"""The policy: SmolLM2 with LoRA on its upper layers, trained with TRL's `DPOTrainer`, and what it prefers.

The lower layers are frozen, so what they make of a conversation never changes and is computed once for all runs. The
policy is the same as with the whole model in place; it only costs a third.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig
from transformers import AutoModelForCausalLM, PrinterCallback
from transformers.utils.logging import disable_progress_bar
from trl import DPOConfig, DPOTrainer

from adjudge.models.local import embedded_path
from benchmarks.dpo.pool import Ids, Pair

disable_progress_bars()
disable_progress_bar()

BATCH = 16  # sequences scored at a time
BETA = 0.1  # the strength of DPO's pull to the reference, TRL's default


class Training(NamedTuple):
    """How long and how fast to train."""

    steps: int
    pairs_a_step: int
    learning_rate: float
    most: int  # tokens of a sequence


class _Trainer(DPOTrainer):  # type: ignore[misc]  # TRL is not typed
    """TRL's, with the reference's likelihoods from the rows instead of computed for each run anew."""

    def _precompute_ref_logps(self, dataset: Dataset, name: str, batch_size: int) -> Dataset:
        return dataset


class Trained(NamedTuple):
    """A policy after DPO."""

    model: Any
    losses: list[float]
    seconds: float


@contextmanager
def _completions_only() -> Iterator[None]:
    """On a GPU TRL 1.16 scores only what has a label; on a CPU prompts and pads as well, to leave them out after."""
    with patch("trl.trainer.utils._use_triton", lambda _: True):
        yield


class Likelihoods(NamedTuple):
    """ln p(completion | prompt) of both completions of each pair, in nats."""

    chosen: torch.Tensor  # (pairs,)
    rejected: torch.Tensor  # (pairs,)

    @property
    def margins(self) -> torch.Tensor:
        """ln p(chosen) - ln p(rejected), (pairs,)."""
        return self.chosen - self.rejected


class Lower(torch.nn.Module):
    """What the frozen layers make of known token ids; takes the place of embeddings and lower layers.

    Args:
        pad: The token that fills up a batch on its right; no sequence ends with it.
        hidden: Hidden states by token ids, each (T, H).
    """

    def __init__(self, pad: int, hidden: Mapping[tuple[int, ...], torch.Tensor]) -> None:
        super().__init__()
        self._pad = pad
        self._hidden = hidden

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Hidden states, (B, T) to (B, T, H)."""
        rows = [self._hidden[_unpadded(row, self._pad)] for row in ids.tolist()]
        return torch.stack([torch.nn.functional.pad(row, (0, 0, 0, ids.shape[1] - len(row))) for row in rows])


def _unpadded(row: list[int], pad: int) -> tuple[int, ...]:
    end = len(row)
    while end and row[end - 1] == pad:
        end -= 1
    return tuple(row[:end])


class Model:
    """SmolLM2 for a fixed set of pairs.

    Args:
        pairs: All that will ever be asked about or trained on.
        pad: See `Lower`.
        upper: Layers above the frozen ones.
    """

    def __init__(self, pairs: Iterable[Ids], pad: int, upper: int) -> None:
        self.pad = pad
        self._upper = upper
        causal = _load()
        causal.model.layers = causal.model.layers[: len(causal.model.layers) - upper]
        causal.model.norm = torch.nn.Identity()
        known = sorted({tuple(pair.prompt + one) for pair in pairs for one in (pair.chosen, pair.rejected)}, key=len)
        self._hidden: dict[tuple[int, ...], torch.Tensor] = {}
        with torch.inference_mode():
            for start in range(0, len(known), BATCH):
                batch = known[start : start + BATCH]
                ids = torch.tensor([[*row, *[pad] * (len(batch[-1]) - len(row))] for row in batch])
                states = causal.model(input_ids=ids, use_cache=False).last_hidden_state
                self._hidden |= {row: state[: len(row)].clone() for row, state in zip(batch, states, strict=True)}

    def fresh(self) -> Any:
        """The untrained model, for one run."""
        causal = _load()
        causal.model.layers = causal.model.layers[len(causal.model.layers) - self._upper :]
        causal.config.num_hidden_layers = self._upper
        causal.model.embed_tokens = Lower(self.pad, self._hidden)
        return causal


def _load() -> Any:
    return AutoModelForCausalLM.from_pretrained(embedded_path(), dtype=torch.float32).eval()


def train(model: Any, tokenizer: Any, pairs: Sequence[Pair], start: Likelihoods, how: Training, seed: int) -> Trained:
    """Train an adapter in a fresh model by DPO (Rafailov et al. 2023).

    Args:
        model: See `Model.fresh`.
        tokenizer: Its tokenizer.
        pairs: To train on, by their labels as given.
        start: What the untrained model makes of them.
        how: How long and how fast.
        seed: Of the adapter and of the order of the pairs.
    """
    with tempfile.TemporaryDirectory() as folder, _completions_only():
        config = DPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            max_steps=how.steps,
            per_device_train_batch_size=how.pairs_a_step,
            learning_rate=how.learning_rate,
            warmup_steps=2,
            max_length=how.most,
            beta=BETA,
            precompute_ref_log_probs=True,
            dataloader_pin_memory=False,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=seed,
            data_seed=seed,
        )
        adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        known = zip(pairs, start.chosen.tolist(), start.rejected.tolist(), strict=True)
        rows = [{**pair.row(), "ref_chosen_logps": one, "ref_rejected_logps": other} for pair, one, other in known]
        torch.manual_seed(seed)
        trainer = _Trainer(
            model,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=adapter,
        )
        trainer.remove_callback(PrinterCallback)
        began = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - began
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert abs(losses[0] - math.log(2)) < 1e-3, "policy and reference differ before the first step"
    return Trained(trainer.model.eval(), losses, seconds)


def likelihoods(model: Any, pairs: Sequence[Ids], pad: int) -> Likelihoods:
    """What a model makes of the completions of pairs."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    sequences = [(pair.prompt, completion) for pair in pairs for completion in (pair.chosen, pair.rejected)]
    order = sorted(range(len(sequences)), key=lambda place: sum(map(len, sequences[place])))
    found = torch.zeros(len(sequences))
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            found[batch] = _score(causal, [sequences[place] for place in batch], pad)
    return Likelihoods(found[0::2].clone(), found[1::2].clone())


def _score(causal: Any, batch: Sequence[tuple[list[int], list[int]]], pad: int) -> torch.Tensor:
    longest = max(len(prompt) + len(completion) for prompt, completion in batch)
    ids = torch.full((len(batch), longest), pad)  # (B, T); pads stand at the end and are never looked at
    wanted = torch.zeros(len(batch), longest, dtype=torch.bool)  # (B, T)
    for row, (prompt, completion) in enumerate(batch):
        ids[row, : len(prompt) + len(completion)] = torch.tensor(prompt + completion)
        wanted[row, len(prompt) : len(prompt) + len(completion)] = True
    hidden = causal.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]  # (B, T - 1, H)
    logits = causal.lm_head(hidden[wanted[:, 1:]]).float()  # (tokens of completions, V)
    scores = logits.log_softmax(-1).gather(1, ids[wanted].unsqueeze(1)).squeeze(1)
    rows = wanted.nonzero()[:, 0]
    return torch.zeros(len(batch)).index_add(0, rows, scores)
