"""The simulated planner, executor and answerer: one model that reads nothing but its prompts.

The planner knows the right plan for each question of the world; the executor knows nothing: it calls the tool, reads
the table in its reply and works the step out. Both go wrong as `mind` says. The answerer repeats the last result.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from adjudge.models import Choice, ScriptedModel
from adjudge.models.scripted import Request
from adjudge.types.messages import assistant, tool_call
from benchmarks.four_agents.mind import Assumptions, Blame, Mind, carried_out, planned
from benchmarks.four_agents.plans import ARITHMETIC, NOTHING, Do, Steps, expected, goal, perform, read_goal
from benchmarks.four_agents.questions import Question
from benchmarks.four_agents.reading import as_it_stands, asked_for, fenced, found_in, mistakes_of, results_of, table_in
from benchmarks.four_agents.tables import Sheet

World = Mapping[str, Question]  # by the text of the question
_EXAMPLE = (Do("cell", "wins", "red team"), Do("cell", "wins", "blue team"), Do("minus", uses=(0, 1)))
_NO_TABLE = Sheet("", "", (), ())


def team(world: World, chances: Assumptions, reader: str = "corpus") -> ScriptedModel:
    """The model.

    Args:
        world: What the planner knows.
        chances: How it goes wrong.
        reader: The tool that the executor calls: `corpus`, or `documents`.
    """
    mind = Mind(chances)

    def reply(request: Request) -> Any:
        parts = fenced(request)
        question = world[parts["task"][0].strip()]
        match asked_for(request):
            case "examples":
                text = "by how much do the wins of the red team exceed those of the blue team?"
                return {"examples": [{"question": text, "steps": _shown(_EXAMPLE)}]}
            case "steps":
                blamed = [(item.step, item.truly) for item in mistakes_of(parts) if item.kind == "plan"]
                fault = planned(mind, question, blamed, request.sampling.seed or 0)
                return {"steps": _shown(question.steps if fault is None else fault.steps)}
            case "answer":
                results = results_of(parts)
                return {"answer": results[max(results)] if results else NOTHING, "citations": []}
        return _result(request, parts, question, mind, reader)

    return ScriptedModel(reply, name="team", keep=1)


def _shown(steps: Steps) -> list[dict[str, Any]]:
    return [{"goal": goal(step), "expected": expected(step), "uses": list(step.uses)} for step in steps]


def _result(
    request: Request, parts: Mapping[str, Sequence[str]], question: Question, mind: Mind, reader: str
) -> str | Choice:
    """The result of the step at hand, or the call of the tool that it needs first."""
    text = parts["step to carry out"][0].split("\n")[0].partition(": ")[2]
    step, sheet = read_goal(text), table_in(request)
    if step is None:
        return NOTHING
    if sheet is None and request.tools and step.kind not in ARITHMETIC and request.messages[-1]["role"] != "tool":
        query = {"query": f"{question.text} {text}"} if reader == "corpus" else {"id": "table", "page": 1}
        return Choice(assistant("", [tool_call("look", reader, json.dumps(query))]))
    sheet = sheet or _NO_TABLE
    step = as_it_stands(step, sheet)
    results = results_of({label: list(texts) for label, texts in parts.items()})
    right = perform(step, sheet, [results.get(used, "") for used in step.uses])
    named = [item.truly for item in mistakes_of({k: list(v) for k, v in parts.items()}) if item.goal == text]
    blame = Blame(any(named), not all(named))
    found = carried_out(mind, question, step, sheet, right, blame, request.sampling.seed or 0)
    return f"{found}\nThis is what {_source(request, mind)} and the earlier results give."


def _source(request: Request, mind: Mind) -> str:
    """What a result says it rests on: two words, so that naming it costs nothing."""
    names = found_in(request)
    cites = random.Random(f"cites {request.sampling.seed}").random() < mind.chances.cites
    return f"item {names[0]}" if names and cites else "the table"
