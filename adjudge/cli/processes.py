"""How an answer came about, as a person reads it: plan, results, flags, and how the last check ended."""

from __future__ import annotations

from adjudge.cli.screen import Part, Screen, excerpt
from adjudge.types import Flag, PlanStep, Process, StepOutput

_ENDED = {
    "accepted": "accepted",
    "capped": "still flagged when no correction was left",
    "unreadable": "could not be read, so nothing is checked",
    "": "was not checked",
}


def ended(checked: str) -> str:
    """How the last check ended, in words."""
    return _ENDED.get(checked, checked)


def summary(process: Process) -> str:
    """A process on one line."""
    parts = []
    if process.plan is not None:
        drawn = f" (1 of {len(process.plans)} plans)" if len(process.plans) > 1 else ""
        parts.append(f"{_count(len(process.plan.steps), 'step')}{drawn}")
    failed = sum(not output.output for output in process.outputs)
    if failed:
        parts.append(f"{failed} without a result")
    parts += [f"{_count(len(process.rounds), 'flag')}" if process.rounds else "no flag", ended(process.checked)]
    return ", ".join(parts)


def show_process(screen: Screen, process: Process) -> None:
    """Earlier rounds first, each with its flag; then the plan that was followed, and what came of each step."""
    for number, item in enumerate(process.rounds, 1):
        last = number == len(process.rounds) and process.checked == "capped"
        if not last:  # that one is shown below, as what the answer was given from
            _section(screen, f"round {number}, flagged")
            _steps(screen, item.plan.steps, item.outputs)
            screen.line(*flag_line(item.flag), indent=2)
    if process.plan is not None:
        _section(screen, f"plan and results: {ended(process.checked)}")
        _steps(screen, process.plan.steps, process.outputs)
    if process.checked == "capped" and process.rounds:
        screen.line(*flag_line(process.rounds[-1].flag), indent=2)


def _steps(screen: Screen, steps: tuple[PlanStep, ...], outputs: tuple[StepOutput, ...]) -> None:
    done = {output.step: output for output in outputs}
    for number, step in enumerate(steps):
        screen.line(*plan_line(number, step), indent=2)
        if number not in done:
            continue
        output = done[number]
        screen.block(output.output or f"no result: {output.failed}", indent=5)
        if output.tools_failed:
            screen.line(("not one of its tool calls succeeded", "yellow"), indent=5)
        for candidate, score in zip(output.candidates, output.scores, strict=False):
            told = "not scored" if score is None else f"score {score:g}"
            screen.line((f"candidate, {told}: ", "dim"), excerpt(candidate), indent=5)


def plan_line(number: int, step: PlanStep) -> list[Part]:
    """A step of a plan on one line."""
    uses = f" (from {', '.join(map(str, step.uses))})" if step.uses else ""
    expected = f" → {excerpt(step.expected)}" if step.expected else ""
    return [(f"{number}. ", "cyan"), f"{excerpt(step.goal, 200)}{expected}{uses}"]


def step_line(output: StepOutput) -> list[Part]:
    """What came of a step, on one line."""
    name: Part = (f"step {output.step} ", "cyan")
    if not output.output:
        return [name, (f"has no result: {excerpt(output.failed)}", "yellow")]
    drawn = f" (best of {len(output.candidates)})" if output.candidates else ""
    return [name, f"{excerpt(output.output)}{drawn}"]


def flag_line(flag: Flag) -> list[Part]:
    """A flag on one line."""
    return [(f"{flag.kind}, step {flag.step}: ", "yellow"), excerpt(flag.mistake, 300)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _section(screen: Screen, title: str) -> None:
    screen.line((title, "bold underline"))
