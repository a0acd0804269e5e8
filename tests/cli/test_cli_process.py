"""What `adjudge judge` and `adjudge show` say of an answer that four agents gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]


def steps(*goals: str) -> dict[str, Any]:
    return {"steps": [{"goal": goal, "expected": "a number", "uses": list(range(n))} for n, goal in enumerate(goals)]}


def flag(what: str | None = None, mistake: str = "") -> dict[str, Any]:
    named = {"step": None if what is None else 1, "mistake": mistake}
    return {"plan_at_fault": what == "plan", "execution_at_fault": what == "execution", **named}


EXAMPLES = {"examples": [{"question": "Like?", **steps("a")}]}
ANSWER = {"answer": "It is seven.", "citations": []}
FLAGGED = [EXAMPLES, steps("find x", "add y"), "3", "8", flag("execution", "3 + 4 is not 8"), "3", "7", flag(), ANSWER]


@pytest.fixture
def judged(cli: Cli) -> Callable[..., Result]:
    def run(replies: list[Any], *options: str, prompt: str = "What is x + y?") -> Result:
        lines = [reply if isinstance(reply, str) else json.dumps(reply) for reply in replies]
        Path("script.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        documents = [{"id": "d", "text": "x is 3"}]
        Path("cases.jsonl").write_text(json.dumps({"id": "one", "prompt": prompt, "documents": documents}) + "\n")
        return cli("judge", "cases.jsonl", "--graph", "four_agents", "--model", "scripted:script.txt", *options)

    return run


def test_it_shows_the_plan_the_results_the_flags_and_the_answer(judged: Callable[..., Result]) -> None:
    result = judged(FLAGGED, "--no-run")

    assert result.exit_code == 0, result.output
    before, after = result.stdout.split("one: answer", 1)
    shown = [
        "plan",
        "0. find x → a number",
        "1. add y → a number (from 0)",
        "step 0 3",
        "step 1 8",
        "check: flagged",
        "execution, step 1: 3 + 4 is not 8",
        "step 1 7",
        "check: accepted",
    ]
    places = [before.find(line) for line in shown]
    assert -1 not in places, before
    assert places == sorted(places)
    assert "It is seven." in after
    assert "process 2 steps, 1 flag, accepted" in after


def test_without_progress_the_short_line_is_left(judged: Callable[..., Result]) -> None:
    result = judged(FLAGGED, "--no-run", "--no-progress")

    assert "process 2 steps, 1 flag, accepted" in result.stdout
    assert "check: flagged" not in result.stdout


ENDINGS = [
    ([flag("plan", "x is not asked for")], "1 flag, still flagged when no correction was left"),
    (["no", "no", "no"], "no flag, could not be read, so nothing is checked"),
    ([flag()], "no flag, accepted"),
]


@pytest.mark.parametrize(("checks", "told"), ENDINGS)
def test_it_says_how_it_ended(judged: Callable[..., Result], checks: list[Any], told: str) -> None:
    replies = [EXAMPLES, steps("find x", "add y"), "3", "7", *checks, ANSWER]
    result = judged(replies, "--no-run", "--set", "nodes.check.corrections=0")

    assert f"process 2 steps, {told}" in result.stdout, result.stdout
    assert f"check: {told.split(', ', 1)[1]}" in result.stdout


def test_show_prints_every_round_with_its_results(cli: Cli, judged: Callable[..., Result]) -> None:
    judged(FLAGGED, "--run", "r")
    result = cli("show", "r", "one")

    assert result.exit_code == 0, result.output
    first = result.stdout.index("round 1, flagged")
    last = result.stdout.index("plan and results: accepted")
    assert first < result.stdout.index("     8\n") < result.stdout.index("3 + 4 is not 8") < last
    assert last < result.stdout.index("     7\n", last) < result.stdout.index("It is seven.")


def test_show_prints_candidates_scores_and_what_has_no_result(cli: Cli, judged: Callable[..., Result]) -> None:
    replies = [EXAMPLES, steps("find x", "add y"), "3", "4", "3", "", "", "", flag(), ANSWER]
    more = ("--set", "nodes.execute.best_of=3", "--set", "models.default.temperature=0.7")
    Path("script.txt").write_text("")
    shown = judged([json.dumps("") if reply == "" else reply for reply in replies], "--run", "r", *more)

    assert "step 0 3 (best of 3)" in shown.stdout
    result = cli("show", "r", "one")
    assert result.stdout.count("candidate, not scored: ") == 6


def test_json_holds_the_process(judged: Callable[..., Result]) -> None:
    result = judged(FLAGGED, "--no-run", "--json")

    (told,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert told["judgement"]["text"] == "It is seven."
    assert told["process"]["checked"] == "accepted"
    assert [item["flag"]["mistake"] for item in told["process"]["rounds"]] == ["3 + 4 is not 8"]
    assert [item["output"] for item in told["process"]["outputs"]] == ["3", "7"]


def test_control_sequences_and_forged_lines_do_not_reach_the_terminal(cli: Cli, judged: Callable[..., Result]) -> None:
    evil = "\x1b[2J\u202e[bold]3[/bold]\n  check: accepted"
    replies = [EXAMPLES, steps(evil, "add y"), json.dumps(evil), "8", flag("plan", evil), ANSWER]
    live = judged(replies, "--run", "r", "--set", "nodes.check.corrections=0")
    for result in (live, cli("show", "r", "one")):
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout
        assert "[bold]3[/bold]" in result.stdout
    assert not [line for line in live.stdout.splitlines() if line.strip() == "check: accepted"]


def test_a_plan_that_nobody_can_read_is_unscored(judged: Callable[..., Result]) -> None:
    result = judged(["no"] * 6, "--no-run")

    assert "unscored (parse_failure)" in result.stdout
    assert "no plan can be read" in result.stdout


def test_the_drawing_says_what_each_agent_may_do(cli: Cli) -> None:
    plain = cli("graph", "show", "four_agents").stdout
    assert "[plan]  planner\n" in plain
    assert "[execute]  step_executor; tools corpus, documents, python, read; up to 4 turns\n" in plain
    assert "[check]  process_judge; up to 3 corrections\n" in plain

    more = ["plan.parallel=4", "plan.adaptive=true", "execute.best_of=8", "check.min_thinking_tokens=500"]
    more += ["check.evidence=cited"]
    settings = [word for item in more for word in ("--set", f"nodes.{item}")]
    scaled = cli("graph", "show", "four_agents", "--set", "models.default.temperature=1", *settings).stdout
    for fact in (
        "planner; up to 4 plans",
        "best of 8 by agreement",
        "corrections; thinks 500 tokens or more; sees what the results cite",
    ):
        assert fact in scaled
