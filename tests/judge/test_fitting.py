"""A case that a judge cannot judge: what is missing, where, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from adjudge.errors import CaseError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.types import Case, Response, Step, Trajectory

DONE = Trajectory(steps=(Step(thought="a"),))
NEEDS = "a step judge needs the steps of an agent: a trajectory, whose steps are judged, or candidates, of which"

CASES: list[tuple[str, dict[str, Any], str, str, str]] = [
    # graph, fields of the case, what is said, at which key, what to do
    ("information_gain", {}, f"{NEEDS} the next step is chosen; found neither;", "trajectory", "case_of_messages"),
    ("information_gain", {}, "adjudge judge --trajectory FILE", "trajectory", "for responses use a graph such as"),
    (
        "information_gain",
        {"responses": ["one"]},
        "found neither, and 1 response;",
        "trajectory",
        "`rubric` or `direct`",
    ),
    (
        "information_gain",
        {"trajectory": Trajectory(steps=())},
        "found a trajectory without steps;",
        "trajectory",
        "make one of a conversation",
    ),
    (
        "information_gain",
        {"responses": ["one", Response(trajectory=DONE)]},
        "found neither, and 2 responses",
        "trajectory",
        "put the trajectory of response B into the case itself",
    ),
    ("direct", {"trajectory": DONE}, "a pairwise judge needs two responses, found 0", "responses", "set mode: step"),
    ("rubric", {"candidates": ["a"]}, "a pointwise judge needs one response, found 0", "responses", "information_gain"),
    ("direct", {}, "a pairwise judge needs two responses, found 0 responses", "responses", ""),
]


@pytest.mark.parametrize(("graph", "fields", "said", "key", "advice"), CASES)
def test_it_says_what_is_missing_where_and_what_to_do(
    graph: str, fields: dict[str, Any], said: str, key: str, advice: str
) -> None:
    model = ScriptedModel([])
    with pytest.raises(CaseError) as caught:
        Judge.load(graph, model=model)(Case(id="x", prompt="Who?", **fields))
    assert caught.value.key == key
    for text in ("case 'x'", said, advice):
        assert text in str(caught.value)
    assert not model.requests


@pytest.mark.parametrize("fields", [{"trajectory": DONE}, {"candidates": ["a", "b"]}])
def test_steps_or_candidates_are_enough(fields: dict[str, Any]) -> None:
    judge = Judge.load("information_gain", model=ScriptedModel([]))
    judge.check(Case(id="x", prompt="Who?", **fields))


def test_a_trajectory_has_no_candidates_to_rank_and_what_to_do_is_said() -> None:
    judge = Judge.load("information_gain", model=ScriptedModel([]))
    with pytest.raises(CaseError, match=r"candidates, found none; `judge\(case\)` scores the steps of a trajectory"):
        judge.rank(Case(id="x", prompt="Who?", trajectory=DONE))
