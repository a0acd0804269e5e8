"""Who scores candidate steps: a judge in mode step, or an async function of yours.

    Judge.load("four_agents", scorers={"prm": Judge.load("information_gain")})

A judge scores as a part of the judgement: within its limits and its journal, its calls counted with the others. What a
function gives is recorded under its source text and the candidates, and counts as a tool call. A step that could not be
scored gets None; so do all candidates of a scorer that failed, and the failure of a function is told as one of a tool.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from adjudge.agents import Scorer, StepScorer
from adjudge.errors import ConfigError, ToolError
from adjudge.graphs import GraphSpec
from adjudge.models import ChatModel
from adjudge.run import Run
from adjudge.types import Case, Fingerprint, Outcome, Position, Verdict

TIMEOUT = 300.0  # seconds for one call of a function


@runtime_checkable
class StepJudge(Protocol):
    """What is asked of a judge that scores."""

    spec: GraphSpec
    models: dict[str, ChatModel]
    fingerprint: Fingerprint

    async def part_of(self, run: Run, case: Case) -> Outcome:
        """Judge a case as a part of another judgement."""
        ...


AnyScorer = StepJudge | Scorer


def scorer_of(name: str, given: AnyScorer) -> StepScorer:
    """A scorer as agents call it.

    Args:
        name: The name that nodes use.
        given: A judge, or an async function from a case to a number (or None) for each of its candidates.

    Raises:
        ConfigError: The judge is of another mode, or it is no async function.
    """
    key = f"scorers.{name}"
    if isinstance(given, StepJudge):
        if given.spec.mode != "step":
            hint = "use a graph of mode step, such as information_gain"
            raise ConfigError("a scorer judges steps", key=key, found=given.spec.mode, hint=hint)
        return _of_judge(given)
    if not inspect.iscoroutinefunction(given) and not inspect.iscoroutinefunction(type(given).__call__):
        raise ConfigError("a scorer is a judge of mode step, or an async function", key=key, found=given)
    return _of_function(name, given)


def identities(given: Mapping[str, AnyScorer]) -> dict[str, str]:
    """What scores, for the fingerprint of who uses it.

    For a judge its own fingerprint; for a function, or an object that can be called, its source text and what it says
    of itself in an attribute `fingerprint`.
    """
    return {name: _identity(scorer) for name, scorer in sorted(given.items())}


def _identity(scorer: AnyScorer) -> str:
    if isinstance(scorer, StepJudge):
        return scorer.fingerprint.digest
    code = scorer if inspect.isroutine(scorer) else type(scorer)
    try:
        source = inspect.getsource(code)
    except (OSError, TypeError):  # defined in a shell, or compiled
        source = code.__qualname__
    told = f"{source}\x1f{getattr(scorer, 'fingerprint', '')}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _of_judge(judge: StepJudge) -> StepScorer:
    eyes = all("images" in model.info.abilities for model in judge.models.values())

    async def score(case: Case, at: Position, run: Run) -> tuple[float | None, ...]:
        shown = case if eyes else case.model_copy(update={"prompt": case.question})
        outcome = await judge.part_of(run, shown)
        if isinstance(outcome, Verdict) and len(outcome.scores) == len(case.candidates):
            return outcome.scores
        return (None,) * len(case.candidates)

    return score


def _of_function(name: str, given: Scorer) -> StepScorer:
    identity = _identity(given)

    async def score(case: Case, at: Position, run: Run) -> tuple[float | None, ...]:
        async def call() -> dict[str, Any]:
            try:
                return {"scores": await _asked(name, given, case)}
            except ToolError as error:
                return {"error": str(error)}

        value = await run.recorded(at, name, ["scorer", name, identity, case.digest()], call)
        return tuple(value.get("scores") or (None,) * len(case.candidates))

    return score


async def _asked(name: str, given: Scorer, case: Case) -> list[float | None]:
    try:
        async with asyncio.timeout(TIMEOUT):
            return _checked(await given(case), len(case.candidates))
    except Exception as error:  # the boundary of code that is not ours: whatever it raises is a failed call
        raise ToolError(f"the scorer {name!r} failed: {type(error).__name__}: {error}") from error


def _checked(scores: Sequence[float | None], wanted: int) -> list[float | None]:
    given = [None if score is None else float(score) for score in scores]
    if len(given) != wanted or any(score is not None and not math.isfinite(score) for score in given):
        raise ValueError(f"it must give {wanted} finite numbers or None, one for each candidate; found {given}")
    return given
