"""Recipes: what ships, and what is said of a mistake before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from adjudge.cli.app import app
from adjudge.errors import ConfigError
from adjudge.training.batches import at_once_of, rows_of_a_process
from adjudge.training.prepared import prepare
from adjudge.training.recipe import FOLDER, Recipe, load_recipe, shipped
from tests.training.rollouts.small import CORPUS, case, model, tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Data, a tiny policy, and a recipe for them."""
    tokens = tokenizer()
    tokens.save_pretrained(tmp_path / "policy")
    model(len(tokens)).save_pretrained(tmp_path / "policy")
    write(tmp_path / "corpus.jsonl", CORPUS)
    write(tmp_path / "train.jsonl", [row(case(f"t{number}", "AB"[number % 2])) for number in range(8)])
    write(tmp_path / "dev.jsonl", [row(case(f"d{number}", "AB"[number % 2])) for number in range(4)])
    write(tmp_path / "easy.jsonl", [row(case(f"e{number}", "AB"[number % 2])) for number in range(4)])
    dump(plain(tmp_path), tmp_path / "recipe.yaml")
    return tmp_path


def row(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "prompt": one.prompt,
        "responses": [{"text": response.text} for response in one.responses],
        "label": one.label,
        "metadata": dict(one.metadata),
    }


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))


def dump(value: dict[str, Any], path: Path) -> None:
    with path.open("w") as file:
        YAML(typ="safe").dump(value, file)


def plain(folder: Path) -> dict[str, Any]:
    return {
        "name": "tiny",
        "policy": {"model": str(folder / "policy"), "lora": None, "dtype": "float32", "max_tokens": 12},
        "graph": "compact",
        "agents": {"gather": {}, "judge": {}},
        "data": {"train": "train.jsonl", "held_out": "dev.jsonl", "corpus": "corpus.jsonl"},
        "warm_start": {
            "stages": [
                {"steps": 2, "rows": 8},
                {"steps": 1, "rows": 4, "learns": "search"},
                {"steps": 1, "rows": 8, "learns": "comparison", "data": "easy.jsonl"},
                {"steps": 1, "rows": 8, "learns": "comparison", "evidence": "search"},
                {"steps": 1, "rows": 8, "learns": "verdict"},
                {"steps": 1, "rows": 8, "learns": "search_and_verdict"},
            ],
            "batch": 4,
            "at_once": 4,
            "save_every": 1,
        },
        "grpo": {"steps": 1, "prompts": 1, "generations": 2, "at_once": 2, "evaluate_every": 1, "evaluate_cases": 2},
        "rewards": {"verdict": {}, "tool_use": {"weight": 0.3, "must_cite": False}},
    }


@pytest.mark.parametrize("name", shipped())
def test_what_ships_is_a_recipe_for_a_graph_that_ships(name: str) -> None:
    recipe, _ = load_recipe(name)
    assert recipe.name == name
    assert "verdict" in recipe.rewards


