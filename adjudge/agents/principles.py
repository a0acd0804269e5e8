"""Principles of the judge's own: what counts in this very task, and how much, written before anything is scored.

After Generative RLHF-V (appendix, the prompt of its reward model): criteria with weights first, then the analysis, then
the scores; none are given, since given ones lowered accuracy out of distribution there. As in the paper nothing but the
scores is used: a score is the judge's own sum, not a weighted mean that we work out.
"""

from __future__ import annotations

from typing import Any

from adjudge.agents.form import Form, Unreadable, positive, text_at
from adjudge.types import Criterion, Verdict

MOST = 12
_ONE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "weight": {"type": "number", "minimum": 0}},
    "required": ["name", "weight"],
    "additionalProperties": False,
}
_SCHEMA = {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MOST}
_LINE = (
    f'- "principles": first of all, a list of 1 to {MOST} criteria that you find fitting for this very task, each an '
    'object with "name" and "weight", a number above 0;'
)


def with_principles(form: Form) -> Form:
    """The form that asks for principles before all else."""
    head, *lines = form.instruction.split("\n")
    properties = {"principles": _SCHEMA, **form.schema["properties"]}
    schema = {**form.schema, "properties": properties, "required": list(properties)}

    def parse(found: dict[str, Any]) -> Verdict:
        return form.parse(found).model_copy(update={"principles": _principles(found["principles"])})

    return Form(schema, "\n".join([head, _LINE, *lines]), parse)


def _principles(value: object) -> tuple[Criterion, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST:
        raise Unreadable(f"principles must be a list of 1 to {MOST} criteria")
    return tuple(_principle(item, f"principles[{number}]") for number, item in enumerate(value))


def _principle(item: object, key: str) -> Criterion:
    if not isinstance(item, dict) or not {"name", "weight"} <= item.keys():
        raise Unreadable(f'{key} must be an object with "name" and "weight"')
    return Criterion(name=text_at(item["name"], f"{key}.name"), weight=positive(item["weight"], f"{key}.weight"))
