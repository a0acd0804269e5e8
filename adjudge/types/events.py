"""What happens during a judgement, as typed events: the command line, a session and a page show them."""

from __future__ import annotations

from dataclasses import dataclass

from adjudge.types.evidence import Evidence
from adjudge.types.position import Position
from adjudge.types.process import Flag, Plan, StepOutput
from adjudge.types.results import JudgeResult, Vote


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node of the graph begins."""

    node: str
    agent: str


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A model call has finished; `recorded` when it came from the journal."""

    at: Position
    model: str
    tokens_in: int
    tokens_out: int
    recorded: bool


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of a model's reply as it is generated (servers that stream only)."""

    at: Position
    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A tool call has finished; `error` is what the model was told when it failed, `bad_call` whether by its fault."""

    at: Position
    tool: str
    arguments: str
    error: str | None
    recorded: bool
    bad_call: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """A tool found something that was not known before."""

    at: Position
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A hard limit stopped the next call."""

    at: Position
    limit: str
    detail: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan has been chosen."""

    node: str
    plan: Plan
    drawn: int  # plans that it was chosen from
    corrections: int  # flags before it


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step of the plan has been carried out, or could not be."""

    node: str
    goal: str
    output: StepOutput


@dataclass(frozen=True, slots=True)
class Checked:
    """A judge of the process has looked at it."""

    node: str
    flag: Flag | None  # None: nothing is at fault, or `ended` is `unreadable`
    ended: str  # accepted, capped or unreadable, as in `Process.checked`; empty: it goes on with a correction


@dataclass(frozen=True, slots=True)
class VoteCast:
    """One order and sample has been judged."""

    node: str
    vote: Vote


@dataclass(frozen=True, slots=True)
class Finished:
    """The judgement is complete; always the last event. `recorded`: it was in the journal, and is the only event."""

    result: JudgeResult
    recorded: bool = False


Event = (
    NodeStarted
    | ModelCalled
    | TextDelta
    | ToolCalled
    | EvidenceFound
    | LimitReached
    | Planned
    | StepDone
    | Checked
    | VoteCast
    | Finished
)
