"""The arms that are compared, and what is measured of each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.four_agents.checker import Checker, checker
from benchmarks.four_agents.figures import (
    Arm,
    Difference,
    accuracy,
    arm,
    at_tokens,
    by_cap,
    corrections,
    difference,
    endings,
    flags,
    majority,
    mixed,
)
from benchmarks.four_agents.graphs import judge
from benchmarks.four_agents.mind import Assumptions, Mind
from benchmarks.four_agents.questions import Question, questions
from benchmarks.four_agents.runs import Trial, trials
from benchmarks.four_agents.scorer import scorer
from benchmarks.four_agents.shown import first_checks, visible
from benchmarks.four_agents.tables import Sheet
from benchmarks.four_agents.team import team

ACCURACIES = (0.95, 0.8, 0.65)
SEEDS = (1, 2, 3)  # the parameters were chosen on 0
SHARES = (0.0, 0.5, 1.0)  # of faults that are systematic
OTHERWISE: tuple[dict[str, float], ...] = ({}, {"recurs": 0.7}, {"misled": 0.4}, {"recurs": 0.7, "misled": 0.4})
MOST_CORRECTIONS = 6  # in the runs that show what each further one does; the shipped graph makes 3
CANDIDATES = 5  # most that `adaptive` may draw
SCORERS = (0.95, 0.8)
RUNS = 5  # whole runs of the graph without its judge, for the vote
_COIN = "flags at random (control)"
_ADAPTIVE = "no loop, adaptive"


class World(NamedTuple):
    """The questions and who works on them."""

    questions: list[Question]
    chances: Assumptions

    @property
    def known(self) -> dict[str, Question]:
        """By the text of the question."""
        return {question.text: question for question in self.questions}

    @property
    def answers(self) -> list[str]:
        """The right ones."""
        return [question.answer for question in self.questions]

    async def alone(self, seed: int = 0, **settings: Any) -> list[Trial]:
        """Planner, executor and answerer; nobody checks."""
        return await trials(judge(team(self.known, self.chances), seed=seed, **settings), self.questions)

    async def checked(self, who: Checker, corrections: int = 3, evidence: str = "none") -> list[Trial]:
        """With a judge of the process, which is shown this of the evidence."""
        models = team(self.known, self.chances), checker(self.known, who)
        graph = judge(*models, corrections=corrections, check={"evidence": evidence})
        return await trials(graph, self.questions)

    def itself(self, accuracy: float) -> Checker:
        """The team's model as its own judge."""
        return Checker(accuracy, blind=Mind(self.chances))


