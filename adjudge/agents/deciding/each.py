"""`each`: every candidate step, or every step of a trajectory, is scored by itself, before its result is known.

After PRInTS (its scoring prompt): from the task, the summary before the step, the last result, and the step with its
tool call; first criteria for this problem and how the step meets them, then one number. A reply without criteria, or
with no number on the scale, is sent back, and then it is `Unscored`: never the lowest score. The steps of one case are
scored side by side. Of a trajectory the first step below the middle of the scale is the first wrong one: on PRInTS's
scale it lowers the chances. That rule and the prompt are ours.
"""

from __future__ import annotations

import asyncio
from typing import Any

from adjudge.agents.asking import ask, together
from adjudge.agents.deciding.question import Question
from adjudge.agents.form import Unreadable, on_scale, text_at
from adjudge.agents.work import Report
from adjudge.types import Scale, Unscored, Verdict, letter, ranking_of, winner_of

DIMENSIONS = (
    "whether it is valid and coherent",
    "whether the tool call is fitting and its arguments are specific",
    "whether it is consistent with the task, the summary and the last result",
    "whether it makes progress",
    "whether it says what is uncertain",
)
AT_ONCE = 8  # steps of one case
_KEYS = {"dimensions", "score"}  # both, or a cut reply would be read by what one of its dimensions holds


async def score_each(question: Question, repair: int) -> Report:
    """Score every step by itself.

    Args:
        question: Of a judge in mode step.
        repair: How often an unreadable reply is sent back.
    """
    case, scale = question.work.case, question.setting.scale
    places = question.work.order if case.candidates else range(len(case.trajectory.steps if case.trajectory else ()))
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> tuple[float, str] | str:
        async with turns:
            return await _score(question, place, repair)

    scored: list[tuple[float, str]] = []
    for place, found in zip(places, await together(map(one, places)), strict=True):
        if isinstance(found, str):
            name = f"candidate {letter(place)}" if case.candidates else f"step {place}"
            return Report("failed", outcome=Unscored(reason="parse_failure", detail=f"{name}: {found}"))
        scored.append(found)
    return Report(outcome=_verdict(scored, scale, candidates=bool(case.candidates)))


def _verdict(scored: list[tuple[float, str]], scale: Scale, *, candidates: bool) -> Verdict:
    scores = tuple(score for score, _ in scored)
    if candidates and len(scored) == 1:  # one of a group, which is told by its own letter elsewhere
        return Verdict(scores=scores, ranking=ranking_of(scores), rationale=scored[0][1])
    names = [letter(place) if candidates else str(place) for place in range(len(scored))]
    rationale = "\n".join(f"{name}: {reason}" for name, (_, reason) in zip(names, scored, strict=True))
    if candidates:
        return Verdict(scores=scores, winner=winner_of(scores), ranking=ranking_of(scores), rationale=rationale)
    middle = (scale.low + scale.high) / 2
    wrong = next((number for number, score in enumerate(scores) if score < middle), None)
    return Verdict(scores=scores, first_wrong_step=wrong, rationale=rationale)


async def _score(question: Question, place: int, repair: int) -> tuple[float, str] | str:
    scale = question.setting.scale
    asked = (
        "Judge this one step before its result is known. First set down what counts for a step in this very problem; "
        f"think of {'; '.join(DIMENSIONS)}. Then reply with one JSON object and nothing else. Its keys:\n"
        '- "dimensions": a list of objects, each with "name" and "assessment" of the step in a sentence;\n'
        f'- "score": how much the step helps towards the answer: {scale.describe()}, with one decimal at most'
        f"{_zero(scale)}."
    )
    sampling = question.sampling(json_schema=question.setting.enforced(_schema(scale)))._asdict()

    def read(found: dict[str, Any]) -> tuple[float, str]:
        return _read(found, scale)

    at = question.work.at(turn=0 if question.work.case.candidates else place)
    if question.work.case.candidates:
        at = at._replace(order=letter(place))
    messages = question.of_step(place, asked)
    return await ask(question.run, at, question.setting.model, messages, sampling, read, _KEYS, repair)


def _zero(scale: Scale) -> str:
    return "; 0 where the chances stay as they are" if scale.low < 0 < scale.high else ""


def _schema(scale: Scale) -> dict[str, Any]:
    one = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "assessment": {"type": "string"}},
        "required": ["name", "assessment"],
        "additionalProperties": False,
    }
    properties = {
        "dimensions": {"type": "array", "items": one, "minItems": 2, "maxItems": 8},
        "score": {"type": "number", "minimum": scale.low, "maximum": scale.high},
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _read(found: dict[str, Any], scale: Scale) -> tuple[float, str]:
    dimensions = found["dimensions"]
    if not isinstance(dimensions, list) or not all(isinstance(item, dict) for item in dimensions):
        raise Unreadable('dimensions must be a list of objects with "name" and "assessment"')
    told = [
        [" ".join(text_at(item.get(key, ""), key).split()) for key in ("name", "assessment")] for item in dimensions
    ]
    if not any(assessment for _, assessment in told):
        raise Unreadable("dimensions must hold what counts for this step, and how the step meets it")
    return on_scale(found["score"], scale, "score"), "; ".join(": ".join(filter(None, pair)) for pair in told)
