"""Candidates for the next step on the command line: judged, ranked and shown as they are before they run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from adjudge.agents.trajectory_summarizer import HEADINGS

Cli = Callable[..., Result]
PAST = {"steps": [{"thought": "I look.", "tool": "search", "arguments": {}, "observation": "a book"}]}
DONE = {"thought": "I search.", "tool": "search", "arguments": {"query": "author"}, "observation": "SECRET"}
CASE = {"id": "q", "prompt": "Who?", "trajectory": PAST, "candidates": ["I guess.", DONE]}


def score(value: float) -> str:
    return json.dumps({"dimensions": [{"name": "n", "assessment": "a"}], "score": value})


@pytest.fixture
def scored(cli: Cli) -> Callable[..., Result]:
    def run(command: str, *options: str, case: dict[str, Any] = CASE) -> Result:
        Path("cases.jsonl").write_text(json.dumps(case))
        replies = [*([json.dumps(dict.fromkeys(HEADINGS, "x"))] if "trajectory" in case else []), score(1), score(3)]
        Path("script.txt").write_text("".join(f"{reply}\n" for reply in replies))
        return cli(command, "cases.jsonl", "-g", "information_gain", "-m", "scripted:script.txt", *options)

    return run


def test_judged_candidates_are_shown_with_the_best_named(cli: Cli, scored: Callable[..., Result]) -> None:
    result = scored("judge", "--run", "r")

    assert "q: B wins   scores A 1, B 3" in result.stdout
    assert "  A I guess.\n" in result.stdout
    assert '  B I search. Action: search({"query": "author"})\n' in result.stdout
    assert "candidate B\n  I search.\n" in cli("show", "r", "q").stdout
    assert "SECRET" not in result.stdout


def test_ranked_candidates_are_shown_best_first(scored: Callable[..., Result]) -> None:
    result = scored("rank", "--run", "none")

    assert result.exit_code == 0, result.output
    assert "q: B is best" in result.stdout
    assert result.stdout.index("B   3.00  I search.") < result.stdout.index("A   1.00  I guess.")
    assert "SECRET" not in result.stdout


def test_the_score_of_a_single_candidate_is_a_score(scored: Callable[..., Result]) -> None:
    result = scored("judge", "--no-run", case={"id": "one", "prompt": "?", "candidates": ["I search."]})

    assert "one: score 1" in result.stdout
    assert "vote A: score 1" in result.stdout


def test_a_trajectory_without_candidates_cannot_be_ranked_and_what_to_do_is_said(scored: Callable[..., Result]) -> None:
    result = scored("rank", "--run", "none", case={"id": "q", "prompt": "?", "trajectory": PAST})

    assert result.exit_code == 2
    assert "candidates, found none; `judge(case)` scores the steps of a trajectory" in result.stderr
