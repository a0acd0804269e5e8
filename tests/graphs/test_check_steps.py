"""Judge files whose judge of single steps cannot mean what it says are refused, with the key."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel

SUMMARIZE = {"agent": "trajectory_summarizer"}


def graph(judge: dict[str, Any], mode: str = "step", **nodes: dict[str, Any]) -> dict[str, Any]:
    edges = dict(pairwise(["start", *nodes, "judge", "end"]))
    shown = {**nodes, "judge": {"agent": "judge", **judge}}
    return {"name": "g", "mode": mode, "scale": {"min": -4, "max": 4}, "nodes": shown, "edges": edges}


@pytest.mark.parametrize(
    ("spec", "key", "words"),
    [
        (graph({"each": True}, mode="pairwise"), "nodes.judge.each", "only steps"),
        (graph({"each": True, "history": "summary"}), "nodes.judge.history", "nobody summarizes"),
        (graph({"history": "last"}), "nodes.judge.history", "each is judged by itself"),
        (graph({"each": True, "principles": True}), "nodes.judge.principles", "part of the reply"),
        (graph({"each": True, "thread": "look"}, look={"agent": "executor"}), "nodes.judge.thread", "of its own"),
        (graph({}, mode="pairwise", look=SUMMARIZE), "nodes.look.agent", "judge of steps"),
    ],
)
def test_a_judge_of_single_steps_that_cannot_be_meant_is_refused(spec: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Judge(spec, models={"default": ScriptedModel()})
    assert caught.value.key == key


def test_what_shipped_and_its_controls_are_accepted() -> None:
    for history in ("full", "last", "summary"):
        Judge.load("information_gain", model=ScriptedModel(), settings=[f"nodes.judge.history={history}"])
