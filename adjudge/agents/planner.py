"""The planner: analogous examples first, then parallel plans, of which one is followed.

After MACT (Algorithm 1, planning): `P_rel` are questions like the one at hand with plans for them; each of them leads
to a plan of its own for the task. After a flag on the plan it plans again with the mistakes in view, and with the same
examples. The paper does not say which of the parallel plans is followed. Ours: the one that agrees most with the others
(`agreement.plan_overlap`), the first of several; `adaptive` stops where a majority agrees step by step
(`agreement.plan_agreement`).

The embedded model hardly ever writes a plan that can be read. It is asked once, without examples, and nothing is sent
back, so that this shows at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import Field, ValidationError

from adjudge.agents import material
from adjudge.agents.agreement import medoid, plan_agreement, plan_overlap, settled
from adjudge.agents.asking import ask, together
from adjudge.agents.form import Unreadable, text_at
from adjudge.agents.prompts import prompt
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.fences import fence
from adjudge.run import Run
from adjudge.types import Example, Plan, Planned, Process, Unscored
from adjudge.types.messages import system, user

_STEP = {
    "type": "object",
    "properties": {
        "goal": {"type": "string"},
        "expected": {"type": "string"},
        "uses": {"type": "array", "items": {"type": "integer", "minimum": 0}},
    },
    "required": ["goal", "expected", "uses"],
    "additionalProperties": False,
}
_FORM = (
    'each step is an object with "goal" (what is to be found out, not how and with which tool), "expected" (what the '
    'result looks like) and "uses" (a list of the numbers of earlier steps whose results it needs, counted from 0).'
)


class PlannerSettings(NodeSettings):
    """A planner node."""

    parallel: int = Field(default=1, ge=1, le=64, description="Plans drawn, side by side; with examples, one for each.")
    examples: bool = Field(default=True, description="Whether analogous examples come first.")
    adaptive: bool = Field(
        default=False, description="Draw two plans, and then more, up to `parallel`, only while they disagree."
    )
    max_steps: int = Field(default=8, ge=1, le=64)
    repair: int = Field(default=2, ge=0, le=10, description="Times an unreadable plan is sent back.")
    instructions: str = Field(default="", description="Your own words on what a good plan is, added to the prompt.")


def planner(settings: PlannerSettings, setting: Setting) -> Agent:
    """The planner as an agent. It reports `done` with plans, or `failed` when not one could be read."""

    async def act(work: Work, run: Run) -> Report:
        process = work.process or Process()
        examples = process.examples
        if settings.examples and not work.visit and not setting.info.embedded:
            examples = await _examples(work, run, settings, setting)
        drawn = await _draw(work, run, settings, setting, examples)
        plans = tuple(plan for plan in drawn if isinstance(plan, Plan))
        if not plans:
            problem = next(why for why in drawn if isinstance(why, str))
            return Report("failed", outcome=Unscored(reason="parse_failure", detail=f"no plan can be read: {problem}"))
        chosen = medoid(plans, plan_overlap)
        update = {"examples": examples, "plans": plans, "chosen": chosen, "outputs": (), "checked": ""}
        run.emit(Planned(work.node, plans[chosen], len(plans), len(process.rounds)))
        return Report(process=process.model_copy(update=update))

    return act


async def _draw(
    work: Work, run: Run, settings: PlannerSettings, setting: Setting, examples: Sequence[Example]
) -> list[Plan | str]:
    """Plans, or why they cannot be read. `adaptive` stops when more than half of the readable ones agree."""
    most = settings.parallel
    waves = [range(min(2, most)), *(range(n, n + 1) for n in range(2, most))] if settings.adaptive else [range(most)]
    drawn: list[Plan | str] = []
    for wave in waves:
        if settled([plan for plan in drawn if isinstance(plan, Plan)], plan_agreement, plan_overlap):
            break
        shown = [(number, examples[number % len(examples)] if examples else None) for number in wave]
        drawn += await together(_plan(work, run, settings, setting, example, number) for number, example in shown)
    return drawn


async def _examples(work: Work, run: Run, settings: PlannerSettings, setting: Setting) -> tuple[Example, ...]:
    """Analogous questions with plans; none where the model writes none that can be read."""
    asked = (
        f"Write {settings.parallel} question{'s' * (settings.parallel > 1)} like this task, each with a plan that "
        'would answer it. Reply with one JSON object and nothing else. Its key "examples" is a list of objects with '
        f'"question" and "steps", at most {settings.max_steps} of them; {_FORM}'
    )
    messages = [
        system(prompt("planner")),
        user(material.with_images(f"{material.task(work.case)}\n\n{asked}", work.case)),
    ]
    sampling = {**setting.sampling, "json_schema": setting.enforced(_examples_schema(settings.max_steps))}

    def read(found: dict[str, Any]) -> tuple[Example, ...]:
        return _read_examples(found, settings.max_steps)

    found = await ask(run, work.at(turn=0), setting.model, messages, sampling, read, {"examples"}, settings.repair)
    return () if isinstance(found, str) else found


async def _plan(
    work: Work, run: Run, settings: PlannerSettings, setting: Setting, example: Example | None, number: int
) -> Plan | str:
    """One plan, or why it cannot be read."""
    parts = [material.task(work.case)]
    if example is not None:
        parts.append(fence("a similar task", f"{example.question}\n{example.plan.render()}"))
    if work.process is not None and work.process.rounds:
        parts.append(material.mistakes(work.process))
    asked = (
        f"Write a plan for the task, of 1 to {settings.max_steps} steps. Reply with one JSON object and nothing else. "
        f'Its key "steps" is a list; {_FORM}'
    )
    text = "\n\n".join(part for part in (*parts, settings.instructions, asked) if part)
    messages = [system(prompt("planner")), user(material.with_images(text, work.case))]
    sampling = {**setting.sampling, "json_schema": setting.enforced(_object(steps=_steps_schema(settings.max_steps)))}
    at = work.at(turn=1)._replace(sample=number)

    def read(found: dict[str, Any]) -> Plan:
        return _read_plan(found["steps"], settings.max_steps)

    repair = 0 if setting.info.embedded else settings.repair
    return await ask(run, at, setting.model, messages, sampling, read, {"steps"}, repair)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _steps_schema(most: int) -> dict[str, Any]:
    return {"type": "array", "items": _STEP, "minItems": 1, "maxItems": most}


def _examples_schema(most: int) -> dict[str, Any]:
    one = _object(question={"type": "string"}, steps=_steps_schema(most))
    return _object(examples={"type": "array", "items": one, "minItems": 1})


def _read_examples(found: dict[str, Any], most: int) -> tuple[Example, ...]:
    items = found["examples"]
    if not isinstance(items, list) or not items:
        raise Unreadable("examples must be a list of objects")
    read = []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise Unreadable(f'examples[{number}] must be an object with "question" and "steps"')
        question = text_at(item.get("question"), f"examples[{number}].question")
        read.append(Example(question=question, plan=_read_plan(item.get("steps"), most)))
    return tuple(read)


def _read_plan(steps: object, most: int) -> Plan:
    if not isinstance(steps, list) or not 1 <= len(steps) <= most:
        raise Unreadable(f"steps must be a list of 1 to {most} objects")
    try:
        return Plan.model_validate({"steps": steps})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "steps"
        raise Unreadable(f"{place}: {first['msg']}; found {json.dumps(first.get('input'))[:80]}") from error


PLANNER = AgentKind(PlannerSettings, planner, frozenset({"done", "failed"}))
