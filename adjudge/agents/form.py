"""The form of a verdict: the JSON that a judge is asked for, and how its reply is read.

One form for each mode and scale. What comes back is checked here whatever the server promised: every score present and
on the scale, every letter known, nothing that is not a number. A reply that does not fit raises `Unreadable`, whose
text goes back to the model; nothing is guessed or filled in.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from adjudge.errors import ModelError
from adjudge.models import Choice
from adjudge.types import Criterion, CriterionScore, Mode, Scale, Verdict, letter, ranking_of, winner_of
from adjudge.types.messages import text_of

_THINKING, _THOUGHT = "<think>", "</think>"
_START = re.compile(r"\{|<think>")
_EVIDENCE_NAME = re.compile(r"\bE[0-9]+\b")


class Unreadable(ValueError):
    """The reply is not a verdict in the form asked for; the text says why, for the model."""


class Form(NamedTuple):
    """What to ask for and how to read it."""

    schema: dict[str, Any]
    instruction: str
    parse: Callable[[dict[str, Any]], Verdict]

    def read(self, text: str) -> Verdict:
        """The verdict in a reply, in the order shown.

        Raises:
            Unreadable: There is none.
        """
        try:
            return self.parse(last_object(text, set(self.schema["required"]) - _OPTIONAL))
        except RecursionError as error:
            raise Unreadable("the JSON is nested too deeply") from error


_OPTIONAL = {"rationale", "citations", "confidence"}
_COMMON: dict[str, Any] = {
    "rationale": {"type": "string"},
    "citations": {"type": "array", "items": {"type": "string"}},
    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
}


@lru_cache(maxsize=256)
def form_for(mode: Mode, scale: Scale, subjects: int, criteria: tuple[Criterion, ...] = (), steps: int = 0) -> Form:
    """The form for a mode.

    Args:
        mode: Any but `answer`.
        scale: The graph's scale.
        subjects: How many responses or candidate steps are judged.
        criteria: A weighted rubric, for pointwise judges.
        steps: How many steps of a trajectory are judged, where there are no candidates.
    """
    letters = tuple(letter(index) for index in range(subjects))
    if mode == "pointwise":
        return _rubric(scale, criteria) if criteria else _single(scale)
    if mode == "step" and not subjects:
        return _trajectory(scale, steps)
    if scale.numeric:
        return _scores(scale, letters)
    return _winner(scale, letters) if mode == "pairwise" else _ranking(letters)


def _form(own: dict[str, Any], lines: list[str], parse: Callable[[dict[str, Any]], dict[str, Any]]) -> Form:
    properties = {"rationale": _COMMON["rationale"], "citations": _COMMON["citations"], **own}
    properties["confidence"] = _COMMON["confidence"]
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    text = "\n".join(
        [
            "Reply with one JSON object and nothing else. Its keys:",
            '- "rationale": why, in a few sentences, naming the evidence items relied on;',
            '- "citations": a list of the names of those items; empty without evidence;',
            *lines,
            '- "confidence": how sure you are, from 0 to 1.',
        ]
    )
    return Form(schema, text, lambda found: Verdict(**parse(found), **_common(found)))


def _single(scale: Scale) -> Form:
    if scale.numeric:
        return _form(
            {"score": _number(scale)},
            [f'- "score": {scale.describe()};'],
            lambda found: {"scores": (on_scale(found["score"], scale, "score"),)},
        )

    def parse(found: dict[str, Any]) -> dict[str, Any]:
        label = _one_of(found["label"], scale.labels, "label")
        return {"label": label, "scores": (float(scale.labels.index(label)),)}

    return _form({"label": {"enum": list(scale.labels)}}, [f'- "label": {scale.describe()};'], parse)


def _rubric(scale: Scale, criteria: tuple[Criterion, ...]) -> Form:
    score = _number(scale) if scale.numeric else {"enum": list(scale.labels)}
    one = {
        "type": "object",
        "properties": {"rationale": {"type": "string"}, "score": score},
        "required": ["rationale", "score"],
        "additionalProperties": False,
    }
    keys = [f"c{number}" for number in range(1, len(criteria) + 1)]

    def parse(found: dict[str, Any]) -> dict[str, Any]:
        entries = _exactly(found["criteria"], keys, "criteria")
        scored = tuple(_criterion(entries[key], key, each, scale) for key, each in zip(keys, criteria, strict=True))
        mean = weighted_mean(scored)
        return {"criteria": scored, "scores": (mean,), "label": None if scale.numeric else scale.labels[round(mean)]}

    lines = [
        f'- "criteria": an object with one entry for each criterion: {", ".join(keys)}, in the order in which they are '
        f'listed; each entry has "rationale" and "score", {scale.describe()};'
    ]
    properties = dict.fromkeys(keys, one)
    own = {"type": "object", "properties": properties, "required": keys, "additionalProperties": False}
    return _form({"criteria": own}, lines, parse)


def _criterion(entry: object, key: str, criterion: Criterion, scale: Scale) -> CriterionScore:
    if not isinstance(entry, dict) or "score" not in entry:
        raise Unreadable(f'criteria.{key} must be an object with "rationale" and "score"')
    score = _point(entry["score"], scale, f"criteria.{key}.score")
    rationale = text_at(entry.get("rationale", ""), f"criteria.{key}.rationale")
    return CriterionScore(name=criterion.name, score=score, weight=criterion.weight, rationale=rationale)


def weighted_mean(scored: tuple[CriterionScore, ...]) -> float:
    """Mean of the criteria's scores under their weights, on the same scale."""
    return sum(item.score * item.weight for item in scored) / sum(item.weight for item in scored)


