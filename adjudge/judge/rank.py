"""Ranking one group: from a case with any number of responses to scores, a ranking, and what was compared."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, get_args

from adjudge.errors import CaseError, ConfigError
from adjudge.graphs import State
from adjudge.judge.fitting import see
from adjudge.judge.group import MODES, Group, alike
from adjudge.models.images import resolve_images
from adjudge.ranking import Standing, run_strategy
from adjudge.run import Run
from adjudge.tools.web import fetch_image
from adjudge.types import Case, Event, Fingerprint, Goal, Mode, Position, Ranking, RankResult, Strategy, Unscored

if TYPE_CHECKING:
    from adjudge.judge.judge import Judge

IN_PROCESS, SERVED = 8, 32  # comparisons of a group side by side


class Plan(NamedTuple):
    """How a group is ranked.

    Args:
        strategy: Which comparisons are made, and what is made of them; see docs/ranking.md.
        budget: Most comparisons; None: as many as the strategy wants.
        confidence: In [0, 1]; `adaptive` stops when it is reached.
        goal: What `adaptive` spends comparisons on: the whole ranking, or the best response.
    """

    strategy: Strategy = "all_pairs"
    budget: int | None = None
    confidence: float = 0.95
    goal: Goal = "ranking"

    @property
    def mode(self) -> Mode:
        """How the judge has to judge for this."""
        return MODES[self.strategy]

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigError: What is wrong, and what is allowed.
        """
        if self.strategy not in MODES:
            raise ConfigError("unknown strategy", key="strategy", found=self.strategy, allowed=MODES)
        if self.goal not in get_args(Goal):
            raise ConfigError("unknown goal", key="goal", found=self.goal, allowed=get_args(Goal))
        if self.budget is not None and self.budget < 1:
            raise ConfigError("a budget is a number of comparisons, at least 1", key="budget", found=self.budget)
        if not 0 <= self.confidence <= 1:
            raise ConfigError("a confidence lies between 0 and 1", key="confidence", found=self.confidence)


async def rank(judge: Judge, case: Case, plan: Plan, on_event: Callable[[Event], None] | None = None) -> RankResult:
    """Rank the responses of a case; see `Judge.arank`."""
    plan.check()
    steps = judge.spec.mode == "step"
    subjects, key = (case.candidates, "candidates") if steps else (case.responses, "responses")
    if not subjects:
        hint = "`judge(case)` scores the steps of a trajectory" if steps and case.trajectory is not None else None
        raise CaseError(f"case {case.id!r}: a group has at least one of its {key}, found none", key=key, hint=hint)
    case = case.model_copy(update={"responses": ()} if steps else {"candidates": ()})
    comparer = judge.comparer("step" if steps else plan.mode)
    if steps and not comparer.cut.forks.shuffled:  # steps that are judged by themselves cannot be compared otherwise
        plan = plan._replace(strategy="pointwise")
    for model in judge.models.values():
        see(case, model.info)
    case = await resolve_images(case, judge.images, fetch_image)
    graph = _ranked_by(comparer.fingerprint, plan)
    if judge.journal is not None and judge.journal.mode != "replay":
        await judge.journal.put_case(case)
    run = Run(
        case,
        models=judge.models,
        tools=judge.tools,
        limits=judge.spec.limits,
        seed=judge.spec.seed,
        journal=judge.journal,
        on_event=on_event,
    )
    competitors = len(alike(case))
    if not competitors:
        detail = f"none of the {len(subjects)} {key} is complete, so there is nothing to compare"
        return _result(case, plan, graph, Unscored(reason="bad_case", detail=detail))
    needless = competitors == 1 and plan.strategy != "pointwise"
    state = {"case": run.case} if needless else await comparer.gather(run)
    failure = state.get("outcome")
    if isinstance(failure, Unscored):
        return _with_summaries(_result(case, plan, graph, failure, run=run), state)
    group = Group(comparer, run, state, _at_once(judge))
    none = Standing((None,) * competitors, (), stopped="no two different responses are left to compare")
    standing = (
        none
        if needless
        else await run_strategy(
            plan.strategy,
            group,
            budget=plan.budget,
            confidence=plan.confidence,
            goal=plan.goal,
            seed=Position(case.id, "rank").seed(judge.spec.seed),
        )
    )
    result = _result(case, plan, graph, group.outcome(standing), run=run, group=group, stopped=standing.stopped)
    return _with_summaries(result, state)


def _with_summaries(result: RankResult, state: State) -> RankResult:
    return result.model_copy(update={"summaries": tuple(state.get("summaries", ()))})


def _result(
    case: Case,
    plan: Plan,
    graph: Fingerprint,
    outcome: Ranking | Unscored,
    *,
    run: Run | None = None,
    group: Group | None = None,
    stopped: str = "",
) -> RankResult:
    result = RankResult(id=case.id, strategy=plan.strategy, outcome=outcome, stopped=stopped, graph=graph)
    if run is None:
        return result
    usage = run.meter.usage() if group is None else group.usage
    compared = () if group is None else tuple(group.comparisons)
    return result.model_copy(update={"comparisons": compared, "evidence": run.evidence.ordered(), "usage": usage})


def _ranked_by(fingerprint: Fingerprint, plan: Plan) -> Fingerprint:
    digest = hashlib.sha256(f"{fingerprint.digest} {tuple(plan)}".encode()).hexdigest()[:32]
    return fingerprint.model_copy(update={"digest": digest})


def _at_once(judge: Judge) -> int:
    local = all(model.info.provider == "local" for model in judge.models.values())
    return IN_PROCESS if local else SERVED
