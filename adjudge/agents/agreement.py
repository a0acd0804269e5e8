"""How much texts, or plans, agree, without a model: for choosing among samples, and for whether more are needed (ours).

    agreement(a, b) = F1 of their content words; at most 0.5 where their numbers differ, or only one of them says no;
                      1 where they say the same

Of the result of a step only the first line is compared: the result itself stands there, its reasons below. Plans are
compared step by step: `plan_agreement` says whether two of them are the same, and one wrong step makes them different
however long they are; `plan_overlap` says which is nearest to the others, and is kinder to other words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from adjudge.agents.seeding import content_words
from adjudge.types import Plan

AGREED = 0.8  # from here on two say the same; what it tells apart is measured in docs/four-agents.md
_DIFFERENT = 0.5  # most agreement of what differs in a number, a negation, what it uses, or how many steps it has
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")
_NEGATION = re.compile(r"\b(?:not?|nor|never|none|neither|without|cannot)\b|n['’]t\b")

T = TypeVar("T")


def agreement(one: str, other: str) -> float:
    """How much two texts agree, in [0, 1]."""
    return _agree(_read(one), _read(other))


def plan_agreement(one: Plan, other: Plan) -> float:
    """How surely two plans are the same, in [0, 1] (ours).

    With as many steps: the lowest agreement of a step of one with that of the other at the same place. Of a step count
    goals, what is expected (where both say it), and which results it uses: where these differ, at most 0.5. With more
    or fewer steps: half of their overlap, so never as much as `AGREED`.
    """
    if len(one.steps) != len(other.steps):
        return _DIFFERENT * plan_overlap(one, other)
    return min(_step_agreement(one, other, place) for place in range(len(one.steps)))


def plan_overlap(one: Plan, other: Plan) -> float:
    """How much two plans have in common, in [0, 1] (ours).

    The most that goals of one agree with goals of the other, in pairs that keep their order, over the number of steps
    of the longer plan. What is expected of a step does not count: it is short, and put otherwise in each draw.
    """
    goals, theirs = ([_read(step.goal) for step in plan.steps] for plan in (one, other))
    best = [0.0] * (len(theirs) + 1)  # for the goals so far, against the first 0, 1, … of the other's
    for goal in goals:
        before, best = best, [0.0]
        for place, its in enumerate(theirs):
            best.append(max(before[place + 1], best[-1], before[place] + _agree(goal, its)))
    return best[-1] / max(len(goals), len(theirs))


def medoid(items: Sequence[T], likeness: Callable[[T, T], float]) -> int:
    """The place of the item that is most like the others; the first of several.

    Raises:
        ValueError: There is none.
    """
    means = [sum(likeness(item, other) for other in items) for item in items]
    return max(range(len(items)), key=lambda place: (round(means[place], 9), -place))


def settled(
    items: Sequence[T], agree: Callable[[T, T], float], likeness: Callable[[T, T], float] | None = None
) -> bool:
    """Whether drawing more is not worth it: of two or more items, more than half say the same as the medoid.

    After adaptive consistency (Aggarwal et al. 2023), with a plain majority in place of its posterior, and agreement in
    place of equality.

    Args:
        items: What was drawn so far.
        agree: From `AGREED` on two say the same.
        likeness: What the medoid is chosen by; `agree` by default.
    """
    if len(items) < 2:
        return False
    best = items[medoid(items, likeness or agree)]
    return sum(agree(best, item) >= AGREED for item in items) > len(items) / 2


def first_line(text: str) -> str:
    """The first line of a text that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _step_agreement(one: Plan, other: Plan, place: int) -> float:
    a, b = one.steps[place], other.steps[place]
    parts = [agreement(a.goal, b.goal)]
    if a.expected.strip() and b.expected.strip():
        parts.append(agreement(a.expected, b.expected))
    if _used(a.uses, place) != _used(b.uses, place):
        parts.append(_DIFFERENT)
    return min(parts)


def _used(uses: Sequence[int], place: int) -> set[int]:
    """The steps whose results a step is shown: all before it, where it names none."""
    return set(uses) or set(range(place))


class _Read(NamedTuple):
    """What of a text is compared."""

    plain: str
    words: set[str]  # content words without numbers
    numbers: set[float]
    negated: bool  # a stop word like the others, but one that turns the meaning round


def _read(text: str) -> _Read:
    numbers = {float(found.replace(",", "")) for found in _NUMBER.findall(text)}
    plain = " ".join(text.lower().split()).strip(" .")
    return _Read(plain, content_words(_NUMBER.sub(" ", text)), numbers, _NEGATION.search(plain) is not None)


def _agree(one: _Read, other: _Read) -> float:
    if one.plain == other.plain:
        return 1.0
    same = one.numbers == other.numbers and one.negated == other.negated
    if not one.words | other.words:
        return float(same and bool(one.numbers))
    shared = 2 * len(one.words & other.words) / (len(one.words) + len(other.words))
    return shared if same else min(shared, _DIFFERENT)
