"""What an agent is: an async function from work to a report.

    async def gather(work: Work, run: Run) -> Report:
        reply = await run.chat(work.at(turn=0), "default", [*work.thread, user("…")])
        return Report(messages=(reply.choices[0].message,))

Agents know nothing of LangGraph: the graph hands them what they need and stores what they report.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from adjudge.models import ModelInfo
from adjudge.run import Run
from adjudge.types import Case, Frozen, Message, Mode, Outcome, Position, Process, Scale, letter


@dataclass(frozen=True, slots=True)
class Work:
    """What one entry of a node works on."""

    node: str
    case: Case  # blind
    thread: tuple[Message, ...] = ()  # the messages it continues; empty for a fresh start
    order: tuple[int, ...] = ()  # 0-based indices of the responses as they are shown
    sample: int = 0
    visit: int = 0  # how often the node was entered before
    turns: int = 0  # model calls that the node reported in earlier visits
    notes: str = ""  # the last summary of the thread, where there is one
    process: Process | None = None  # plans, results and flags so far, where the graph plans
    summaries: tuple[str, ...] = ()  # of the case's trajectory, one after each step, where the graph makes them

    def at(self, *, turn: int = 0, attempt: int = 0) -> Position:
        """The position of a call made now."""
        shown = "".join(map(letter, self.order)) if len(self.order) <= 26 else ",".join(map(str, self.order))
        return Position(self.case.id, self.node, shown, self.sample, self.visit, turn, attempt)


class Report(NamedTuple):
    """What came of it."""

    status: str = "done"  # one of the statuses that this kind of agent can report
    messages: tuple[Message, ...] = ()  # appended to the node's thread
    outcome: Outcome | None = None  # a verdict in the order shown, an answer, or why there is none
    turns: int = 0  # model calls that count against a setting over all visits, such as `max_turns`
    notes: str | None = None  # a new summary of the thread
    segment: tuple[Message, ...] | None = None  # what the summarized thread begins anew with
    process: Process | None = None  # the process with what was added
    summaries: tuple[str, ...] | None = None  # of the case's trajectory, one after each step


Agent = Callable[[Work, Run], Awaitable[Report]]
Scorer = Callable[[Case], Awaitable[Sequence[float | None]]]  # of a case's candidate steps, in their order
StepScorer = Callable[[Case, Position, Run], Awaitable[tuple[float | None, ...]]]  # the same, through a run


class Setting(NamedTuple):
    """What an agent is told when it is built, besides its own settings."""

    node: str
    mode: Mode
    scale: Scale
    model: str  # name in the graph
    info: ModelInfo
    sampling: dict[str, Any]  # temperature, top_p, max_tokens of the model in the graph
    budget: int | None = None  # tokens of the thread beyond its opening, where a summarizer keeps it short
    scorers: Mapping[str, StepScorer] = {}  # who scores candidate steps, by name
    thread_tools: tuple[str, ...] = ()  # what the node whose thread this one continues offers its model

    def enforced(self, schema: dict[str, Any]) -> dict[str, Any] | None:
        """The schema, for a model that can hold its reply to one; the prompt alone asks the others for it."""
        return schema if "json_schema" in self.info.abilities else None


class NodeSettings(Frozen):
    """Settings that every node has."""

    agent: str
    model: str = "default"


class AgentKind(NamedTuple):
    """A kind of agent that a graph file can name."""

    settings: type[NodeSettings]
    build: Callable[[Any, Setting], Agent]
    statuses: frozenset[str]
    decides: bool = False  # whether its report holds the outcome
    forked: bool = False  # whether it is run once for each order and sample
