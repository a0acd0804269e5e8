"""The adapter that ships: what lies beside it, and that it judges by evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge import Judge
from adjudge.models import ModelSpec
from adjudge.models.local import LocalModel
from adjudge.models.local.source import SHIPPED, shipped_adapters
from tests.training.articles import pairs

MEBIBYTE = 1 << 20


def test_the_adapters_that_ship_are_small_and_say_where_they_come_from() -> None:
    assert shipped_adapters() == ["compact"]
    folder = SHIPPED / "compact"
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 20 * MEBIBYTE
    run = json.loads((folder / "training" / "recipe.json").read_text("utf-8"))
    assert {"recipe", "data", "versions"} <= run.keys()
    assert json.loads((folder / "training" / "results.json").read_text("utf-8"))
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert "Apache-2.0" in (folder / "README.md").read_text("utf-8")


def test_an_adapter_that_ships_is_named_without_its_folder() -> None:
    model = LocalModel(ModelSpec(provider="local", adapter="compact"))
    assert model.info.name.endswith("+compact")


@pytest.mark.slow
def test_the_shipped_judge_needs_evidence_and_uses_it(tmp_path: Path) -> None:
    cases = pairs(tmp_path, 24)
    with Judge.load("compact", corpus=tmp_path / "corpus.jsonl", model="embedded+compact") as judge:
        right = [getattr(judge(case).outcome, "winner", None) == case.label for case in cases]
    assert sum(right) >= 18
