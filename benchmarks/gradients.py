"""How clearly a batch of GRPO sees what to learn, beside a batch of the warm start, from the same policy.

    python -m benchmarks.gradients --pairs PAIRS --policy runs/embedded/warm-start-6/policy --out docs/measured

Many batches are drawn, each its own gradient on weights that stay as they are. What two batches have in common is
signal, the rest is noise: the mean dot product of two batches, and of one with itself less that. Their ratio is the
gradient noise scale (McCandlish et al., arXiv 1812.06162): `batches`, so many have to be averaged until both are equal;
`seconds` is how long those take here. `agreement` is the cosine of the two expected gradients, estimated from dot
products between batches of one kind and the other. Intervals are 95 % from a bootstrap over batches.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from trl import SFTConfig

from adjudge.judge.portal import shared_portal
from adjudge.training.batches import at_once_of
from adjudge.training.pairs import in_pairs, pair_name
from adjudge.training.prepared import Prepared, prepare
from adjudge.training.recipe import load_recipe
from adjudge.training.reinforce import trainer_for
from adjudge.training.warm_start.shared_prefix import SharedCollator, SharedPrefixTrainer, together
from adjudge.training.warm_start.traces import trace_all
from adjudge.training.weights import load_policy

Gradients = NDArray[np.float32]  # (batches, weights)


class Recording(torch.optim.Optimizer):
    """Keeps the gradient of each step, and the seconds since the step before; changes nothing."""

    def __init__(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        super().__init__(parameters, {"lr": 0.0})
        self.gradients: list[NDArray[np.float32]] = []
        self.seconds: list[float] = []
        self._began = time.perf_counter()

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Look, do not touch."""
        del closure
        whole = [
            (torch.zeros_like(one) if one.grad is None else one.grad).float().flatten()
            for group in self.param_groups
            for one in group["params"]
        ]
        self.gradients.append(torch.cat(whole).numpy())
        now = time.perf_counter()
        self.seconds.append(now - self._began)
        self._began = now


def reinforced(prepared: Prepared, policy: Path, folder: Path) -> Recording:
    """Batches of GRPO, as the recipe says."""
    model = load_policy(prepared.recipe, policy)
    recording = Recording([one for one in model.parameters() if one.requires_grad])
    trainer_for(prepared, model, folder, optimizer=recording).train()
    return recording


def supervised(prepared: Prepared, policy: Path, folder: Path, batches: int, size: int) -> Recording:
    """Batches of the warm start's last stage: pairs of traces of an oracle, search and verdict."""
    cases = in_pairs(prepared.cases.train.values(), prepared.recipe.seed + 1)[: 2 * batches * size * 5 // 4]
    titles = {name: document.title for name, document in prepared.cases.documents.items()}
    plan, tool = prepared.plan(), prepared.recipe.warm_start.tool
    rows = shared_portal().call(lambda: trace_all(plan, cases, tool, titles, prepared.tokenizer)).rows
    examples = together(rows, {case.id: pair_name(case) for case in cases})[: batches * size]
    model = load_policy(prepared.recipe, policy)
    recording = Recording([one for one in model.parameters() if one.requires_grad])
    at_once = at_once_of(size, prepared.recipe.warm_start.at_once)
    settings = SFTConfig(
        output_dir=str(folder),
        max_steps=batches,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=size // at_once,
        max_grad_norm=0.0,
        save_strategy="no",
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
        activation_checkpointing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        report_to="none",
    )
    make = partial(SharedPrefixTrainer, single=prepared.recipe.warm_start.stages[-1].single)
    trainer = make(
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(examples),
        processing_class=prepared.tokenizer,
        data_collator=SharedCollator(prepared.tokenizer.pad_token_id, search=True),
        optimizers=(recording, None),
    )
    trainer.train()
    return recording


def between(one: Gradients, other: Gradients | None = None) -> tuple[float, float]:
    """Mean dot product of two different batches, and of one with itself."""
    if other is not None:
        return float((one @ other.T).mean()), 0.0
    products, count = one @ one.T, len(one)
    own = float(np.trace(products)) / count
    return float(products.sum() - np.trace(products)) / (count * (count - 1)), own


def needed(gradients: Gradients) -> float:
    """Batches until signal and noise are equal; infinite where no signal is seen."""
    signal, whole = between(gradients)
    return (whole - signal) / signal if signal > 0 else float("inf")


def resampled(gradients: Gradients, times: int = 2000) -> list[float]:
    """95 % interval of `needed`; a batch that is drawn twice is not compared with itself."""
    chance, products = np.random.default_rng(0), gradients @ gradients.T
    found = []
    for _ in range(times):
        drawn = chance.integers(0, len(gradients), len(gradients))
        apart = drawn[:, None] != drawn[None, :]
        signal = float(products[np.ix_(drawn, drawn)][apart].mean())
        whole = float(products[drawn, drawn].mean())
        found.append((whole - signal) / signal if signal > 0 else float("inf"))
    return [float(value) for value in np.quantile(found, [0.025, 0.975], method="nearest")]


def told(recording: Recording) -> dict[str, Any]:
    """What a table shows of one kind of batch."""
    gradients, seconds = np.stack(recording.gradients), statistics.median(recording.seconds[1:])
    count = needed(gradients)
    empty = sum(not one.any() for one in gradients) / len(gradients)
    return {
        "batches drawn": len(gradients),
        "seconds a batch": seconds,
        "without gradient": empty,
        "batches": [count, *resampled(gradients)],
        "seconds": count * seconds,
    }


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="folder of `adjudge synth`")
    parser.add_argument("--recipe", default="embedded")
    parser.add_argument("--policy", type=Path, required=True, help="a LoRA, as the warm start leaves it")
    parser.add_argument("--batches", type=int, default=16)
    parser.add_argument("--size", type=int, default=8, help="pairs in a batch of the warm start")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(2)
    files = ["data.train=train.jsonl", "data.held_out=dev.jsonl", "data.corpus=corpus.jsonl"]
    trainer = "trainer={max_grad_norm: 0.0, eval_strategy: 'no', save_strategy: 'no'}"
    last = "warm_start.stages=[{steps: 1, rows: 1, learns: search_and_verdict, single: 0.3}]"
    recipe, _ = load_recipe(chosen.recipe, [*files, trainer, last, f"grpo.steps={chosen.batches}"])
    prepared = prepare(recipe, chosen.pairs)
    with tempfile.TemporaryDirectory() as folder:
        taught = supervised(prepared, chosen.policy, Path(folder), chosen.batches, chosen.size)
        paid = reinforced(prepared, chosen.policy, Path(folder))
    found: dict[str, Any] = {"warm start": told(taught), "GRPO": told(paid)}
    one, other = np.stack(taught.gradients), np.stack(paid.gradients)
    signals = between(one)[0] * between(other)[0]
    found["agreement"] = between(one, other)[0] / signals**0.5 if signals > 0 else None
    print(json.dumps(found, indent=1))
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "gradients.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