def chosen(sheets: Sequence[Sheet], tasks: int, seeds: Sequence[int] = SEEDS) -> list[Question]:
    """About so many questions: no table twice, and as many for each seed."""
    mixed_up = random.Random("tables").sample(list(sheets), len(sheets))
    most = -(-tasks // len(seeds))
    found: list[Question] = []
    for place, seed in enumerate(seeds):
        found += questions(mixed_up[place :: len(seeds)], seed)[:most]
    return found[:tasks]


async def loops(world: World) -> dict[str, Any]:
    """The loop, self-correction, best-of-n and the control, at three accuracies of the judge."""
    alone = [await world.alone(seed) for seed in range(RUNS)]
    votes = [majority(alone[:n], world.answers) for n in range(1, RUNS + 1, 2)]  # of two runs the first would win
    arms = {"no loop": arm(alone[0]), _ADAPTIVE: arm(await world.alone(**_adaptive()))}
    arms |= {f"best of {n} runs": vote for n, vote in zip(range(3, RUNS + 1, 2), votes[1:], strict=True)}
    runs = {_COIN: await world.checked(Checker(0.5, coin=True)), _loop(1): await world.checked(Checker(1.0))}
    for known in ACCURACIES:
        runs[_loop(known)] = await world.checked(Checker(known))
        runs[_own(known)] = await world.checked(world.itself(known))
    arms |= {name: arm(found) for name, found in runs.items()}
    gaps: dict[str, Difference] = {}
    for known in ACCURACIES:
        found, vote = arms[_loop(known)], f"vote at the tokens of {_loop(known)}"
        arms[vote] = at_tokens(found.spent, votes)
        for name in ("no loop", vote, _ADAPTIVE, _own(known), _COIN):
            gaps[f"{_loop(known)} − {name}"] = difference(found, arms[name])
    return {
        "arms": _shown(arms),
        "differences": gaps,
        "checks": {name: _checks(found) for name, found in runs.items()},
    }


def _loop(accuracy: float) -> str:
    return f"loop, {accuracy:g}"


def _own(accuracy: float) -> str:
    return f"self-correction, {accuracy:g}"


async def caps(world: World) -> dict[str, Any]:
    """Accuracy by the number of corrections that are allowed."""
    return {
        f"{known:g}": by_cap(await world.checked(Checker(known), MOST_CORRECTIONS), MOST_CORRECTIONS)
        for known in ACCURACIES
    }


async def shares(world: World) -> dict[str, Any]:
    """The same at other shares of systematic faults, with a judge of accuracy 0.8."""
    found = {}
    for part in SHARES:
        other = world._replace(chances=world.chances._replace(systematic=part))
        alone = [await other.alone(seed) for seed in range(3)]
        loop, own = arm(await other.checked(Checker(0.8))), arm(await other.checked(other.itself(0.8)))
        vote = at_tokens(loop.spent, [arm(alone[0]), majority(alone, world.answers)])
        arms = {"no loop": arm(alone[0]), "loop": loop, "self-correction": own, "best of n at equal tokens": vote}
        gaps = {f"loop − {name}": difference(loop, one) for name, one in arms.items() if name != "loop"}
        found[f"{part:g}"] = {"arms": _shown(arms), "differences": gaps}
    return found


async def chances(world: World) -> dict[str, Any]:
    """What the loop gains over none where descriptions help less, or mislead more, than assumed."""
    single = arm(await world.alone())
    found: dict[str, Any] = {}
    for other in OTHERWISE:
        changed = world._replace(chances=world.chances._replace(**other))
        name = ", ".join(f"{key} {value:g}" for key, value in other.items()) or "as assumed"
        for known in (0.8, 0.65):
            loop = arm(await changed.checked(Checker(known)))
            found[f"{_loop(known)} − no loop; {name}"] = difference(loop, single)
    return found


async def adaptive(world: World) -> dict[str, Any]:
    """`adaptive` against as many candidates for all, and against a random allocation of the same tokens."""
    fixed = [arm(await world.alone(plan={"parallel": n}, execute={"best_of": n})) for n in range(1, CANDIDATES + 1)]
    settings = _adaptive()
    both = await world.alone(**settings)
    found = arm(both)
    drawn = Counter(count for trial in both for count in trial.draws)
    spread = mixed([(drawn[n] / drawn.total(), fixed[n - 1]) for n in sorted(drawn)])
    random_allocation = at_tokens(found.spent, sorted([fixed[0], spread, fixed[-1]], key=lambda one: one.spent))
    arms = {f"fixed, best of {n}": one for n, one in enumerate(fixed, 1) if n in (1, 2, 3, CANDIDATES)}
    arms |= {"adaptive": found, "random allocation": random_allocation, "fixed, 2 or 3": at_tokens(found.spent, fixed)}
    arms["adaptive planner only"] = arm(await world.alone(plan=settings["plan"]))
    arms["adaptive executor only"] = arm(await world.alone(execute=settings["execute"]))
    others = ("fixed, best of 1", "fixed, best of 2", "random allocation", "fixed, 2 or 3", "fixed, best of 3")
    gaps = {f"adaptive − {name}": difference(found, arms[name]) for name in others}
    scored_arms, scored_gaps = await _scored(world)
    return {
        "arms": _shown({**arms, **scored_arms}),
        "differences": {**gaps, **scored_gaps},
        "draws": {str(n): drawn[n] / drawn.total() for n in sorted(drawn)},
    }


async def evidence(world: World) -> dict[str, Any]:
    """What the judge can tell from its prompt, and the loop with a judge that tells no more, by `evidence`."""
    told = {
        "none": visible(await first_checks(world.questions, world.chances)),
        "cited": visible(await first_checks(world.questions, world.chances, "cited")),
    }
    arms: dict[str, Arm] = {"no loop": arm(await world.alone())}
    checks, gaps = {}, {}
    for known in ACCURACIES:
        names = [f"loop, {known:g}, evidence {setting}" for setting in ("none", "cited")]
        for name, setting in zip(names, ("none", "cited"), strict=True):
            found = await world.checked(Checker(known, reads=True), evidence=setting)
            arms[name], checks[name] = arm(found), _checks(found)
        gaps[f"{known:g}: cited − none"] = difference(arms[names[1]], arms[names[0]])
    return {"visible": told, "arms": _shown(arms), "differences": gaps, "checks": checks}


def _adaptive() -> dict[str, Any]:
    """Settings of planner and executor."""
    return {
        "plan": {"parallel": CANDIDATES, "adaptive": True},
        "execute": {"best_of": CANDIDATES, "adaptive": True},
    }


async def _scored(world: World) -> tuple[dict[str, Arm], dict[str, Any]]:
    """The executor's candidates chosen by a scorer, which costs no tokens here."""
    arms: dict[str, Arm] = {}
    gaps: dict[str, Any] = {}
    for known in SCORERS:
        settings: dict[str, Any] = {"scorer": scorer(world.known, known)}
        two = await world.alone(execute={"best_of": 2, "scorer": "scorer"}, **settings)
        more = await world.alone(execute={"best_of": CANDIDATES, "adaptive": True, "scorer": "scorer"}, **settings)
        name = f"scorer of accuracy {known:g}"
        arms |= {f"executor's best of 2, {name}": arm(two), f"adaptive executor, {name}": arm(more)}
        gaps[f"adaptive − best of 2, {name}"] = difference(arm(more), arm(two))
    return arms, gaps


def _checks(found: Sequence[Trial]) -> dict[str, Any]:
    return {"flags": flags(found), "corrections": corrections(found), "endings": endings(found)}


def _shown(arms: Mapping[str, Arm]) -> dict[str, Any]:
    return {name: {"accuracy": accuracy(found), "tokens": round(found.spent)} for name, found in arms.items()}
