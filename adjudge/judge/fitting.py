"""Whether a case fits the mode of a judge."""

from __future__ import annotations

from adjudge.errors import CaseError
from adjudge.models import ModelInfo
from adjudge.types import Case, Mode
from adjudge.types.messages import images_of

_WANTED = {
    "pointwise": "one response",
    "pairwise": "two responses",
    "listwise": "two or more responses",
    "step": "a trajectory or candidate steps",
    "answer": "no response",
}


def fit(case: Case, mode: Mode, info: ModelInfo) -> None:
    """Refuse a case that this judge cannot judge.

    Raises:
        CaseError: What the mode needs and what the case has, or that the model has no eyes for its images.
    """
    count = len(case.responses)
    fits = {
        "pointwise": count == 1,
        "pairwise": count == 2,
        "listwise": count >= 2,
        "step": bool(case.candidates) or (case.trajectory is not None and bool(case.trajectory.steps)),
        "answer": count == 0,
    }
    if not fits[mode]:
        raise CaseError(
            f"case {case.id!r}: a {mode} judge needs {_WANTED[mode]}, found {count} response{'s' * (count != 1)}",
            key="responses",
            hint=_hint(mode, count),
        )
    see(case, info)


def see(case: Case, info: ModelInfo) -> None:
    """Refuse a case with images that the model cannot see.

    Raises:
        CaseError: It has some.
    """
    if not isinstance(case.prompt, str) and "images" not in info.abilities and next(images_of(case.prompt), None):
        raise CaseError(
            f"case {case.id!r} has images, and the model {info.name!r} cannot see",
            key="prompt",
            hint="use a model with images: true",
        )


def _hint(mode: Mode, count: int) -> str | None:
    if mode == "pairwise" and count == 1:
        return "use a pointwise graph such as `rubric` for a single response"
    if mode == "pairwise" and count > 2:
        return "set mode: listwise"
    if mode == "pointwise" and count == 2:
        return "use a pairwise graph such as `direct` or `evidence`"
    return None
