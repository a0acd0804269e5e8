"""The simulated judge of the process: an oracle with noise, an oracle that shares the team's blind spots, or a coin."""

from __future__ import annotations

import random
from typing import Any, Literal, NamedTuple

from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from benchmarks.four_agents.mind import Mind
from benchmarks.four_agents.reading import FALSE, TRUE, fenced, results_of, steps_of
from benchmarks.four_agents.shown import hidden
from benchmarks.four_agents.team import World
from benchmarks.four_agents.truth import Truth, truth

COIN_RATE = 0.5  # about how often the judge of accuracy 0.8 flags


class Checker(NamedTuple):
    """Who checks.

    With accuracy a, a faulty process is flagged with the chance a, and then named with the right kind and the right
    step with the chance a each; a right one is flagged all the same with the chance 1 - a, kind and step at random.
    """

    accuracy: float  # in [0, 1]
    blind: Mind | None = None  # takes the systematic mistakes of this mind for right
    coin: bool = False  # flags at random, at the rate `COIN_RATE`: the control
    reads: bool = False  # takes for right what cannot be told from the prompt (`shown.hidden`); the others know all


def checker(world: World, who: Checker) -> ScriptedModel:
    """The model."""

    def reply(request: Request) -> dict[str, Any]:
        parts = fenced(request)
        question, steps = world[parts["task"][0].strip()], steps_of(parts["plan"][-1])
        results = results_of(parts)
        really = truth(question, steps, results)
        seen = truth(question, steps, results, who.blind, hidden(question, steps, parts) if who.reads else ())
        flag = _flag(who, seen, len(steps), random.Random(f"check {request.sampling.seed}"))
        if flag is None:
            return {"plan_at_fault": False, "execution_at_fault": False, "step": None, "mistake": ""}
        kind, step = flag
        both = kind == "plan" == seen.kind and seen.execution is not None  # told both, the plan goes first
        return {
            "plan_at_fault": kind == "plan",
            "execution_at_fault": kind == "execution" or both,
            "step": step,
            "mistake": f"{TRUE if really.holds(kind, step) else FALSE}: it is not what the question needs.",
        }

    name = f"checker {who.accuracy:g} blind={who.blind is not None} coin={who.coin} reads={who.reads}"
    return ScriptedModel(reply, name=name, keep=1)


def _flag(
    who: Checker, seen: Truth, steps: int, draw: random.Random
) -> tuple[Literal["plan", "execution"], int] | None:
    """Kind and step of a flag. The same numbers are drawn whatever the accuracy, so that accuracies can be compared."""
    notices, kind_right, step_right = draw.random(), draw.random(), draw.random()
    any_kind: Literal["plan", "execution"] = draw.choice(("plan", "execution"))
    any_step = draw.randrange(steps)
    if who.coin:
        return (any_kind, any_step) if notices < COIN_RATE else None
    if seen.kind is None or seen.step is None:
        return (any_kind, any_step) if notices >= who.accuracy else None
    if notices >= who.accuracy:
        return None
    other: Literal["plan", "execution"] = "execution" if seen.kind == "plan" else "plan"
    others = [step for step in range(steps) if step != seen.step] or [seen.step]
    return (
        seen.kind if kind_right < who.accuracy else other,
        seen.step if step_right < who.accuracy else others[any_step % len(others)],
    )