def _scores(scale: Scale, letters: tuple[str, ...]) -> Form:
    own = {
        "type": "object",
        "properties": {name: _number(scale) for name in letters},
        "required": list(letters),
        "additionalProperties": False,
    }

    def parse(found: dict[str, Any]) -> dict[str, Any]:
        entries = _exactly(found["scores"], letters, "scores")
        scores = tuple(on_scale(entries[name], scale, f"scores.{name}") for name in letters)
        return {"scores": scores, "winner": winner_of(scores), "ranking": ranking_of(scores)}

    line = f'- "scores": an object with a score for each of {", ".join(letters)}: {scale.describe()};'
    return _form({"scores": own}, [line], parse)


def _winner(scale: Scale, letters: tuple[str, ...]) -> Form:
    allowed = [label for label in scale.labels if label in (*letters, "tie")]
    return _form(
        {"winner": {"enum": allowed}},
        [f'- "winner": the better response: one of {", ".join(allowed)};'],
        lambda found: {"winner": _one_of(found["winner"], allowed, "winner")},
    )


def _ranking(letters: tuple[str, ...]) -> Form:
    own = {
        "type": "array",
        "items": {"enum": list(letters)},
        "minItems": len(letters),
        "maxItems": len(letters),
    }

    def parse(found: dict[str, Any]) -> dict[str, Any]:
        ranking = found["ranking"]
        if not isinstance(ranking, list) or sorted(map(str, ranking)) != sorted(letters):
            raise Unreadable(f"ranking must list each of {', '.join(letters)} once, best first")
        return {"ranking": tuple(ranking), "winner": ranking[0]}

    return _form({"ranking": own}, [f'- "ranking": a list of {", ".join(letters)}, best first;'], parse)


def _trajectory(scale: Scale, steps: int) -> Form:
    own = {
        "steps": {"type": "array", "items": _number(scale), "minItems": steps, "maxItems": steps},
        "first_wrong_step": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": steps - 1}, {"type": "null"}]},
    }

    def parse(found: dict[str, Any]) -> dict[str, Any]:
        scores = found["steps"]
        if not isinstance(scores, list) or len(scores) != steps:
            raise Unreadable(f"steps must be a list of {steps} scores, one for each step")
        wrong = found["first_wrong_step"]
        if wrong is not None and (isinstance(wrong, bool) or not isinstance(wrong, int) or not 0 <= wrong < steps):
            raise Unreadable(f"first_wrong_step must be a step from 0 to {steps - 1}, or null")
        checked = tuple(on_scale(score, scale, f"steps[{number}]") for number, score in enumerate(scores))
        return {"scores": checked, "first_wrong_step": wrong}

    lines = [
        f'- "steps": a list of {steps} scores, one for each step in order: {scale.describe()};',
        '- "first_wrong_step": number of the first step that is wrong, counted from 0; null when none is;',
    ]
    return _form(own, lines, parse)


def _number(scale: Scale) -> dict[str, Any]:
    return {"type": "integer" if scale.integers else "number", "minimum": scale.low, "maximum": scale.high}


