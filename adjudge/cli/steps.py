"""Steps of a trajectory as lines: their scores, and which of them have no result."""

from __future__ import annotations

from adjudge.cli.screen import Screen, excerpt
from adjudge.types import Case, JudgeResult, Step, Verdict

_NAMED = 5  # steps without a result that a warning names


def show_steps(screen: Screen, result: JudgeResult, case: Case) -> None:
    """A line for each step that a verdict scores: its score, and whether it is the first wrong one."""
    verdict = result.outcome
    steps = case.trajectory.steps if case.trajectory is not None else ()
    if not isinstance(verdict, Verdict) or case.candidates or len(verdict.scores) != len(steps):
        return
    digits, width = len(str(len(steps) - 1)), max((len(f"{score:g}") for score in verdict.scores), default=0)
    for number, (step, score) in enumerate(zip(steps, verdict.scores, strict=True)):
        mark = "first wrong  " if number == verdict.first_wrong_step else ""
        screen.line(
            (f"step {number:>{digits}}  ", "dim"),
            (f"{score:>{width}g}  ", "bold"),
            (mark, "bold red"),
            excerpt(step.unexecuted().render() or step.render(ran=True)),
            (" (no result)" if _unanswered(step) else "", "dim"),
            indent=2,
        )


def without_result(case: Case) -> str | None:
    """A warning about tool calls of a trajectory that have no result; None when all have one."""
    steps = case.trajectory.steps if case.trajectory is not None else ()
    missing = [number for number, step in enumerate(steps) if _unanswered(step)]
    if not missing or case.candidates:
        return None
    named = ", ".join(map(str, missing[:_NAMED]))
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    calls = f"the calls of steps {named}{more} have" if len(missing) > 1 else f"the call of step {named} has"
    return f"case {case.id!r}: {calls} no result, and the judge is told so (further cases are not named)"


def _unanswered(step: Step) -> bool:
    return step.tool is not None and step.observation is None
