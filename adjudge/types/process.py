"""How an answer came about: plans, what was done for each step, and what a judge of the process found wrong.

After MACT (Algorithm 1): a plan says what is to be done and not how; a flag names a step and describes the mistake, and
never mends it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from adjudge.types.frozen import Frozen


class PlanStep(Frozen):
    """One step of a plan: what is to be found out, not how."""

    goal: str = Field(min_length=1)
    expected: str = Field(default="", description="What its result looks like.")
    uses: tuple[int, ...] = Field(default=(), description="0-based steps whose results it needs; earlier ones only.")


class Plan(Frozen):
    """The steps that lead to an answer.

    Raises:
        pydantic.ValidationError: It has no step, or a step needs itself or a later one.
    """

    steps: tuple[PlanStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _forward(self) -> Self:
        for number, step in enumerate(self.steps):
            if any(not 0 <= used < number for used in step.uses):
                raise ValueError(f"step {number} may use the results of earlier steps only, found {list(step.uses)}")
        return self

    def render(self) -> str:
        """The plan as numbered text, counted from 0."""
        return "\n".join(
            f"{number}. {step.goal}" + (f" → {step.expected}" if step.expected else "")
            for number, step in enumerate(self.steps)
        )


class Example(Frozen):
    """A question like the one at hand, with a plan for it."""

    question: str
    plan: Plan


class StepOutput(Frozen):
    """What came of one step."""

    step: int = Field(description="0-based.")
    output: str = ""
    failed: str = Field(default="", description="Why there is no output.")
    tools_failed: bool = Field(default=False, description="It called tools, and not one of the calls succeeded.")
    candidates: tuple[str, ...] = Field(default=(), description="All that were drawn, where there were several.")
    scores: tuple[float | None, ...] = Field(default=(), description="Of the candidates; None: not scored.")


class Flag(Frozen):
    """A mistake: whose, in which step, and what is wrong with it."""

    kind: Literal["plan", "execution"]
    step: int = Field(description="0-based.")
    mistake: str


class Round(Frozen):
    """A plan, what was done for it, and what was found wrong."""

    plan: Plan
    outputs: tuple[StepOutput, ...]
    flag: Flag


class Process(Frozen):
    """The process so far. `rounds` are those that a judge has flagged, oldest first, the one at the cap included."""

    examples: tuple[Example, ...] = ()
    plans: tuple[Plan, ...] = Field(default=(), description="The latest, drawn in parallel.")
    chosen: int = Field(default=0, description="0-based place of the plan that is followed.")
    outputs: tuple[StepOutput, ...] = ()
    rounds: tuple[Round, ...] = ()
    checked: Literal["", "accepted", "capped", "unreadable"] = Field(
        default="",
        description="How the last check ended: accepted; capped (flagged, and no correction was left); unreadable (no "
        "reply could be read). Empty: nobody has checked what is there.",
    )

    @property
    def plan(self) -> Plan | None:
        """The plan that is followed."""
        return self.plans[self.chosen] if self.plans else None
