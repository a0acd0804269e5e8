"""What other models say of a rollout, for the rewards that need it: `criteria_gain`, `mact_agents`, `mact_global`.

measures:
  criteria_gain: {model: embedded}           # frozen; how likely the right verdict is with the criteria and without
  mact: {graph: direct, model: embedded}     # a judge that scores each step and the whole
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from adjudge.errors import AdjudgeError
from adjudge.models import open_model
from adjudge.training.rollouts.measures.criteria import CriteriaMeasure, CriteriaSettings
from adjudge.training.rollouts.measures.process import ProcessMeasure, ProcessSettings
from adjudge.types import Case, Frozen, JudgeResult

logger = logging.getLogger(__name__)


class Measure(Protocol):
    """Numbers of a rollout, by the names that rewards look for; none where it does not apply."""

    async def __call__(self, case: Case, result: JudgeResult) -> Mapping[str, tuple[float, ...]]:
        """Ask.

        Raises:
            AdjudgeError: Who was asked could not say.
        """
        ...


class MeasureSettings(Frozen):
    """Who is asked; null: nobody."""

    criteria_gain: CriteriaSettings | None = None
    mact: ProcessSettings | None = None

    @property
    def gives(self) -> frozenset[str]:
        """The rewards that can be paid."""
        gain = {"criteria_gain"} if self.criteria_gain is not None else set[str]()
        return frozenset(gain | ({"mact_agents", "mact_global"} if self.mact is not None else set[str]()))


def open_measures(settings: MeasureSettings, base: Path) -> tuple[Measure, ...]:
    """All that are asked for; weights are loaded at the first question.

    Raises:
        ConfigError: A model or a graph is wrong.
    """
    found: list[Measure] = []
    if settings.criteria_gain is not None:
        found.append(CriteriaMeasure(open_model(settings.criteria_gain.model)))
    if settings.mact is not None:
        found.append(ProcessMeasure.of(settings.mact, base))
    return tuple(found)


async def measure(measures: Sequence[Measure], case: Case, result: JudgeResult) -> dict[str, tuple[float, ...]]:
    """All numbers of one rollout; who cannot say leaves its reward unpaid, and the log says why."""
    found: dict[str, tuple[float, ...]] = {}
    for one in measures:
        try:
            found.update(await one(case, result))
        except AdjudgeError as error:
            logger.warning("case %s was not measured: %s", case.id, error)
    return found


__all__ = ["Measure", "MeasureSettings", "measure", "open_measures"]
