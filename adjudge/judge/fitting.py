"""Whether a case fits the mode of a judge."""

from __future__ import annotations

from adjudge.errors import CaseError
from adjudge.models import ModelInfo
from adjudge.types import Case, Mode, letter
from adjudge.types.messages import images_of

_WANTED = {
    "pointwise": "one response",
    "pairwise": "two responses",
    "listwise": "two or more responses",
    "answer": "no response",
}
_NO_STEPS = (
    "`adjudge judge --trajectory FILE` and `adjudge.cases.case_of_messages` make one of a conversation; for responses "
    "use a graph such as `rubric` or `direct`"
)


def fit(case: Case, mode: Mode, info: ModelInfo) -> None:
    """Refuse a case that this judge cannot judge.

    Raises:
        CaseError: What the mode needs and what the case has, or that the model has no eyes for its images.
    """
    if mode == "step":
        _steps(case)
    else:
        _responses(case, mode)
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


def _steps(case: Case) -> None:
    if case.candidates or (case.trajectory is not None and case.trajectory.steps):
        return
    within = [letter(place) for place, response in enumerate(case.responses) if response.trajectory is not None]
    found = "a trajectory without steps" if case.trajectory is not None else "neither"
    raise CaseError(
        f"case {case.id!r}: a step judge needs the steps of an agent: a trajectory, whose steps are judged, or "
        f"candidates, of which the next step is chosen; found {found}" + _besides(case),
        key="trajectory",
        hint=f"put the trajectory of response {within[0]} into the case itself" if within else _NO_STEPS,
    )


def _besides(case: Case) -> str:
    count = len(case.responses)
    return f", and {count} response{'s' * (count != 1)}" if count else ""


def _responses(case: Case, mode: Mode) -> None:
    count = len(case.responses)
    fits = {"pointwise": count == 1, "pairwise": count == 2, "listwise": count >= 2, "answer": count == 0}
    if fits[mode]:
        return
    raise CaseError(
        f"case {case.id!r}: a {mode} judge needs {_WANTED[mode]}, found {count} response{'s' * (count != 1)}",
        key="responses",
        hint=_hint(case, mode),
    )


def _hint(case: Case, mode: Mode) -> str | None:
    count = len(case.responses)
    if not count and (case.candidates or case.trajectory is not None):
        return "use a graph of mode step such as `information_gain` for the steps of an agent, or set mode: step"
    if mode == "pairwise" and count == 1:
        return "use a pointwise graph such as `rubric` for a single response"
    if mode == "pairwise" and count > 2:
        return "set mode: listwise"
    if mode == "pointwise" and count == 2:
        return "use a pairwise graph such as `direct` or `evidence`"
    return None
