"""What a judge says of each agent's work in an answer, and of the whole: MACT's R_prm and R_orm (C.3).

There they are reward models of their own; here any pointwise judge. What it is shown of each agent is ours. Keep it
apart from the judge that labels held-out data, and from the policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field

from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.types import Answer, Case, Frozen, JudgeResult, Process, Verdict

NOT_SCORED = float("nan")


class ProcessSettings(Frozen):
    """Who is asked."""

    graph: str = Field(default="direct", description="Of a judge; it is used pointwise.")
    model: str = Field(default="embedded", description="As for `adjudge judge`.")
    settings: tuple[str, ...] = Field(default=(), description="Overrides of the graph.")


class ProcessMeasure:
    """`planning` and `execution`, one number for each step, and `judgment`, `answer` and `global`, all on [0, 1].

    NaN where the judge gave no score. Nothing where a graph does not plan.

    Args:
        judge: Who is asked; pointwise.

    Raises:
        ConfigError: The judge does not score single responses on a numeric scale.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        if judge.spec.mode != "pointwise" or not judge.spec.scale.numeric:
            problem = "the judge gives no number to a single response"
            raise ConfigError(problem, key="measures.mact.graph", found=f"{judge.spec.name}, {judge.spec.mode}")

    @classmethod
    def of(cls, settings: ProcessSettings, base: Path) -> Self:
        """As a recipe says it.

        Args:
            settings: Who is asked.
            base: Where the graph's path starts.

        Raises:
            ConfigError: The graph is wrong.
        """
        beside = base / settings.graph
        graph: str | Path = beside if beside.is_file() else settings.graph
        return cls(Judge.load(graph, model=settings.model, settings=["mode=pointwise", *settings.settings]))

    async def __call__(self, case: Case, result: JudgeResult) -> dict[str, tuple[float, ...]]:
        """All of them, asked side by side.

        Raises:
            ModelError: The model failed.
        """
        process = result.process
        if process is None or process.plan is None:
            return {}
        question, plan = case.question, process.plan
        asked = {
            "planning": [
                self._score(f"Plan what is to be found out, step by step, to answer: {question}", _upto(lines, place))
                for lines in [plan.render().splitlines()]
                for place in range(len(plan.steps))
            ],
            "execution": [
                self._score(f"For the question {question!r}: {plan.steps[output.step].goal}", output.output)
                for output in process.outputs
            ],
            "judgment": [self._score(_checking(question, process), _checked(process))],
        }
        if isinstance(result.outcome, Answer):
            said = result.outcome.text
            asked["answer"] = [self._score(question, said)]
            asked["global"] = [self._score(f"Answer, and show how: {question}", _whole(process, said))]
        found = await asyncio.gather(*(asyncio.gather(*scores) for scores in asked.values()))
        return {name: tuple(scores) for name, scores in zip(asked, found, strict=True)}

    async def _score(self, prompt: str, text: str) -> float:
        if not text.strip():
            return 0.0
        outcome = (await self._judge.ajudge(Case(prompt=prompt, responses=(text,)))).outcome
        if not isinstance(outcome, Verdict) or not outcome.scores:
            return NOT_SCORED
        scale = self._judge.spec.scale
        return (outcome.scores[0] - scale.low) / (scale.high - scale.low)


def _upto(lines: Sequence[str], place: int) -> str:
    return "\n".join(lines[: place + 1])


def _outputs(process: Process) -> str:
    return "\n".join(_lines(process))


def _lines(process: Process) -> Iterable[str]:
    for output in process.outputs:
        yield f"{output.step}. {output.output or output.failed}"


def _checking(question: str, process: Process) -> str:
    plan = process.plan.render() if process.plan else ""
    return f"Is there a mistake in this plan and its results?\n\n{question}\n\n{plan}\n\n{_outputs(process)}"


def _checked(process: Process) -> str:
    flags = [f"Step {one.flag.step} of the {one.flag.kind}: {one.flag.mistake}" for one in process.rounds]
    return "\n".join([*flags, f"In the end: {process.checked or 'not checked'}."])


def _whole(process: Process, answer: str) -> str:
    plan = process.plan.render() if process.plan else ""
    return f"Plan:\n{plan}\n\nResults:\n{_outputs(process)}\n\nAnswer: {answer}"
