"""Candidates: the responses to one prompt, in an order that tells nothing of which was preferred.

The order in which a judge is shown them is drawn from their own texts and a seed, never from the row, so the same two
responses stand in the same places whichever of them was the chosen one (ours).
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from adjudge.errors import CaseError
from adjudge.evaluation.gold import Compared, Preferred, gold_of
from adjudge.types import TIE, Case, Message, letter
from adjudge.types.messages import assistant

Given = Mapping[tuple[int, int], int | None]  # two responses, the lower first -> which was preferred; None: neither
Written = str | list[Message]  # as a trainer reads it: text, or messages


class Candidates(NamedTuple):
    """The responses to one prompt, with what a trainer needs besides the case."""

    case: Case  # two responses or more, in the order drawn; its label holds what was given, which no judge sees
    key: str  # the same for the same responses to the same prompt, in whatever order
    prompt: Written
    completions: tuple[Written, ...]  # those of the case's responses, as written
    given: Given = {}  # noqa: RUF012 - a mapping that nobody changes
    extra: Mapping[str, Any] = {}
    place: str = ""  # file and line


def candidates_of(
    case: Case,
    *,
    seed: int = 0,
    strict: bool = True,
    prompt: Written | None = None,
    completions: Sequence[Written] | None = None,
    extra: Mapping[str, Any] | None = None,
    place: str = "",
) -> Candidates:
    """Candidates from a case.

    Args:
        case: With two responses or more. Its label, if any: the letter of the better response (or several, each of
            them right), `tie`, or pairs such as `{AB: A, AC: tie}`.
        seed: Of the order in which the responses are shown.
        strict: Whether a label that cannot be read is an error; else it counts as none.
        prompt: As a trainer is to read it; the case's own by default.
        completions: The same of its responses.
        extra: Further columns for the trainer.
        place: Where it stands, for messages.

    Raises:
        CaseError: There are fewer than two responses, or the label cannot be read and `strict` is set.
    """
    count = len(case.responses)
    if count < 2:
        problem = f"case {case.id!r}: a preference needs two responses or more, found {count}"
        raise CaseError(problem, key="responses")
    given = _given(case, strict)
    key, order = _drawn(case, seed)
    place_of = {old: new for new, old in enumerate(order)}
    moved = {_sorted(place_of[i], place_of[j]): None if w is None else place_of[w] for (i, j), w in given.items()}
    written = list(completions) if completions is not None else [_written(case, index) for index in range(count)]
    shown = case.model_copy(
        update={"responses": tuple(case.responses[index] for index in order), "label": _label(moved, count)}
    )
    return Candidates(
        shown,
        key,
        case.prompt if prompt is None else prompt,
        tuple(written[index] for index in order),
        moved,
        extra or {},
        place,
    )


def key_of(case: Case) -> str:
    """sha256 over the prompt and the responses, whatever their order."""
    parts = [case.prompt, *sorted(response.render() for response in case.responses)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _drawn(case: Case, seed: int) -> tuple[str, list[int]]:
    key = key_of(case)
    order = sorted(range(len(case.responses)), key=lambda index: case.responses[index].render())
    random.Random(f"{seed}/{key}").shuffle(order)
    return key, order


def _given(case: Case, strict: bool) -> Given:
    try:
        gold = gold_of(case, "pairwise" if len(case.responses) == 2 else "listwise")
    except CaseError:
        if strict:
            raise
        return {}
    pairs = list(combinations(range(len(case.responses)), 2))
    if isinstance(gold, Compared):
        names = {letter(index): index for index in range(len(case.responses))}
        return {pair: names.get(winner) for pair, winner in gold.pairs.items()}
    best = gold.best if isinstance(gold, Preferred) else frozenset()
    if best == {TIE}:
        return dict.fromkeys(pairs)
    right = {index for index in range(len(case.responses)) if letter(index) in best}
    return {(i, j): i if i in right else j for i, j in pairs if (i in right) != (j in right)}


def _label(given: Given, count: int) -> object:
    """What was given, as the label of a case: a letter for two responses, pairs for more."""
    if not given:
        return None
    names = {pair: TIE if winner is None else letter(winner) for pair, winner in given.items()}
    if count == 2:
        return names[0, 1]
    return {letter(i) + letter(j): winner for (i, j), winner in sorted(names.items())}


def _sorted(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _written(case: Case, index: int) -> Written:
    response = case.responses[index]
    if response.trajectory is None:
        return response.text
    return [*response.trajectory.to_messages(), *([assistant(response.text)] if response.text else [])]
