"""Another kind of judgement with the same graph: what of its settings has to change."""

from __future__ import annotations

from typing import Any

from adjudge.types import Mode, Scale

DEFAULT_SCALE = Scale(min=1, max=10)


def changed_to(mode: Mode, own: Mode, scale: Scale, wanted: Scale | None = None) -> dict[str, Any]:
    """The changes to a graph's fields that make it judge another kind of case.

    Args:
        mode: What it is to judge.
        own: What it was written for.
        scale: Its own scale; one of labels means nothing in another mode and is replaced.
        wanted: The scale that replaces it; 1 to 10 by default.
    """
    if mode == own:
        return {}
    return {"mode": mode} | ({"scale": wanted or DEFAULT_SCALE} if scale.labels else {})
