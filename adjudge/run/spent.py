"""What a judgement has come to so far, as a value: for a checkpoint, from which another process goes on."""

from __future__ import annotations

from adjudge.types import Evidence, Frozen, Usage


class Spent(Frozen):
    """What a run has spent and found.

    The memory of tools (variables of the sandbox) is not in it, and is empty again after a resume.
    """

    usage: Usage = Usage()
    evidence: tuple[Evidence, ...] = ()


def furthest(old: Spent | None, new: Spent | None) -> Spent | None:
    """LangGraph reducer: of branches that ran side by side, the one that ended last has seen what all spent."""
    if old is None or new is None:
        return new or old
    return max(old, new, key=lambda spent: (spent.usage.model_calls + spent.usage.tool_calls, spent.usage.seconds))
