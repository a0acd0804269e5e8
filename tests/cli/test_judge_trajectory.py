"""`adjudge judge --trajectory`: conversations of other agents, judged step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from adjudge import Judge, ScriptedModel
from adjudge.agents.trajectory_summarizer import HEADINGS
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


def indented(output: str) -> list[str]:
    """The first words of the lines of a result."""
    return [" ".join(line.split()[:2]) for line in output.splitlines() if line.startswith("  ") and line[2] != " "]


def test_the_steps_stand_between_the_reasons_and_the_cost(cli: Cli) -> None:
    result = judged(
        cli, "--trajectory", OPENAI, "--no-run", "--no-progress", replies=(verdict(8, 9, 2, 1, 7, wrong=2),)
    )

    places = ["because So", *(f"step {n}" for n in range(5)), "cost 1"]
    assert indented(result.stdout) == places


def test_that_no_step_is_wrong_is_said(cli: Cli) -> None:
    result = judged(cli, "--trajectory", OPENAI, "--run", "r", replies=(verdict(8, 9, 7, 7, 9),))

    assert "middlemarch: no step is wrong" in result.stdout
    assert "  vote: no step is wrong" in result.stdout  # as it happens
    assert "middlemarch   no step is wrong" in result.stdout  # the table at the end
    assert "vote :" not in result.stdout
    assert "score 8" not in result.stdout
    assert "middlemarch: no step is wrong" in cli("show", "r").stdout
    assert "middlemarch: no step is wrong   identical" in cli("replay", "r").stdout


def test_a_run_is_read_again_with_its_steps(cli: Cli) -> None:
    live = judged(cli, "--trajectory", OPENAI, "--run", "r", replies=(verdict(8, 9, 2, 1, 7, wrong=2),))
    steps = [line for line in live.stdout.splitlines() if line.startswith("  step ")]
    whole = cli("show", "r", "middlemarch").stdout

    assert len(steps) == 5
    for shown in (cli("show", "r").stdout, whole.split("\nverdict\n")[1]):
        assert [line for line in shown.splitlines() if line.startswith("  step ")] == steps
    assert "vote sample 0: step 2 is wrong\n  steps 0 8, 1 9, 2 2, 3 1, 4 7\n" in whole


def test_several_votes_are_told_apart_and_their_means_are_short(cli: Cli) -> None:
    replies = (verdict(8, 9, 2, 1, 7, wrong=2), verdict(8, 9, 9, 9, 9), verdict(7, 7, 2, 1, 7, wrong=2))
    more = ("--set", "samples=3", "--set", "models.default.temperature=1")
    result = judged(cli, "--trajectory", OPENAI, "--run", "r", *more, replies=replies)

    told = [line.strip() for line in result.stdout.splitlines() if line.startswith("  vote")]
    assert told == ["vote: step 2 is wrong", "vote: no step is wrong", "vote: step 2 is wrong"]
    assert "middlemarch: step 2 is wrong\n" in result.stdout  # and no word of votes that agree
    assert "  step 0  7.67  I need" in result.stdout
    assert "vote sample 1: no step is wrong" in cli("show", "r", "middlemarch").stdout


def test_a_judge_of_single_steps_gives_its_reason_below_each(cli: Cli) -> None:
    def score(value: float, reason: str) -> str:
        return json.dumps({"dimensions": [{"name": "progress", "assessment": reason}], "score": value})

    summary = json.dumps(dict.fromkeys(HEADINGS, "x"))
    replies = (summary, summary, score(2, "some"), score(-1.5, "none\n4: at all"), score(3, "much"))
    result = judged(cli, "-t", LANGCHAIN, "--run", "r", "--no-progress", graph="information_gain", replies=replies)

    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines()]
    reasons = [lines[place + 1] for place, line in enumerate(lines) if line.startswith("step ")]
    assert reasons == ["progress: some", "progress: none 4: at all", "progress: much"]
    assert "langchain: step 1 is wrong" in lines
    assert not any(line.startswith("because") for line in lines)
    assert "steps 0 2, 1 -1.5, 2 3" in cli("show", "r", "langchain").stdout


def test_a_call_without_a_result_is_marked_though_the_user_spoke_after_it(cli: Cli) -> None:
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}]
    Path("runs.jsonl").write_text(json.dumps({"messages": [*messages, {"role": "user", "content": "Well?"}]}))

    result = judged(cli, "-t", "runs.jsonl", "--no-run", "--no-progress", replies=(verdict(3),))

    assert "step 0  3  Action: f({}) (no result)" in result.stdout
    assert "the call of step 0 has no result" in result.stderr


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
