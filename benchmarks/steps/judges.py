"""Judges of steps in the search world: the true gain with noise, rollouts, and controls; and the agent that is guided.

A judge is an async function from a case with candidate steps to their scores, as `guide` takes it, so that what is
measured is the guide that ships.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from adjudge import Case, Step
from adjudge.agents import Scorer
from benchmarks.steps.world import BUDGET, Question, World

TOOL = "search"
NOISES = (0.5, 1.0, 2.0)  # deviation of the error of a simulated judge, in points of [-4, 4]


class Searcher:
    """The agent of the search world: it proposes queries of varying worth, and stops when it has all gold passages.

    Args:
        world: Where it searches.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        """The next query; None where all is found: what comes after would change no result."""
        question = self.world.question(prompt)
        seen = seen_in(self.world, steps)
        if question.gold <= seen:
            return None
        draw = random.Random(f"{seed}/{question.id}/{len(steps)}")
        return search_step(self.world.propose(question, seen, draw))

    async def execute(self, step: Step) -> str:
        """The passages that a query finds."""
        return found_by(self.world, str(step.arguments["query"]))


def search_step(query: str) -> Step:
    """A query as a step."""
    return Step(thought=f"I look for: {query}.", tool=TOOL, arguments={"query": query})


def found_by(world: World, query: str) -> str:
    """What the search tool says."""
    hits = [world.passages[place] for place in world.search(query)]
    return "\n\n".join(f"{title}\n{text[:600]}" for title, text in hits) or "No results."


def seen_in(world: World, steps: Sequence[Step]) -> frozenset[int]:
    """The passages that steps have found."""
    return frozenset(place for step in steps for place in world.search(str(step.arguments["query"])))


def rollouts(world: World, count: int, stream: str, noise: float = 0.0) -> Scorer:
    """Scores by the gain, estimated from so many rollouts, with an error of so many points; kept within the scale."""

    async def score(case: Case) -> list[float | None]:
        question, steps = _state(world, case)
        seen, left = seen_in(world, steps), max(1, BUDGET - len(steps))
        scores: list[float | None] = []
        for place, step in enumerate(case.candidates):
            gain = world.gain(question, seen, str(step.arguments["query"]), left, count, stream)
            error = random.Random(f"{noise}/{case.id}/{place}").gauss(0, noise)
            scores.append(min(4.0, max(-4.0, gain + error)))
        return scores

    return score


async def at_random(case: Case) -> list[float | None]:
    """Scores that say nothing."""
    return [random.Random(f"random/{case.id}/{place}").random() for place in range(len(case.candidates))]


async def majority(case: Case) -> list[float | None]:
    """How many words a query shares with the other proposals: their mean Jaccard overlap, in [0, 1]."""
    bags = [set(str(step.arguments["query"]).lower().split()) for step in case.candidates]
    return [
        sum(len(bag & other) / len(bag | other) for place, other in enumerate(bags) if place != own and bag | other)
        / max(1, len(bags) - 1)
        for own, bag in enumerate(bags)
    ]


async def longest(case: Case) -> list[float | None]:
    """The longer query, a cheap explanation."""
    return [float(len(str(step.arguments["query"]))) for step in case.candidates]


async def overlap(case: Case) -> list[float | None]:
    """Words of the query that stand in the question and in no earlier query: another cheap explanation."""
    steps = case.trajectory.steps if case.trajectory is not None else ()
    used = {word for step in steps for word in str(step.arguments["query"]).lower().split()}
    asked = set(case.question.lower().split()) - used
    return [float(len(asked & set(str(step.arguments["query"]).lower().split()))) for step in case.candidates]


def _state(world: World, case: Case) -> tuple[Question, Sequence[Step]]:
    return world.question(case.question), case.trajectory.steps if case.trajectory is not None else ()
