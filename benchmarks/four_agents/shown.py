"""What the judge of a process is really shown, read from its prompts, and which faults can be told from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from benchmarks.four_agents.figures import Figure, share
from benchmarks.four_agents.graphs import judge
from benchmarks.four_agents.mind import Assumptions
from benchmarks.four_agents.plans import ARITHMETIC, Steps
from benchmarks.four_agents.questions import Question
from benchmarks.four_agents.reading import cited_by, fenced, steps_of, table_of
from benchmarks.four_agents.runs import Trial, trials
from benchmarks.four_agents.team import team

_ACCEPTED = {"plan_at_fault": False, "execution_at_fault": False, "step": None, "mistake": ""}


class Shown(NamedTuple):
    """The first check of a question: the prompt, and what came of it."""

    question: Question
    request: Request
    trial: Trial


def hidden(question: Question, steps: Steps, parts: Mapping[str, list[str]]) -> set[int]:
    """Steps whose results cannot be worked out again from a prompt.

    Arithmetic can always be, from the results that it uses. What was looked up can be where the result names an item
    that is shown and holds the whole table.

    Args:
        question: Whose table it is.
        steps: The plan.
        parts: Fenced parts of the prompt.
    """
    looked_up = [number for number, step in enumerate(steps) if step.kind not in ARITHMETIC]
    return {number for number in looked_up if not _whole(question, cited_by(parts, number))}


async def first_checks(questions: Sequence[Question], chances: Assumptions, evidence: str = "none") -> list[Shown]:
    """What a judge is shown after the first pass over each question.

    Args:
        questions: All different.
        chances: How the team goes wrong.
        evidence: The setting of the judge.
    """
    watcher = ScriptedModel(_accept, name="watcher")
    known = {question.text: question for question in questions}
    found = await trials(judge(team(known, chances), watcher, check={"evidence": evidence}), questions)
    return [Shown(*row) for row in zip(questions, watcher.requests, found, strict=True)]


def visible(shown: Sequence[Shown]) -> Figure | None:
    """The share of first faults that can be told from the prompt: all of plans, and results that are not `hidden`."""
    faulty = [item for item in shown if item.trial.checks[0].really.kind is not None]
    return share([(item.trial.table, _visible(item)) for item in faulty])


def _visible(item: Shown) -> bool:
    really, parts = item.trial.checks[0].really, fenced(item.request)
    return really.kind == "plan" or really.step not in hidden(item.question, steps_of(parts["plan"][-1]), parts)


def _whole(question: Question, texts: Sequence[str]) -> bool:
    table = table_of(texts)
    return table is not None and (table.header, table.rows) == (question.sheet.header, question.sheet.rows)


def _accept(request: Request) -> Any:
    return _ACCEPTED
