"""Mistakes of a file that plans, carries out and checks: refused at load, with their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.graphs.library import FOLDER
from adjudge.judge import Judge
from adjudge.models import ScriptedModel

FILE = (FOLDER / "four_agents.yaml").read_text("utf-8")


async def score(case: Any) -> list[float | None]:
    return [0.0 for _ in case.candidates]


def load(tmp_path: Path, *changes: tuple[str, str], **more: Any) -> Judge:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "mine.yaml").write_text(text)
    return Judge.load(tmp_path / "mine.yaml", model=ScriptedModel(), **more)


MISTAKES = [
    # what is changed, into what, key, part of the message, nearest name
    (
        "best_of: 1",
        "best_of: 4",
        "nodes.execute.best_of",
        "at temperature 0 all candidates of a step are the same",
        None,
    ),
    (
        "parallel: 1",
        "parallel: 4, examples: false",
        "nodes.plan.parallel",
        "at temperature 0 and without examples",
        None,
    ),
    ("max_turns: 4", "max_turns: 1", "nodes.execute.max_turns", "these could never be called", None),
    ("best_of: 1", "scorer: agreemnt", "nodes.execute.scorer", "unknown scorer", "agreement"),
    ("best_of: 1", "scorer: prn", "nodes.execute.scorer", "unknown scorer", "prm"),
    ("corrections: 3", "corrections: 5", "nodes.check.corrections", "limits.visits is 5", None),
    ("python, read]", "pyhton, read]", "nodes.execute.tools.2", "unknown tool", "python"),
    (
        "plan_flagged: plan",
        "plan_falgged: plan",
        "edges.check.plan_falgged",
        "never reports this status",
        "plan_flagged",
    ),
    ("agent: planner, parallel: 1, max_steps: 6", "agent: executor", "nodes.execute.agent", "nobody plans", None),
    (
        "min_thinking_tokens: 0",
        "min_thinking_tokens: -1",
        "nodes.check.min_thinking_tokens",
        "greater than or equal",
        None,
    ),
    ("corrections: 3", "corections: 3", "nodes.check.corections", "unknown key", "corrections"),
    ("parallel: 1", "parallel: 0", "nodes.plan.parallel", "greater than or equal to 1", None),
    ("best_of: 1", "best_of: 0", "nodes.execute.best_of", "greater than or equal to 1", None),
    ("parallel: 1", "parallel: many", "nodes.plan.parallel", "a whole number", None),
    ("parallel: 1", "parallel: 4, adaptive: sometimes", "nodes.plan.adaptive", "true or false", None),
    ("parallel: 1", "parallel: 1, adaptive: true", "nodes.plan.adaptive", "up to parallel, and that is 1", None),
    ("best_of: 1", "best_of: 1, adaptive: true", "nodes.execute.adaptive", "up to best_of, and that is 1", None),
    (
        "min_thinking_tokens: 0",
        "min_thinking_tokens: 9000",
        "nodes.check.min_thinking_tokens",
        "8 times at most, and a reply has 1024 tokens",
        None,
    ),
    ("evidence: none", "evidence: sited", "nodes.check.evidence", "allowed: none, cited", "cited"),
    (
        "tools: [corpus, documents, python, read], max_turns: 4, best_of: 1}\n  check: {agent: process_judge, "
        "corrections: 3, min_thinking_tokens: 0, evidence: none",
        "best_of: 1}\n  check: {agent: process_judge, evidence: cited",
        "nodes.check.evidence",
        "no node has tools",
        None,
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "problem", "near"), MISTAKES, ids=[row[2] + row[1] for row in MISTAKES])
def test_a_mistake_names_its_place_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, key: str, problem: str, near: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, (old, new), scorers={"prm": score})
    assert problem in str(caught.value)
    assert caught.value.key == key
    assert caught.value.line is not None
    if near is not None:
        assert f"did you mean {near!r}?" in str(caught.value)


RIGHT: list[tuple[tuple[str, str], ...]] = [
    (("evidence: none", "evidence: cited"),),
    (("min_thinking_tokens: 0", "min_thinking_tokens: 8192"),),
    (("default: auto", "default: {max_tokens: 4096}"), ("min_thinking_tokens: 0", "min_thinking_tokens: 9000")),
    (("parallel: 1", "parallel: 2, adaptive: true"),),
    (("parallel: 1", "parallel: 4"),),  # different examples make different plans
    (("default: auto", "default: {temperature: 0.7}"), ("best_of: 1", "best_of: 16"), ("parallel: 1", "parallel: 16")),
    (("best_of: 1", "scorer: prm"),),
    (("corrections: 3", "corrections: 4"),),
    (("corrections: 3", "corrections: 9"), ("visits: 5", "visits: 10")),
    (("tools: [corpus, documents, python, read], max_turns: 4", "max_turns: 1"),),
    (("failed: answer}", "failed: end}"),),
]


@pytest.mark.parametrize("changes", RIGHT)
def test_what_makes_sense_is_accepted(tmp_path: Path, changes: tuple[tuple[str, str], ...]) -> None:
    assert load(tmp_path, *changes, scorers={"prm": score}).spec.name == "four_agents"


def test_where_an_own_agent_may_plan_no_planner_is_missed() -> None:
    async def own(work: Any, run: Any) -> Any:
        raise AssertionError("never called")

    nodes = {"plan": {"agent": "own"}, "execute": {"agent": "step_executor"}, "answer": {"agent": "answerer"}}
    edges = {"start": "plan", "plan": "execute", "execute": "answer", "answer": "end"}
    spec = {"name": "x", "mode": "answer", "nodes": nodes, "edges": edges}
    assert Judge(spec, models={"default": ScriptedModel()}, agents={"own": own}).spec.nodes
