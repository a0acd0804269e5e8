"""The adapter that ships: what lies beside it, and that it judges by evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge import Case, Judge, JudgeResult
from adjudge.models import ModelSpec
from adjudge.models.local import LocalModel
from adjudge.models.local.source import SHIPPED, shipped_adapters
from adjudge.training.synth import read_corpora, synthesise, write

MEBIBYTE = 1 << 20
DATA = Path(__file__).parents[3].parent / "shared" / "data"


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
@pytest.mark.timeout(900)
@pytest.mark.skipif(not DATA.is_dir(), reason=f"labelled data is absent: {DATA}")
def test_the_shipped_judge_uses_evidence_on_documents_that_were_not_trained_on(tmp_path: Path) -> None:
    corpus = read_corpora([], data=DATA, sources=["hotpotqa_100"])
    made = synthesise(corpus, plain=True, per_document=1, most=400)
    write(made, tmp_path)
    held_out = [pair for pair in made.pairs if pair.split == "test"][:24]
    cases = [Case.model_validate(pair.cases()[place % 2]) for place, pair in enumerate(held_out)]
    with Judge.load("compact", corpus=tmp_path / "corpus.jsonl", model="embedded+compact") as judge:
        results = [result for result in judge.batch(cases) if isinstance(result, JudgeResult)]
    right = [getattr(one.outcome, "winner", None) == case.label for one, case in zip(results, cases, strict=True)]
    assert sum(right) >= 15
