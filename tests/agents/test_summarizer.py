"""The summarizer: bounded prompts at any step, facts kept by id, nothing invented."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge import Case, ConfigError, Evidence, Judge, ScriptedModel, Unscored
from adjudge.agents.budget import pieces, tokens_in, tokens_of
from adjudge.models import Choice
from adjudge.models.scripted import Request, Script
from adjudge.types import Message

BUDGET = 1200
CASE = Case(id="c", prompt="Which river is longer?", responses=("The Nile.", "The Rhine."))
VERDICT = {"rationale": "E1.", "citations": ["E1"], "scores": {"A": 9, "B": 2}, "confidence": 0.9}


def call(number: int, name: str = "find", **arguments: Any) -> Choice:
    wanted = {
        "id": "x",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments or {"n": number})},
    }
    return Choice({"role": "assistant", "content": "", "tool_calls": [wanted]})  # type: ignore[list-item]


class Gatherer:
    """A model that calls a tool on each turn, keeps every fact it reads in its notes, and judges at the end."""

    def __init__(self, turns: int, invent: str = "") -> None:
        self.turns = turns
        self.invent = invent
        self.summaries = 0

    def __call__(self, request: Request) -> Script:
        if request.messages[0]["role"] == "system" and "keep the notes" in str(request.messages[0]["content"]):
            self.summaries += 1
            facts = dict.fromkeys(re.findall(r"fact \d+ is \d+", request.text))
            return "; ".join(facts) + f" [E1] {self.invent}"
        if not request.may_call:
            return VERDICT
        self.turns -= 1
        return call(self.turns) if self.turns >= 0 else "Done."


async def find(n: int) -> list[Evidence]:
    """Find a fact.

    Args:
        n: Its number.
    """
    return [
        Evidence(title=f"Fact {n}", source=f"s{n}", excerpt=f"fact {n} is {n * 7}. " + "Padding without facts. " * 30)
    ]


async def flood(n: int) -> str:
    """Return far more than any budget.

    Args:
        n: Ignored.
    """
    return "\n".join(f"line {number} fact 7 is 49" for number in range(4000))


def graph(**changes: Any) -> dict[str, Any]:
    return {
        "name": "bounded",
        "mode": "pairwise",
        "nodes": {
            "gather": {"agent": "executor", "tools": ["find"], "max_turns": 30},
            "summarize": {"agent": "summarizer", "budget_tokens": BUDGET},
            "judge": {"agent": "judge", "thread": "gather", "decide": "generate"},
        },
        "edges": {"start": "gather", "gather": {"over_budget": "summarize", "done": "judge"}, "summarize": "gather"}
        | {"judge": "end"},
        "limits": {"model_calls": 500, "tool_calls": 100, "tokens": 5_000_000, "visits": 40},
        **changes,
    }


def constant(model: ScriptedModel) -> int:
    """Tokens that every prompt has whatever was gathered: instructions, the task and the responses."""
    return tokens_in(model.requests[0].messages) + tokens_of("".join(str(r.tools) for r in model.requests[:1])) + 600


def longest(model: ScriptedModel) -> int:
    return max(tokens_in(request.messages) for request in model.requests)


def test_a_prompt_never_exceeds_the_budget_plus_a_constant_over_thirty_steps() -> None:
    script = Gatherer(turns=30)
    model = ScriptedModel(script)
    result = Judge(graph(), models={"default": model}, tools=[find])(CASE)
    assert result.scored
    assert script.summaries >= 5
    assert longest(model) <= BUDGET + constant(model)
    assert len(result.evidence) == 30


def test_without_a_summarizer_the_same_prompts_do_exceed_it() -> None:
    edges = {"start": "gather", "gather": "judge", "judge": "end"}
    nodes = {name: node for name, node in graph()["nodes"].items() if name != "summarize"}
    model = ScriptedModel(Gatherer(turns=30))
    Judge(graph(edges=edges, nodes=nodes), models={"default": model}, tools=[find])(CASE)
    assert longest(model) > 3 * BUDGET + constant(model)


def test_facts_of_every_step_reach_the_judge_through_the_notes() -> None:
    model = ScriptedModel(Gatherer(turns=12))
    Judge(graph(), models={"default": model}, tools=[find])(CASE)
    last = model.requests[-1].text
    assert all(f"fact {number} is {number * 7}" in last for number in range(12))


def test_a_reply_longer_than_the_budget_is_read_in_pieces() -> None:
    script = Gatherer(turns=1)
    model = ScriptedModel(script)
    result = Judge(graph(), models={"default": model}, tools={"find": flood})(CASE)
    assert result.scored
    assert script.summaries > 20
    assert longest(model) <= BUDGET + constant(model)
    assert "fact 7 is 49" in model.requests[-1].text


def test_a_name_that_the_notes_invent_is_struck_out_and_counted() -> None:
    model = ScriptedModel(Gatherer(turns=12, invent="E99 proves it."))
    result = Judge(graph(), models={"default": model}, tools=[find])(CASE)
    assert result.usage.dropped_citations >= 1
    assert "E99" not in model.requests[-1].text


def test_turns_count_over_all_visits() -> None:
    nodes = graph()["nodes"] | {"gather": {"agent": "executor", "tools": ["find"], "max_turns": 9}}
    model = ScriptedModel(Gatherer(turns=30))
    result = Judge(graph(nodes=nodes), models={"default": model}, tools=[find])(CASE)
    assert sum(request.may_call for request in model.requests) == 9
    assert result.usage.tool_calls == 9


def test_a_fresh_judge_gets_notes_and_the_evidence_that_fits() -> None:
    nodes = graph()["nodes"] | {"judge": {"agent": "judge", "decide": "generate"}}
    model = ScriptedModel(Gatherer(turns=30))
    Judge(graph(nodes=nodes), models={"default": model}, tools=[find])(CASE)
    verdict = model.requests[-1]
    assert "fact 29 is 203" in verdict.text
    assert "more items are not shown here" in verdict.text
    assert tokens_in(verdict.messages) <= BUDGET + constant(model)


def test_an_empty_summary_is_a_failure_not_a_loss() -> None:
    def mute(request: Request) -> Script:
        if "keep the notes" in str(request.messages[0]["content"]):
            return " "
        return call(3) if request.may_call else VERDICT

    result = Judge(graph(), models={"default": ScriptedModel(mute)}, tools={"find": flood})(CASE)
    assert isinstance(result.outcome, Unscored)
    assert (result.outcome.reason, "empty" in result.outcome.detail) == ("parse_failure", True)


def test_a_run_with_summaries_is_replayed_from_its_journal(tmp_path: Any) -> None:
    journal = tmp_path / "run.sqlite"
    first = Judge(graph(), models={"default": ScriptedModel(Gatherer(turns=12))}, tools=[find], journal=journal)
    once = first(CASE)
    first.close()
    silent = ScriptedModel(())
    second = Judge(graph(), models={"default": silent}, tools=[find], journal=journal)
    again = second(CASE)
    second.close()
    assert again.model_dump_json() == once.model_dump_json()
    assert not silent.requests


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ({"gather": {"over_budget": "judge", "done": "judge"}}, "leads to a summarizer"),
        ({"gather": "judge"}, "exactly one node"),
        ({"summarize": "judge"}, "leads back"),
    ],
)
def test_a_misplaced_summarizer_is_refused(edges: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Judge(graph(edges=graph()["edges"] | edges), models={"default": ScriptedModel()}, tools=[find])


@given(st.text(max_size=600), st.integers(min_value=1, max_value=50))
def test_pieces_keep_the_text_and_the_limit(text: str, tokens: int) -> None:
    cut = pieces(text, tokens)
    assert "".join(cut) == text
    assert all(tokens_of(piece) <= tokens for piece in cut)


def test_tool_calls_count_as_tokens() -> None:
    message: Message = call(1).message
    assert tokens_in([message]) > tokens_in([{"role": "assistant", "content": ""}])
