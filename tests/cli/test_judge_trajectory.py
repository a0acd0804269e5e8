"""`adjudge judge --trajectory`: conversations of other agents, judged step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from adjudge import Judge, ScriptedModel
from adjudge.cases import read_trajectories

Cli = Callable[..., Result]
EXAMPLES = Path(__file__).parents[2] / "examples" / "trajectories"
OPENAI, LANGCHAIN, TRL = (str(EXAMPLES / name) for name in ("openai.json", "langchain.json", "trl.jsonl"))


def verdict(*scores: float, wrong: int | None = None) -> str:
    return json.dumps({"rationale": "So it is.", "citations": [], "steps": scores, "first_wrong_step": wrong})


def judged(cli: Cli, *arguments: str, replies: tuple[str, ...], graph: str = "direct", **keywords: Any) -> Result:
    Path("script.txt").write_text("".join(f"{reply}\n" for reply in replies), "utf-8")
    return cli("judge", *arguments, "--graph", graph, "--model", "scripted:script.txt", **keywords)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_step_is_shown_with_its_score_and_the_first_wrong_one_is_marked(cli: Cli) -> None:
    result = judged(cli, "--trajectory", OPENAI, "--no-run", replies=(verdict(8, 9, 2, 1, 7, wrong=2),))

    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines() if line.startswith("  step ")]
    assert lines[0].startswith("step 0  8  I need the author's birthday")
    assert lines[1].startswith('step 1  9  Action: search({"query": "Middlemarch')
    assert lines[2].startswith("step 2  2  first wrong  Action: calculator(")
    assert lines[2].endswith("(no result)")
    assert lines[3:] == [
        "step 3  1  She was 52.",
        "step 4  7  The last part appeared after her birthday, so she was 53.",
    ]
    assert "middlemarch: step 2 is wrong" in result.stdout


def test_that_the_graph_is_changed_is_said(cli: Cli) -> None:
    result = judged(cli, "--trajectory", OPENAI, "--no-run", "--json", replies=(verdict(8, 9, 2, 1, 7),))

    assert "the graph direct is written for mode pairwise; for this run it is changed to judge steps" in result.stderr
    assert objects(result)[0]["graph"]["mode"] == "step"


def test_a_graph_for_steps_is_taken_as_it_is(cli: Cli) -> None:
    Path("own.yaml").write_text(
        "name: own\nmode: step\nscale: {min: -4, max: 4}\nnodes:\n  judge: {agent: judge}\n"
        "edges: {start: judge, judge: end}\n"
    )

    result = judged(cli, "-t", OPENAI, "--no-run", "--json", graph="own.yaml", replies=(verdict(4, -4, 0, 0, 0),))

    assert "changed" not in result.stderr
    assert objects(result)[0]["judgement"]["scores"] == [4, -4, 0, 0, 0]


def test_a_scale_of_labels_is_replaced_for_steps(cli: Cli) -> None:
    Path("own.yaml").write_text(
        "name: own\nmode: pairwise\nscale: {labels: [A, B]}\nnodes:\n  judge: {agent: judge}\n"
        "edges: {start: judge, judge: end}\n"
    )

    result = judged(cli, "-t", LANGCHAIN, "--no-run", "--json", graph="own.yaml", replies=(verdict(10, 1, 5),))

    assert objects(result)[0]["judgement"]["scores"] == [10, 1, 5]


def test_missing_results_are_told_once(cli: Cli) -> None:
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}]
    rows = [json.dumps({"id": name, "messages": messages}) for name in ("one", "two")]
    Path("runs.jsonl").write_text("\n".join(rows))

    result = judged(cli, "-t", "runs.jsonl", "--no-run", "--json", replies=(verdict(3), verdict(4)))

    assert result.exit_code == 0, result.output
    assert result.stderr.count("has no result") == 1
    assert "case 'one': the call of step 0 has no result, and the judge is told so" in result.stderr


def test_the_judge_is_shown_that_a_result_is_missing() -> None:
    model = ScriptedModel([verdict(8, 9, 2, 1, 7)])
    (case,) = read_trajectories(OPENAI)

    Judge.load("direct", model=model, mode="step")(case)

    assert "Observation: (no result was recorded)" in model.requests[0].text
    assert "Observation: The user said: Her birthday was in November" in model.requests[0].text


def test_several_files_of_several_forms_are_judged_in_one_run(cli: Cli) -> None:
    replies = (verdict(1, 2, 3, 4, 5), verdict(1, 2, 3), verdict(1, 2), verdict(1, 2, 3))

    result = judged(cli, "-t", OPENAI, "-t", LANGCHAIN, "-t", TRL, "--run", "r", "--json", replies=replies)

    assert result.exit_code == 0, result.output
    assert [row["id"] for row in objects(result)] == ["middlemarch", "langchain", "sum", "weather"]
    again = judged(cli, "-t", OPENAI, "-t", LANGCHAIN, "-t", TRL, "--run", "r", "--json", replies=replies)
    assert [row["judgement"] for row in objects(again)] == [row["judgement"] for row in objects(result)]
    assert "4 cases were judged before" in again.stderr


def test_conversations_come_from_standard_input(cli: Cli) -> None:
    text = Path(OPENAI).read_text("utf-8")

    result = judged(cli, "-t", "-", "--no-run", "--json", replies=(verdict(1, 2, 3, 4, 5),), input=text)

    assert [row["id"] for row in objects(result)] == ["middlemarch"]


def test_a_bad_row_is_told_with_its_line_and_the_rest_is_judged(cli: Cli) -> None:
    good = {"id": "good", "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]}
    bad = {"id": "bad", "messages": [{"role": "user", "content": "?"}, {"role": "bot", "content": "!"}]}
    Path("runs.jsonl").write_text("\n".join(map(json.dumps, (bad, good))))

    result = judged(cli, "-t", "runs.jsonl", "--no-run", "--json", replies=(verdict(5),))

    assert result.exit_code == 2
    assert [row["id"] for row in objects(result)] == ["good"]
    assert "runs.jsonl:1: messages.1.role: this role is not known; found 'bot'; allowed: system," in result.stderr
    assert "1 judged, 1 bad row" in result.stderr


def test_a_score_that_is_missing_leaves_the_steps_unscored(cli: Cli) -> None:
    result = judged(cli, "-t", OPENAI, "--no-run", replies=(verdict(1, 2),) * 3)

    assert result.exit_code == 1
    assert "unscored (parse_failure)" in result.stdout
    assert "  step 0" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "nothing to judge is named"),
        (("cases.jsonl", "--trajectory", "x.json"), "cases and --trajectory cannot be judged together"),
        (("--trajectory", "none.json"), "none.json: there is no such file"),
        (("--trajectory", "x.yaml"), "x.yaml: conversations are read from JSON or JSON lines"),
    ],
)
def test_what_cannot_be_judged_is_said(cli: Cli, arguments: tuple[str, ...], problem: str) -> None:
    Path("x.yaml").write_text("a: 1")

    result = judged(cli, *arguments, "--no-run", replies=())

    assert result.exit_code == 2
    assert problem in result.stderr
