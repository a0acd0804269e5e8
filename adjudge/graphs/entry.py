"""One entry of a node: its work taken from the state, its agent's report, and the vote that this comes to.

Nothing here raises for a model, a tool or a limit: the failure becomes an `Unscored` outcome, and one branch does not
cancel its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adjudge.agents import Agent, Report, Work
from adjudge.agents.stopped import STOPS, unscored
from adjudge.graphs.merge import renamed, restore
from adjudge.graphs.orders import Forks
from adjudge.graphs.spec import FRESH
from adjudge.graphs.state import Cast, State
from adjudge.run import Run
from adjudge.types import NodeStarted, Unscored, Vote, VoteCast


class Member(NamedTuple):
    """An agent in its place in a graph."""

    agent: Agent
    kind: str
    forks: Forks | None  # how its work is forked; None for an agent that is not


def work_of(name: str, state: State, source: str, order: tuple[int, ...], sample: int) -> Work:
    """What a node works on, taken from the state."""
    return Work(
        node=name,
        case=state["case"],
        thread=tuple(state.get("threads", {}).get(source, ())),  # a checkpoint gives tuples back as lists
        order=tuple(order),
        sample=sample,
        visit=state.get("visits", {}).get(name, 0),
        turns=state.get("turns", {}).get(name, 0),
        notes=_notes(state.get("notes", {}), source),
        process=state.get("process"),
        summaries=tuple(state.get("summaries", ())),
    )


def _notes(notes: Mapping[str, str], source: str) -> str:
    """The notes on a thread; an agent with a fresh prompt gets those of all threads."""
    return "\n\n".join(notes.values()) if source == FRESH else notes.get(source, "")


def cast(work: Work, report: Report, run: Run, *, whole: bool = True) -> Cast:
    """The vote that a report comes to.

    Args:
        work: What was worked on.
        report: What came of it.
        run: Whose event it is.
        whole: Whether all responses of the case were shown, so that scores can be put back into its order.
    """
    outcome = report.outcome
    if outcome is None:
        outcome = Unscored(reason="model_failure", detail=f"the agent of {work.node!r} reported no outcome")
    seed = work.at().seed(run.seed)
    given = restore(outcome, work.order) if whole else renamed(outcome, work.order)
    vote = Vote(order=work.order, sample=work.sample, seed=seed, outcome=given)
    run.emit(VoteCast(work.node, vote))
    return Cast(work.node, work.visit, vote)


async def guarded(member: Member, work: Work, run: Run) -> Report:
    """The agent's report, or the typed failure that stopped it."""
    run.emit(NodeStarted(work.node, member.kind))
    try:
        run.enter(work.at(), work.visit)
        return await member.agent(work, run)
    except STOPS as error:
        return Report("failed", outcome=unscored(error))
