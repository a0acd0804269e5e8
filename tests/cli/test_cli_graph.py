from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from adjudge.graphs.library import names

Cli = Callable[..., Result]
LOOP = """\
name: loop
description: gathers [red]twice[/red]
mode: pairwise
nodes:
  gather: {agent: executor, tools: [search]}
  judge: {agent: judge, thread: gather}
tools:
  search: {kind: read_evidence}
edges:
  start: gather
  gather: {done: judge, failed: gather}
  judge: end
limits: {visits: 3}
"""


def write(text: str) -> str:
    Path("mine.yaml").write_text(text, "utf-8")
    return "mine.yaml"


def test_list_names_every_graph_that_ships_with_its_mode(cli: Cli) -> None:
    result = cli("graph", "list")

    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert set(names()) <= set(lines)
    assert "pairwise" in lines["evidence"]


def test_show_prints_the_file_the_drawing_and_the_mermaid_text(cli: Cli) -> None:
    result = cli("graph", "show", write(LOOP))

    assert result.exit_code == 0, result.output
    assert "description: gathers [red]twice[/red]" in result.stdout
    drawing = result.stdout[result.stdout.index("\ngraph\n") : result.stdout.index("\nmermaid\n")]
    for line in ("start", "|--> gather", "|-- done --> judge", "|-- failed --> gather", "|--> end"):
        assert line in drawing
    assert "[judge]  judge; decides by auto; continues gather; both orders" in drawing
    assert drawing.isascii()
    assert "graph TD;" in result.stdout


def test_show_mermaid_prints_the_graph_alone(cli: Cli) -> None:
    result = cli("graph", "show", write(LOOP), "--mermaid")

    assert "graph TD;" in result.stdout
    assert "gather(gather)" in result.stdout
    assert "description" not in result.stdout


def test_show_draws_what_overrides_make_of_the_graph(cli: Cli) -> None:
    result = cli("graph", "show", "direct", "--set", "orders=one")

    assert "judge; decides by auto; one order" in result.stdout


@pytest.mark.parametrize("name", names())
def test_check_finds_every_graph_that_ships_valid(cli: Cli, name: str) -> None:
    result = cli("graph", "check", name)

    assert result.exit_code == 0, result.output
    assert f"{name}: valid" in result.stdout


def test_check_shows_every_mistake_with_its_line(cli: Cli) -> None:
    text = LOOP.replace("[search]", "[serch]").replace("thread: gather", "thread: gahter").replace("judge: end", "x: y")

    result = cli("graph", "check", write(text))

    assert result.exit_code == 2
    for place in ("mine.yaml:5: nodes.gather.tools.0", "mine.yaml:6: nodes.judge.thread", "mine.yaml:12: edges.x"):
        assert place in result.stderr
    assert "did you mean 'search'?" in result.stderr


def test_check_shows_unknown_keys_and_values_of_overrides(cli: Cli) -> None:
    result = cli("graph", "check", "direct", "--set", "orders=three", "--set", "limits.secs=1")

    assert result.exit_code == 2
    assert "orders: unknown value" in result.stderr
    assert "limits.secs: unknown key" in result.stderr


def test_check_refuses_a_method_that_the_model_cannot_do(cli: Cli) -> None:
    Path("script.txt").write_text("x")

    result = cli("graph", "check", "rubric", "--set", "nodes.judge.decide=likelihood", "--model", "scripted:script.txt")

    assert result.exit_code == 2
    assert "nodes.judge.decide" in result.stderr


def test_check_of_a_valid_graph_that_cannot_run_here_says_why(cli: Cli) -> None:
    result = cli("graph", "check", "evidence", "--set", "tools.corpus.path=/nowhere/corpus.jsonl")

    assert result.exit_code == 0
    assert "evidence: valid" in result.stdout
    assert "it cannot run here as it is" in result.stderr
    assert "/nowhere/corpus.jsonl" in result.stderr


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_graph_that_does_not_exist_suggests_the_nearest(cli: Cli, command: str) -> None:
    result = cli("graph", command, "evidnce")

    assert result.exit_code == 2
    assert "did you mean 'evidence'?" in result.stderr
