"""What a stage leaves behind: its log, its curves, and its weights with all that a stranger has to know of them.

OUT/grpo/log.jsonl, curves/*.png
OUT/grpo/policy/           the LoRA, or all weights; README.md, a model card
OUT/grpo/policy/training/  recipe.json (with versions, and sha256 of the data), results.json (held out, by stage)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adjudge.models.choose import EMBEDDED
from adjudge.models.local import embedded
from adjudge.training.grpo.curves import draw_curves
from adjudge.training.recipe import Recipe

WEIGHTS = "policy"  # the folder of a stage with its LoRA, or all weights
RECIPE = "recipe.json"
_CARD = """\
---
base_model: {base}
library_name: {library}
{license}tags: [adjudge, llm-as-a-judge, reward-model]
---
# {name}

{description}

Trained by `adjudge train` with the recipe in `training/recipe.json`, which also names versions and hashes of the data.
What it got on held-out cases after each stage is in `training/results.json`. It judges through the graph `{graph}`, in
which it was trained:

    adjudge judge CASES --graph {graph} --corpus CORPUS --model {model}
"""
_LICENSED = "license: apache-2.0  # Apache-2.0, as the weights that it was trained from\n"


def finish(trainer: Any, recipe: Recipe, folder: Path) -> None:
    """Write what a stage leaves behind; last of all the weights, whose presence says that the stage is done.

    Of several processes the first writes, and the others wait for it.

    Args:
        trainer: Of transformers, at its end.
        recipe: Of the run.
        folder: Of the stage, in that of the run.
    """
    if trainer.accelerator.is_main_process:
        history = trainer.state.log_history
        with (folder / "log.jsonl").open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(entry) + "\n" for entry in history)
        draw_curves(history, folder / "curves")
        unfinished = folder / f"{WEIGHTS}.part"
        _save(trainer.model, trainer.processing_class, recipe, unfinished)
        (unfinished / "training").mkdir(exist_ok=True)
        shutil.copyfile(folder.parent / RECIPE, unfinished / "training" / RECIPE)
        results = json.dumps(_results(folder.parent), indent=1) + "\n"
        (unfinished / "training" / "results.json").write_text(results, encoding="utf-8")
        unfinished.replace(folder / WEIGHTS)
    trainer.accelerator.wait_for_everyone()


def _save(model: Any, tokenizer: Any, recipe: Recipe, folder: Path) -> None:
    own = recipe.policy.model == EMBEDDED
    for config in getattr(model, "peft_config", {}).values():
        config.base_model_name_or_path = embedded.HUB_NAME if own else recipe.policy.model
    if hasattr(model, "peft_config"):
        model.save_pretrained(folder, save_embedding_layers=False)  # else peft asks the hub for the base model
    else:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)  # a model is opened with its tokenizer beside it
    (folder / "README.md").write_text(_card(recipe, own), encoding="utf-8")


def _card(recipe: Recipe, own: bool) -> str:
    lora = recipe.policy.lora is not None or recipe.policy.adapter is not None
    return _CARD.format(
        base=embedded.HUB_NAME if own else recipe.policy.model,
        library="peft" if lora else "transformers",
        license=_LICENSED if own else "",
        name=recipe.name,
        description=recipe.description,
        graph=recipe.graph,
        model=f"{EMBEDDED}+FOLDER" if own and lora else "FOLDER",
    )


def _results(out: Path) -> dict[str, Mapping[str, float]]:
    """The last evaluation of each stage that has a log."""
    found: dict[str, Mapping[str, float]] = {}
    for file in sorted(out.glob("*/log.jsonl"), key=lambda file: (file.parent.name == "grpo", file)):
        entries = map(json.loads, file.read_text("utf-8").splitlines())
        told = [entry for entry in entries if any(key.startswith(("held_out/", "eval_")) for key in entry)]
        found |= {file.parent.name: told[-1]} if told else {}
    return found
