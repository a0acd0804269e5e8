"""`adjudge rank`: groups in, rankings out; bad rows told, the rest ranked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from adjudge import types
from adjudge.cli import choices
from adjudge.cli.app import app

VERDICT = {"principles": [{"name": "truth", "weight": 1}], "rationale": "r", "citations": [], "confidence": 0.9}


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    reply = json.dumps({**VERDICT, "scores": {"A": 8, "B": 3}})
    (tmp_path / "script.txt").write_text(f"{reply}\n" * 200)
    rows = [
        {"id": "three", "prompt": "?", "responses": ["x", "y", {"text": "cut", "complete": False}]},
        {"id": "none", "prompt": "?", "responses": []},
        {"prompt": 3},
        {"id": "escape", "prompt": "?", "responses": ["\u001b[31mred", "plain"]},
    ]
    path = tmp_path / "groups.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["rank", *arguments, "--model", "scripted:script.txt"])


def test_the_choices_are_those_of_the_types() -> None:
    assert get_args(choices.Strategy) == get_args(types.Strategy)
    assert get_args(choices.Goal) == get_args(types.Goal)


def test_groups_are_ranked_bad_rows_told_and_all_is_kept(groups: Path) -> None:
    result = run(str(groups), "--run", "r")
    assert result.exit_code == 2
    assert "three: tie" in result.output
    assert "(incomplete) cut" in result.output
    assert "'none': a group has at least one" in result.output
    assert "groups.jsonl:3" in result.output
    assert "\u001b" not in result.output
    kept = [json.loads(line) for line in Path("r/rankings.jsonl").read_text().splitlines()]
    assert [row["id"] for row in kept] == ["three", "escape"]
    assert kept[0]["judgement"]["scores"] == [5.5, 5.5, None]


def test_json_is_one_object_a_line_on_standard_output(groups: Path) -> None:
    result = run(str(groups), "--run", "none", "--json", "--strategy", "adaptive", "--goal", "best")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["strategy"] for row in rows] == ["adaptive", "adaptive"]
    assert not Path("runs").exists()


def test_a_graph_that_cannot_rank_is_refused_before_any_case(groups: Path) -> None:
    Path("answers.yaml").write_text(
        "name: a\nmode: answer\nnodes:\n  n: {agent: answerer}\nedges: {start: n, n: end}\n", "utf-8"
    )
    result = run(str(groups), "--graph", "answers.yaml", "--run", "none")
    assert result.exit_code == 2
    assert "cannot rank a group" in result.output
