"""A simulated process-reward model: scores a candidate 1 if its result is right and 0 if not, with noise."""

from __future__ import annotations

import random

from adjudge import Case
from adjudge.agents import Scorer
from benchmarks.four_agents.plans import perform, read_goal
from benchmarks.four_agents.team import World


def scorer(world: World, accuracy: float) -> Scorer:
    """The scorer. Each score is turned round with the chance 1 - accuracy."""

    async def score(case: Case) -> list[float | None]:
        question = world[case.question]
        past = case.trajectory.steps if case.trajectory is not None else ()
        before = [(step.observation or "").partition("\n")[0].strip() for step in past]
        scores: list[float | None] = []
        for number, candidate in enumerate(case.candidates):
            text, _, result = candidate.thought.partition("\n\n")
            step = read_goal(text)
            if step is None:
                scores.append(None)
                continue
            right = perform(step, question.sheet, [before[used] for used in step.uses if used < len(before)])
            said = result.partition("\n")[0].strip() == right
            noisy = random.Random(f"score {case.id} {number} {result}").random() >= accuracy
            scores.append(float(said != noisy))
        return scores

    return score
