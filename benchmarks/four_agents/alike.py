"""What `agreement` takes for the same, and which of several plans is followed, where the truth is known.

On the development seed, since it shows what the threshold `AGREED` does. Other words are those of `wordings`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from adjudge.agents.agreement import AGREED, agreement, medoid, plan_agreement, plan_overlap
from adjudge.types import Plan
from benchmarks.four_agents.figures import Cases, share
from benchmarks.four_agents.mind import slip
from benchmarks.four_agents.plans import Do, Steps, expected, goal, outcome
from benchmarks.four_agents.questions import Question
from benchmarks.four_agents.wordings import expected_otherwise, result_otherwise, reworded

THRESHOLDS = (0.6, 0.7, AGREED, 0.9)
DRAWN = 5  # plans of which one is followed
FAULTY = 0.2  # chance that one of them has a fault, as assumed elsewhere
Rule = Callable[[Plan, Plan], float]


def alike(asked: Sequence[Question]) -> dict[str, Any]:
    """For each kind of pair the share that is taken for the same, by the threshold."""
    found: dict[str, list[tuple[str, float]]] = {}
    for question in asked:
        for kind, agreed in (*_steps(question), *_results(question), *_plans(question)):
            found.setdefault(kind, []).append((question.sheet.id, agreed))
    return {
        kind: {f"{least:g}": share([(table, agreed >= least) for table, agreed in pairs]) for least in THRESHOLDS}
        for kind, pairs in found.items()
    }


def same(asked: Sequence[Question]) -> dict[str, Any]:
    """How often a right plan and a faulty one are taken for the same, by the kind of fault; and with goals as one text,
    which is the control."""
    rules: dict[str, Rule] = {"step by step": plan_agreement, "as one text": _as_text}
    found: dict[str, dict[str, list[tuple[str, bool]]]] = {name: {} for name in rules}
    for question in asked:
        right = _plan(question.steps)
        for fault in question.faults:
            for name, rule in rules.items():
                case = question.sheet.id, rule(right, _plan(fault.steps)) >= AGREED
                found[name].setdefault(fault.kind, []).append(case)
    return {name: {kind: share(cases) for kind, cases in sorted(kinds.items())} for name, kinds in found.items()}


def followed(asked: Sequence[Question]) -> dict[str, Any]:
    """How often the plan that is followed is right, by the rule and by how freely plans are worded."""
    rules: dict[str, Rule] = {
        "the first (control)": lambda one, other: 0.0,
        "goals as one text": _as_text,
        "lowest agreement of a step": plan_agreement,
        "overlap (as shipped)": plan_overlap,
    }
    return {
        words: {name: share(_followed(asked, rule, words)) for name, rule in rules.items()}
        for words in ("always alike", "goals vary", "goals and what is expected vary")
    }


def _followed(asked: Sequence[Question], rule: Rule, words: str) -> Cases:
    cases = []
    for question in asked:
        draw = random.Random(f"followed {question.id}")
        faulty = [draw.random() < FAULTY for _ in range(DRAWN)]
        steps = [draw.choice(question.faults).steps if wrong else question.steps for wrong in faulty]
        plans = [_worded(one, words, draw) for one in steps]
        cases.append((question.sheet.id, not faulty[medoid(plans, rule)]))
    return cases


def _worded(steps: Steps, words: str, draw: random.Random) -> Plan:
    def of_goal(step: Do) -> str:
        ways = goal(step), reworded(step, 0), reworded(step, 1)
        return ways[0] if words == "always alike" else draw.choice(ways)

    def of_expected(step: Do) -> str:
        ways = expected(step), expected_otherwise(step)
        return draw.choice(ways) if "expected" in words else ways[0]

    return _plan(steps, of_goal, of_expected)


def _steps(question: Question) -> Iterator[tuple[str, float]]:
    for step in question.steps:
        for place in (0, 1):
            yield "step: the same in other words", agreement(goal(step), reworded(step, place))
    for fault in question.faults:
        if fault.kind != "missing step":
            right, wrong = question.steps[fault.step], fault.steps[fault.step]
            yield f"step: {fault.kind}", agreement(goal(right), goal(wrong))
            for place in (0, 1):
                yield f"step: {fault.kind}, in other words", agreement(goal(right), reworded(wrong, place))


def _results(question: Question) -> Iterator[tuple[str, float]]:
    draw = random.Random(f"results {question.id}")
    for step, right in zip(question.steps, outcome(question.steps, question.sheet), strict=True):
        yield "result: the same in other words", agreement(right, result_otherwise(right, draw))
        wrong = slip(step, question.sheet, right, draw)
        if wrong is not None:
            yield "result: another", agreement(right, wrong)
            yield "result: another, in other words", agreement(right, result_otherwise(wrong, draw))


def _plans(question: Question) -> Iterator[tuple[str, float]]:
    right = _plan(question.steps)
    draw = random.Random(f"plans {question.id}")
    for name, words in (("goals", "goals vary"), ("goals and what is expected", "goals and what is expected vary")):
        other = _worded(question.steps, words, draw)
        yield f"plan: the same, {name} worded anew", plan_agreement(right, other)
    for fault in question.faults:
        yield f"plan: {fault.kind}", plan_agreement(right, _plan(fault.steps))


def _plan(steps: Steps, of_goal: Callable[[Do], str] = goal, of_expected: Callable[[Do], str] = expected) -> Plan:
    shown = [{"goal": of_goal(step), "expected": of_expected(step), "uses": list(step.uses)} for step in steps]
    return Plan.model_validate({"steps": shown})


def _as_text(one: Plan, other: Plan) -> float:
    texts = ["\n".join(step.goal for step in plan.steps) for plan in (one, other)]
    return agreement(*texts)
