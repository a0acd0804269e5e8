"""What a run's folder keeps of its recipe, so that no stage goes on by another than it was begun with."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adjudge.errors import ConfigError
from adjudge.training.finished import RECIPE
from adjudge.training.prepared import Prepared
from adjudge.training.recipe import Recipe

_PACKAGES = ("adjudge", "torch", "transformers", "trl", "peft")
_LATER = ("grpo", "rewards", "measures", "monitor", "trainer", "vllm")  # what only GRPO reads
_ANYTIME = ("description", "report_to")
_HOW = ("at_once", "save_every", "evaluate_cases")  # of the warm start, what changes nothing of what is learnt


def keep_recipe(prepared: Prepared, out: Path) -> None:
    """Write `recipe.json`: the recipe, sha256 of the data, versions.

    Args:
        prepared: The recipe.
        out: Folder of the run.

    Raises:
        ConfigError: A stage that has been begun there was begun by another recipe, or with other data.
    """
    kept = {
        "recipe": prepared.recipe.model_dump(mode="json"),
        "data": prepared.cases.digests,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
    file = out / RECIPE
    if file.is_file():
        before = json.loads(file.read_text("utf-8"))
        hint = "name another folder, or change only stages that have not begun"
        if _begun(_read(before["recipe"]), out) != _begun(kept["recipe"], out):
            raise ConfigError("this run was begun with another recipe", file=str(file), hint=hint)
        changed = [name for name, digest in before["data"].items() if kept["data"].get(name, digest) != digest]
        if changed:
            raise ConfigError("this run was begun with other data", file=str(file), found=changed[0], hint=hint)
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def _read(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """A kept recipe, with what has become a setting since at its default; as it is where it is none any more."""
    try:
        return Recipe.model_validate(recipe).model_dump(mode="json")
    except ValidationError:
        return recipe


def _begun(recipe: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """The part of a recipe by which something has been done in a folder."""
    later = () if (out / "grpo").is_dir() else _LATER
    found = {key: value for key, value in recipe.items() if key not in (*later, *_ANYTIME)}
    settings = {key: value for key, value in recipe["warm_start"].items() if key not in _HOW}
    stages = recipe["warm_start"]["stages"]
    begun = [stage for number, stage in enumerate(stages, 1) if (out / f"warm-start-{number}").is_dir()]
    return {**found, "warm_start": {**settings, "stages": begun}}
