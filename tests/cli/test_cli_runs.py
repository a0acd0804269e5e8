import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from adjudge import Case, Journal, Judge, ScriptedModel, Verdict
from adjudge.agents import Report, Work
from adjudge.run import Run

Cli = Callable[..., Result]
VERDICT = json.dumps({"rationale": "E1 says so.", "citations": ["E1"], "scores": {"A": 8, "B": 3}})
CASES = [
    Case(id="eliot", prompt="Who wrote Middlemarch?", responses=["George Eliot wrote it.", "Jane Austen."]),
    Case(id="planet", prompt="Which planet is largest?", responses=["Mars.", "Jupiter."]),
]


@pytest.fixture
def run(cli: Cli) -> str:
    """A run of two judged cases and one that has not been judged yet."""
    path = Path("runs/first/journal.sqlite")
    corpus = Path("corpus.jsonl")
    corpus.write_text(json.dumps({"title": "Middlemarch", "text": "A novel by George Eliot. Jupiter is a planet."}))
    settings = ["nodes.gather.seed_queries=true", "nodes.gather.max_turns=0", "orders=one"]
    model = ScriptedModel(lambda _: VERDICT)
    with Judge.load("evidence", model=model, corpus=corpus, settings=settings, journal=path) as judge:
        for case in CASES:
            judge(case)
    corpus.unlink()
    return "runs/first"


def edit(run: str, statement: str, *values: object) -> None:
    connection = sqlite3.connect(f"{run}/journal.sqlite")
    with connection:
        assert connection.execute(statement, values).rowcount
    connection.close()


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_show_prints_the_verdicts_in_the_order_of_the_cases(cli: Cli, run: str) -> None:
    result = cli("show", run)

    assert result.exit_code == 0
    assert result.stdout.index("eliot: ") < result.stdout.index("planet: ")
    assert "cites   E1 Middlemarch: A novel by George Eliot." in result.stdout
    assert "2 results of 2 cases" in result.stdout


def test_show_names_cases_that_have_no_result(cli: Cli, run: str) -> None:
    edit(run, "DELETE FROM results WHERE case_id = 'planet'")

    result = cli("show", run)

    assert "no result yet: 1 (planet)" in result.stdout


def test_show_with_a_case_prints_everything_about_it(cli: Cli, run: str) -> None:
    result = cli("show", run, "eliot")

    for part in ("prompt", "response A", "response B", "George Eliot wrote it.", "evidence E1 Middlemarch"):
        assert part in result.stdout
    for part in ("sha256 ", "vote ", "message, assistant", "message, tool", "verdict", '"query"'):
        assert part in result.stdout
    assert "planet" not in result.stdout.replace("Jupiter is a planet", "")


def test_show_json_prints_results_and_with_a_case_its_trajectory(cli: Cli, run: str) -> None:
    whole = objects(cli("show", run, "--json"))
    (one,) = objects(cli("show", run, "eliot", "--json"))

    assert [row["id"] for row in whole] == ["eliot", "planet"]
    assert "trajectory" not in whole[0]
    assert one["trajectory"]
    assert one["case"]["responses"][0]["text"] == "George Eliot wrote it."
    assert {key: one[key] for key in whole[0]} == whole[0]


def test_show_of_an_unknown_case_suggests_the_nearest(cli: Cli, run: str) -> None:
    result = cli("show", run, "elliot")

    assert result.exit_code == 2
    assert "did you mean 'eliot'?" in result.stderr


@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_run_that_is_not_there_is_told_with_those_that_are(cli: Cli, run: str, command: str) -> None:
    result = cli(command, "runs/frist")

    assert result.exit_code == 2
    assert "there is no run here" in result.stderr
    assert "did you mean 'runs/first'?" in result.stderr


def test_replay_says_that_every_result_is_identical(cli: Cli, run: str) -> None:
    result = cli("replay", run)

    assert result.exit_code == 0, result.output
    assert result.stdout.count("   identical") == 2
    assert "2 identical" in result.stdout


def test_replay_tells_a_difference(cli: Cli, run: str) -> None:
    with Journal(f"{run}/journal.sqlite", mode="replay") as journal:
        first = next(iter(journal.results()))
    forged = first.model_copy(update={"outcome": Verdict(winner="tie")}).model_dump_json()
    edit(run, "UPDATE results SET json = ? WHERE case_id = 'eliot'", forged.encode())

    result = cli("replay", run)
    rows = objects(cli("replay", run, "--json"))

    assert result.exit_code == 1
    assert "(was: tie)   DIFFERENT in judgement" in result.stdout
    assert [(row["id"], row["identical"], row["differences"]) for row in rows] == [
        ("eliot", False, ["judgement"]),
        ("planet", True, []),
    ]


def test_replay_of_a_run_that_lacks_a_call_says_so_and_replays_the_rest(cli: Cli, run: str) -> None:
    edit(run, "DELETE FROM calls WHERE kind = 'model' AND position LIKE '%eliot%'")

    result = cli("replay", run)
    rows = objects(cli("replay", run, "--json"))

    assert result.exit_code == 2
    assert "cannot be replayed" in result.stdout
    assert "no record" in result.stderr
    assert "1 identical, 1 not replayed" in result.stdout
    assert [row["replayed"] for row in rows] == [False, True]
    assert "no record" in rows[0]["problem"]


def test_replay_of_a_run_without_results_is_no_success(cli: Cli, run: str) -> None:
    edit(run, "DELETE FROM results")

    result = cli("replay", run)

    assert result.exit_code == 2
    assert "nothing to replay" in result.stdout


def test_replay_of_a_judge_written_in_python_says_how_to_do_it(cli: Cli) -> None:
    async def own(work: Work, run: Run) -> Report:
        return Report(outcome=Verdict(winner="A"))

    spec = {"name": "mine", "mode": "pairwise", "nodes": {"judge": {"agent": "own"}}}
    edges = {"start": "judge", "judge": "end"}
    models = {"default": ScriptedModel()}
    with Judge({**spec, "edges": edges}, models=models, agents={"own": own}, journal="j.sqlite") as judge:
        judge(CASES[0])

    result = cli("replay", "j.sqlite")

    assert result.exit_code == 2
    assert "judge=my_judge" in result.stderr