@pytest.mark.parametrize("name", ["evidence_8b", "evidence_multi"])
def test_recipes_for_gpus_pass_a_dry_run_with_another_policy(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    here = [f"policy.model={folder / 'policy'}", "trainer={bf16: false}"]
    here += ["data={train: train.jsonl, held_out: dev.jsonl, corpus: corpus.jsonl}"]
    ran = CliRunner().invoke(
        app, ["train", name, "--out", "out", "--dry-run", *(word for one in here for word in ("--set", one))]
    )
    assert ran.exit_code == 0, ran.output
    assert "nothing was trained" in ran.output
    assert not Path("out").exists()


def test_the_configuration_of_accelerate_is_one() -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    found = load_config_from_file(str(FOLDER / "accelerate" / "zero2.yaml"))
    assert found.num_processes == 4
    assert found.deepspeed_config["zero_stage"] == 2


@pytest.mark.parametrize(
    ("change", "key", "told"),
    [
        ({"rewards": {"nothing": {}}}, "rewards.nothing", "no such reward"),
        ({"agents": {"gatherer": {}}}, None, "gatherer"),
        ({"agents": {"gather": {"trainable": False}}}, "agents", "no agent is trained"),
        ({"graph": "nowhere"}, None, "no such graph"),
        ({"grpo": {"generations": 1}}, "grpo.generations", "greater than or equal to 2"),
        ({"data": {"train": "gone.jsonl", "held_out": "dev.jsonl", "corpus": "corpus.jsonl"}}, "data.train", "no such"),
        ({"data": {"train": "dev.jsonl", "held_out": "dev.jsonl", "corpus": "corpus.jsonl"}}, "data", "held out"),
        ({"stpes": 3}, "stpes", "stpes"),
    ],
)
def test_a_mistake_is_told_before_anything_is_loaded(
    change: dict[str, Any], key: str | None, told: str, folder: Path
) -> None:
    dump({**plain(folder), **change}, folder / "wrong.yaml")
    with pytest.raises(ConfigError, match=told) as raised:
        prepare(*load_recipe(folder / "wrong.yaml"))
    assert key is None or raised.value.key == key


def test_a_corpus_that_cannot_be_read_is_told_with_its_line(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text('{"id": "d1", "text": "one"}\n{broken\n')
    with pytest.raises(ConfigError, match=r"corpus\.jsonl:2"):
        prepare(*load_recipe(folder / "recipe.yaml"))


def test_rows_without_a_label_are_left_out_and_told(folder: Path) -> None:
    bare = {**row(case("bare")), "label": None}
    write(folder / "train.jsonl", [row(case("one")), bare])
    prepared = prepare(*load_recipe(folder / "recipe.yaml"))
    assert list(prepared.cases.train) == ["one"]
    assert "no label" in str(prepared.cases.bad[0])


def test_stages_that_have_not_begun_may_be_changed(folder: Path) -> None:
    command = ["train", str(folder / "recipe.yaml"), "--out", str(folder / "run"), "--stage", "warm_start"]
    for changes, code in (([], 0), (["--set", "grpo.steps=9"], 0), (["--set", "warm_start.stages.0.steps=9"], 2)):
        run = CliRunner().invoke(app, [*command, *changes])
        assert run.exit_code == code, run.output
    assert "stages that have not begun" in run.output


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_run_trains_both_stages_and_a_second_one_has_nothing_left_to_do(folder: Path) -> None:
    command = ["train", str(folder / "recipe.yaml"), "--out", str(folder / "run"), "--set", "report_to=[tensorboard]"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    for stage in ("warm-start-1", "grpo"):
        assert (folder / "run" / stage / "policy" / "model.safetensors").is_file()
        assert (folder / "run" / stage / "log.jsonl").read_text()
        assert list((folder / "run" / stage).rglob("events.out.tfevents.*"))
    policy = folder / "run" / "grpo" / "policy"
    assert "# tiny" in (policy / "README.md").read_text()
    assert (policy / "tokenizer.json").is_file()  # whole weights are opened with it
    told = json.loads((policy / "training" / "results.json").read_text())
    assert "held_out/accuracy" in told["warm-start-1"]
    assert any(key.startswith("eval_") for key in told["grpo"])
    assert json.loads((policy / "training" / "recipe.json").read_text())["data"]
    before = (folder / "run" / "grpo" / "policy" / "model.safetensors").stat().st_mtime_ns
    second = CliRunner().invoke(app, command)
    assert second.exit_code == 0, second.output
    assert (folder / "run" / "grpo" / "policy" / "model.safetensors").stat().st_mtime_ns == before
    kept = json.loads((folder / "run" / "recipe.json").read_text())
    assert Recipe.model_validate(kept["recipe"]).name == "tiny"
    changed = CliRunner().invoke(app, [*command, "--set", "seed=1"])
    assert changed.exit_code == 2
    assert "another recipe" in changed.output
    further = CliRunner().invoke(app, [*command, "--set", "grpo.steps=9"])
    assert further.exit_code == 2
    write(folder / "train.jsonl", [row(case("other"))])
    other = CliRunner().invoke(app, command)
    assert other.exit_code == 2
    assert "other data" in other.output


def test_a_limit_keeps_both_orders_of_a_pair(folder: Path) -> None:
    cases = [case(f"p{number}/{order}", order) for number in range(6) for order in "AB"]
    for one in cases:
        one.metadata["pair"] = one.id.partition("/")[0]
    write(folder / "train.jsonl", [row(one) for one in cases])
    recipe, base = load_recipe(folder / "recipe.yaml", ["data.limit=6"])
    kept = [name.partition("/")[0] for name in prepare(recipe, base).cases.train]
    assert len(kept) == 6
    assert all(kept.count(name) == 2 for name in kept)


@pytest.mark.parametrize(("processes", "rows", "most", "at_once"), [(1, 16, 64, 16), (2, 8, 6, 4), (4, 4, 1, 1)])
def test_a_step_has_as_many_rollouts_as_the_recipe_says(
    processes: int, rows: int, most: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    assert rows_of_a_process(16) == rows
    assert at_once_of(rows, most) == at_once


def test_rollouts_that_cannot_be_shared_out_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ConfigError, match="shared out among 3 processes"):
        rows_of_a_process(16)
