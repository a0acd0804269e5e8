"""Run an arm over the questions, and keep of each run what the figures need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from adjudge import Case, Judge
from adjudge.types import Answer, Event, Flag, NodeStarted, Plan, StepOutput
from benchmarks.four_agents.questions import Question
from benchmarks.four_agents.reading import steps_of
from benchmarks.four_agents.truth import Truth, truth


class Check(NamedTuple):
    """What the judge of the process was shown once, and what it said."""

    really: Truth
    flag: Flag | None
    right: bool  # whether the last result was the answer
    acted: bool  # whether a correction followed


class Trial(NamedTuple):
    """One question under one arm."""

    table: str
    answer: str | None  # None: unscored
    right: bool
    tokens: int  # in and out; the scripted models count words
    checks: tuple[Check, ...]
    checked: str  # accepted, capped, unreadable, or nothing where nobody checks
    followed: bool  # whether the nodes were entered in the order that the flags ask for
    draws: tuple[int, ...]  # candidates for each step of the last execution


async def trials(judge: Judge, questions: Iterable[Question]) -> list[Trial]:
    """Every question once."""
    return [await _trial(judge, question) for question in questions]


def case_of(question: Question) -> Case:
    """The question with its table as a document."""
    table = {"id": "table", "title": question.sheet.title, "text": question.sheet.markdown}
    return Case.model_validate({"id": question.id, "prompt": question.text, "documents": [table]})


async def _trial(judge: Judge, question: Question) -> Trial:
    events: list[Event] = []
    result = await judge.ajudge(case_of(question), on_event=events.append)
    answer = result.outcome.text if isinstance(result.outcome, Answer) else None
    process = result.process
    assert process is not None
    checks = [_check(question, item.plan, item.outputs, item.flag) for item in process.rounds]
    if process.checked == "accepted" and process.plan is not None:
        checks.append(_check(question, process.plan, process.outputs, None))
    if process.checked == "capped":
        checks[-1] = checks[-1]._replace(acted=False)
    return Trial(
        table=question.sheet.id,
        answer=answer,
        right=answer == question.answer,
        tokens=result.usage.tokens_in + result.usage.tokens_out,
        checks=tuple(checks),
        checked=process.checked,
        followed=_followed(events, checks),
        draws=tuple(max(1, len(item.candidates)) for item in process.outputs),
    )


def _check(question: Question, plan: Plan, outputs: Sequence[StepOutput], flag: Flag | None) -> Check:
    results = {item.step: item.output.partition("\n")[0].strip() for item in outputs}
    right = bool(outputs) and results[outputs[-1].step] == question.answer
    steps = steps_of(plan.render())
    return Check(truth(question, steps, results), flag, right, acted=flag is not None)


def _followed(events: Sequence[Event], checks: Sequence[Check]) -> bool:
    """Whether a flag on the plan led to a new plan, one on the execution to a new execution, and nothing else did."""
    entered = [event.node for event in events if isinstance(event, NodeStarted)]
    wanted = ["plan", "execute"]
    for check in checks:
        wanted.append("check")
        if check.acted and check.flag is not None:
            wanted += ["plan", "execute"] if check.flag.kind == "plan" else ["execute"]
    return entered == [*wanted, "answer"]