def _common(found: dict[str, Any]) -> dict[str, Any]:
    citations = found.get("citations", [])
    if not isinstance(citations, list) or not all(isinstance(item, str) for item in citations):
        raise Unreadable("citations must be a list of names such as E1")
    confidence = found.get("confidence")
    if confidence is not None and not 0 <= _finite(confidence, "confidence") <= 1:
        raise Unreadable("confidence must be a number from 0 to 1")
    return {
        "rationale": text_at(found.get("rationale", ""), "rationale"),
        "citations": names_in(citations),
        "confidence": confidence,
    }


def names_in(citations: list[str]) -> tuple[str, ...]:
    """Names of evidence in citations, each once: `[E2]` and `E2: title` both name E2."""
    names = (name for item in citations for name in _EVIDENCE_NAME.findall(item) or [_whole(item)])
    return tuple(dict.fromkeys(names))


def text_at(value: object, key: str) -> str:
    """A value that has to be text.

    Raises:
        Unreadable: It is not.
    """
    if not isinstance(value, str):
        raise Unreadable(f"{key} must be text")
    return _whole(value)


def _whole(text: str) -> str:
    """Text without the halves of characters that JSON can spell (`\\ud800`) and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _finite(value: object, key: str) -> float:
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # a whole number of hundreds of digits
            number = float(value)
    if not math.isfinite(number):
        raise Unreadable(f"{key} must be a number, found {json.dumps(value)[:40]}")
    return number


def positive(value: object, key: str) -> float:
    """A value that has to be a number above 0.

    Raises:
        Unreadable: It is not.
    """
    number = _finite(value, key)
    if number <= 0:
        raise Unreadable(f"{key} must be above 0, found {number:g}")
    return number


def on_scale(value: object, scale: Scale, key: str) -> float:
    """A value that has to be a number on the scale.

    Raises:
        Unreadable: It is not.
    """
    score = _finite(value, key)
    if not scale.contains(score):
        raise Unreadable(f"{key} must be {scale.describe()}, found {score:g}")
    return score


def _point(value: object, scale: Scale, key: str) -> float:
    """A number on the scale, or the position of a label."""
    return on_scale(value, scale, key) if scale.numeric else scale.labels.index(_one_of(value, scale.labels, key))


def _one_of(value: object, allowed: tuple[str, ...] | list[str], key: str) -> str:
    if value not in allowed:
        raise Unreadable(f"{key} must be one of {', '.join(allowed)}, found {json.dumps(value)[:40]}")
    return str(value)


def _exactly(value: object, keys: tuple[str, ...] | list[str], key: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys):
        raise Unreadable(f"{key} must be an object with exactly the keys {', '.join(keys)}")
    return value


def last_object(text: str, required: set[str]) -> dict[str, Any]:
    """The last JSON object in a reply that has the required keys; thinking aloud before it is skipped.

    Raises:
        Unreadable: There is none.
    """
    found = [value for value in _objects(text) if required <= value.keys()]
    if found:
        return found[-1]
    wanted = ", ".join(sorted(required))
    raise Unreadable(f"the reply holds no complete JSON object with the keys {wanted}")


def written(choice: Choice) -> str:
    """The text of a reply.

    Raises:
        ModelError: A content filter withheld it.
    """
    if choice.finish == "content_filter":
        raise ModelError("the server's content filter withheld the reply", kind="refused")
    return text_of(choice.message["content"])


def explain(error: Unreadable, choice: Choice) -> str:
    """Why a reply cannot be read, for the model that wrote it."""
    if choice.finish == "length":
        return f"{error}; the reply was cut off at the limit of tokens (max_tokens), so be briefer"
    return str(error)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every outermost JSON object in a text, in order, outside of `<think>` blocks.

    A block that never ends hides the rest, since what was drafted in it is no verdict; the same word inside an object
    (a rationale that quotes it) is only text.
    """
    decoder = json.JSONDecoder()
    position = 0
    while (start := _START.search(text, position)) is not None:
        position = start.end()
        if start.group() == _THINKING:
            end = text.find(_THOUGHT, position)
            position = len(text) if end < 0 else end + len(_THOUGHT)
            continue
        try:
            value, position = decoder.raw_decode(text, start.start())
        except ValueError:
            continue
        except RecursionError as error:  # trying each of its braces again would take a second for every 60 kB
            raise Unreadable("the JSON is nested too deeply") from error
        yield value
