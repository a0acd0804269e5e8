"""Steps of a trajectory as lines: their scores, and which of them have no result."""

from __future__ import annotations

from adjudge.cli.screen import Screen, excerpt, one_line
from adjudge.types import Case, JudgeResult, Verdict

_NAMED = 5  # steps without a result that a warning names


def judges_steps(result: JudgeResult) -> bool:
    """Whether the steps of a trajectory were judged, and not candidates for the next one."""
    return result.graph.mode == "step" and not any(vote.order for vote in result.votes)


def show_steps(screen: Screen, result: JudgeResult, case: Case) -> None:
    """Each step that a verdict scores: its score, whether it is the first wrong one, and why, where that is known."""
    verdict = result.outcome
    steps = case.trajectory.steps if case.trajectory is not None else ()
    if not isinstance(verdict, Verdict) or case.candidates or len(verdict.scores) != len(steps):
        return
    scores = [f"{round(score, 2):g}" for score in verdict.scores]
    digits, width = len(str(len(steps) - 1)), max(map(len, scores), default=0)
    reasons = reasons_of(verdict)
    for number, (step, score) in enumerate(zip(steps, scores, strict=True)):
        mark = "first wrong  " if number == verdict.first_wrong_step else ""
        screen.line(
            (f"step {number:>{digits}}  ", "dim"),
            (f"{score:>{width}}  ", "bold"),
            (mark, "bold red"),
            excerpt(step.unexecuted().render() or step.render(ran=True)),
            (" (no result)" if step.unanswered else "", "dim"),
            indent=2,
        )
        if reasons:
            screen.line((one_line(reasons[number]), "dim"), indent=9 + digits)


def reasons_of(verdict: Verdict) -> list[str]:
    """The reason for each score, where every step was judged by itself; else none."""
    lines = [line.partition(": ") for line in verdict.rationale.split("\n")]
    names = [name for name, _, _ in lines]
    return [reason for _, _, reason in lines] if names == [str(n) for n in range(len(verdict.scores))] else []


def without_result(case: Case) -> str | None:
    """A warning about tool calls of a trajectory that have no result; None when all have one."""
    steps = case.trajectory.steps if case.trajectory is not None else ()
    missing = [number for number, step in enumerate(steps) if step.unanswered]
    if not missing or case.candidates:
        return None
    named = ", ".join(map(str, missing[:_NAMED]))
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    calls = f"the calls of steps {named}{more} have" if len(missing) > 1 else f"the call of step {named} has"
    return f"case {case.id!r}: {calls} no result, and the judge is told so (further cases are not named)"
