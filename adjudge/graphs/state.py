"""The state of a judging graph: plain values only; models, tools and the journal live in `Run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeVar

from typing_extensions import TypedDict

from adjudge.run import Spent, furthest
from adjudge.types import Case, Message, Outcome, Process, Vote

K = TypeVar("K")
V = TypeVar("V")


class Cast(NamedTuple):
    """A vote, and the entry of a node that it belongs to."""

    node: str
    visit: int
    vote: Vote


def merged(old: dict[K, V], new: dict[K, V]) -> dict[K, V]:
    """LangGraph reducer: later entries replace earlier ones."""
    return {**old, **new}


def joined(old: Sequence[Cast], new: Sequence[Cast]) -> tuple[Cast, ...]:
    """LangGraph reducer: one after the other. A checkpoint gives tuples back as lists."""
    return (*old, *new)


class State(TypedDict, total=False):
    """What the nodes share. A node of your own reads `case` and writes `outcome`."""

    case: Case
    threads: Annotated[dict[str, tuple[Message, ...]], merged]  # by node
    status: Annotated[dict[str, str], merged]  # by node
    visits: Annotated[dict[str, int], merged]  # by node
    turns: Annotated[dict[str, int], merged]  # by node
    notes: Annotated[dict[str, str], merged]  # by the node whose thread was summarized
    votes: Annotated[tuple[Cast, ...], joined]
    process: Process | None
    summaries: tuple[str, ...]
    outcome: Outcome | None
    spent: Annotated[Spent | None, furthest]  # for a checkpoint
    order: tuple[int, ...]  # of one fork
    sample: int  # of one fork
