"""A search so far, and the choice of its next step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adjudge.agents import Scorer
from adjudge.cases.foreign import Part, conversation, turns_of
from adjudge.config import Document
from adjudge.errors import ConfigError, JournalError
from adjudge.judge import Judge
from adjudge.types import Case, Ranking, RankResult, Step, Trajectory, Unscored, Usage
from adjudge.types.steps import NO_RESULT


class Choice(NamedTuple):
    """One choice among proposals."""

    proposals: tuple[Step, ...]
    scores: tuple[float | None, ...]  # None: not scored
    chosen: int  # 0-based
    judged: bool  # False: there was nothing to choose from, or nothing was scored
    failure: str = ""  # why some or all have no score, where they should have one


class Search:
    """A search so far.

    Args:
        case: The task.
        judge: Who judges candidate steps.

    Attributes:
        steps: What was done.
        choices: What it was chosen among.
        summaries: Of the steps, as far as the judge has made any.
        usage: What the judge has cost.
    """

    def __init__(self, case: Case, judge: Judge | Scorer) -> None:
        self.case = case
        self.steps: list[Step] = []
        self.choices: list[Choice] = []
        self.summaries: tuple[str, ...] = ()
        self.usage = Usage()
        self._judge = judge

    async def choose(self, proposals: Sequence[Step]) -> int:
        """The place of the best of the proposals, of which there is at least one."""
        scores: Sequence[float | None] = [None] * len(proposals)
        failure = ""
        if len({step.render() for step in proposals}) > 1:
            scores, failure = await self._scores(proposals)
        known = [(score, -place) for place, score in enumerate(scores) if score is not None]
        chosen = -max(known)[1] if known else 0
        self.choices.append(Choice(tuple(proposals), tuple(scores), chosen, bool(known), failure))
        return chosen

    async def _scores(self, proposals: Sequence[Step]) -> tuple[Sequence[float | None], str]:
        """Scores, and why some are missing."""
        case = self._case(proposals)
        if not isinstance(self._judge, Judge):
            return await _called(self._judge, case)
        result = await self._judge.arank(case, strategy="pointwise")
        self.usage += result.usage
        if len(result.summaries) > len(self.summaries):  # one that failed may bring fewer
            self.summaries = result.summaries
        scores = result.outcome.scores if isinstance(result.outcome, Ranking) else (None,) * len(proposals)
        return scores, _failure(result)

    def _case(self, proposals: Sequence[Step]) -> Case:
        """The choice as a case; its id is that of the search with the number of the step."""
        past = Trajectory(steps=tuple(self.steps)) if self.steps else None
        update = {
            "id": f"{self.case.id}#{len(self.steps)}",
            "trajectory": past,
            "candidates": tuple(proposals),
            "summaries": self.summaries,
        }
        if isinstance(self._judge, Judge) and not _sees(self._judge):
            update["prompt"] = self.case.question
        return self.case.model_copy(update=update)


async def _called(scorer: Scorer, case: Case) -> tuple[Sequence[float | None], str]:
    none = (None,) * len(case.candidates)
    try:
        scores = [None if score is None else float(score) for score in await scorer(case)]
    except (ConfigError, JournalError):  # for the user, and the operator
        raise
    except Exception as error:  # noqa: BLE001 - whatever somebody else's scorer raises costs this choice
        return none, told(error)
    if len(scores) != len(none) or any(score is not None and not math.isfinite(score) for score in scores):
        return none, f"a scorer gives {len(none)} finite numbers or None, one for each candidate; found {scores}"
    return scores, ""


def _failure(result: RankResult) -> str:
    outcomes = [result.outcome, *(comparison.outcome for comparison in result.comparisons)]
    return next((f"{item.reason}: {item.detail}" for item in outcomes if isinstance(item, Unscored)), "")


def _sees(judge: Judge) -> bool:
    return all("images" in model.info.abilities for model in judge.models.values())


def step_of(said: Sequence[Mapping[str, Any]]) -> Step:
    """A reply as one step, several calls together, with the results of its calls where they follow.

    Raises:
        CaseError: These are no messages of an assistant and its tools.
    """
    turns = turns_of(Part.whole(Document([dict(message) for message in said], "<reply>")))
    steps = conversation(turns, 0).steps
    if len(steps) == 1:
        return steps[0]
    calls = {f"call {number}": {"tool": step.tool, **step.arguments} for number, step in enumerate(steps)}
    results = [f"call {number}: {step.observation or NO_RESULT}" for number, step in enumerate(steps)]
    known = any(step.observation is not None for step in steps)
    observation = "\n\n".join(results) if known else None
    return Step(thought=steps[0].thought, tool="several", arguments=calls, observation=observation) if steps else Step()


def told(error: BaseException) -> str:
    """What went wrong, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")[:500]
