"""How a simulated model goes wrong: chances that are assumed, not measured on any model.

A fault is systematic (it comes from the task: the same model makes the very same mistake in every draw) or fresh (drawn
anew with each call). With a true description of the mistake in view a fault of that step happens only with the chance
`recurs`; a false description of a step that is right makes it wrong with the chance `misled`. Without a description
nothing changes but what is fresh.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.four_agents.plans import NOTHING, Do, shown
from benchmarks.four_agents.questions import PlanFault, Question
from benchmarks.four_agents.tables import Sheet, number


class Assumptions(NamedTuple):
    """Chances, in [0, 1]."""

    plan: float = 0.2  # of a fault in a plan
    step: float = 0.1  # of a fault in the result of a step
    systematic: float = 0.5  # share of both that is systematic
    recurs: float = 0.3  # of a fault whose mistake is described truly
    misled: float = 0.15  # of a fault in a step that is right and described as wrong
    cites: float = 1.0  # of a result that was looked up naming the item of evidence that it was found in


FAULTLESS = Assumptions(0.0, 0.0, 0.0, 0.0, 0.0)


class Blame(NamedTuple):
    """What a mistake in view says about the step at hand."""

    truly: bool = False  # it names this step, and rightly
    falsely: bool = False


class Mind(NamedTuple):
    """What a model believes of a task, whatever it is asked."""

    chances: Assumptions

    def plan(self, question: Question) -> PlanFault | None:
        """The fault that each of its plans has."""
        draw = random.Random(f"{question.id} plan")
        sure = draw.random() < self.chances.plan * self.chances.systematic
        return draw.choice(question.faults) if sure else None

    def result(self, question: Question, step: Do, sheet: Sheet, right: str) -> str | None:
        """The wrong result that it always finds for a step."""
        draw = random.Random(f"{question.id} {step}")
        sure = draw.random() < self.chances.step * self.chances.systematic
        return slip(step, sheet, right, draw) if sure else None


def planned(mind: Mind, question: Question, blamed: Sequence[tuple[int, bool]], seed: int) -> PlanFault | None:
    """The fault in a plan that is drawn now; None: it is right.

    Args:
        mind: Whose plan it is.
        question: For what.
        blamed: Mistakes in view on plans: the step that each names, and whether it does so rightly.
        seed: Of the call.
    """
    draw, chances = random.Random(f"plan {seed}"), mind.chances
    fresh, again, misled = draw.random(), draw.random(), draw.random()
    fault = mind.plan(question)
    if fault is None and fresh < chances.plan * (1 - chances.systematic):
        fault = draw.choice(question.faults)
    if fault is not None and (fault.step, True) in blamed and again >= chances.recurs:
        fault = None
    falsely = [step for step, truly in blamed if not truly]
    if fault is None and falsely and misled < chances.misled:
        there = [known for known in question.faults if known.step == falsely[-1]]
        fault = draw.choice(there or question.faults)
    return fault


def carried_out(mind: Mind, question: Question, step: Do, sheet: Sheet, right: str, blame: Blame, seed: int) -> str:
    """The result of a step that is carried out now, right or wrong."""
    draw, chances = random.Random(f"step {seed}"), mind.chances
    fresh, again, misled = draw.random(), draw.random(), draw.random()
    wrong = mind.result(question, step, sheet, right)
    if wrong is None and fresh < chances.step * (1 - chances.systematic):
        wrong = slip(step, sheet, right, draw)
    if wrong is not None and blame.truly and again >= chances.recurs:
        wrong = None
    if wrong is None and blame.falsely and not blame.truly and misled < chances.misled:
        wrong = slip(step, sheet, right, draw)
    return right if wrong is None else wrong


def slip(step: Do, sheet: Sheet, right: str, draw: random.Random) -> str | None:
    """A wrong result: a wrong cell or row, a misread number, a slip of arithmetic. None where there is none to make."""
    if right == NOTHING:
        return None
    if step.kind in ("top", "bottom"):
        return _other(sheet.keys, right, draw)
    if step.kind in ("rows", "other rows"):
        return _other_rows(sheet, right, draw)
    if step.kind in ("cell", "cell of") and (draw.random() < 0.5 or number(right.lstrip("-")) is None):
        column = sheet.header.index(step.column)
        there = [number(row[column]) for row in sheet.rows if column < len(row)]
        return _other([shown(value) for value in there if value is not None], right, draw)
    return _misread(right, draw)


def _other(texts: Sequence[str], right: str, draw: random.Random) -> str | None:
    others = [text for text in texts if text != right]
    return draw.choice(others) if others else None


def _other_rows(sheet: Sheet, right: str, draw: random.Random) -> str:
    named = right.split("; ")
    changed = set(named) ^ {draw.choice(sheet.keys)}
    return "; ".join(key for key in sheet.keys if key in changed) or sheet.keys[0]


def _misread(right: str, draw: random.Random) -> str | None:
    places = [place for place, letter in enumerate(right) if letter.isdigit()]
    if not places:
        return None
    place = draw.choice(places)
    digit = draw.choice([digit for digit in "123456789" if digit != right[place]])
    return right[:place] + digit + right[place + 1 :]
