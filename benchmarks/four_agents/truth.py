"""What is really wrong with a plan and its results."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from benchmarks.four_agents.mind import Mind
from benchmarks.four_agents.plans import Steps, perform
from benchmarks.four_agents.questions import Question


class Truth(NamedTuple):
    """The first fault of each kind, by the 0-based number of its step; None: there is none."""

    plan: int | None
    execution: int | None

    @property
    def kind(self) -> Literal["plan", "execution"] | None:
        """Which of them has to be mended first: a fault of the plan, as published."""
        return "plan" if self.plan is not None else "execution" if self.execution is not None else None

    @property
    def step(self) -> int | None:
        """The step of that fault."""
        return self.execution if self.plan is None else self.plan

    def holds(self, kind: str, step: int) -> bool:
        """Whether there is such a fault in that step."""
        return step == (self.plan if kind == "plan" else self.execution)


def truth(
    question: Question,
    steps: Steps,
    results: Mapping[int, str],
    blind: Mind | None = None,
    hidden: Collection[int] = (),
) -> Truth:
    """What is wrong.

    A plan is wrong if it is one of the question's known faults. A result is wrong if it is not what the step gives for
    the results, right or wrong, that it was built on: a mistake that is only handed on counts once.

    Args:
        question: With its right plan.
        steps: The plan that was followed.
        results: First lines of the results, by step.
        blind: Whoever looks takes the systematic mistakes of this mind for right: its own.
        hidden: Steps whose results nobody can check who looks; they are taken for right.
    """
    own = None if blind is None else blind.plan(question)
    faults = {fault.steps: fault.step for fault in question.faults if own is None or fault.steps != own.steps}
    execution = None
    for number, step in enumerate(steps):
        found = results.get(number, "")
        right = perform(step, question.sheet, [results.get(used, "") for used in step.uses])
        believed = None if blind is None else blind.result(question, step, question.sheet, right)
        if number not in hidden and found not in (right, believed):
            execution = number
            break
    return Truth(faults.get(steps), execution)
