"""One step of an agent, and how it reads in a prompt: before it ran, or with what came back."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import Field

from adjudge.types.frozen import Frozen

NO_RESULT = "(no result was recorded)"
EMPTY = "(an empty message)"


class Step(Frozen):
    """One step of an agent: what it thought, the tool it called, and what came back."""

    thought: str = ""
    tool: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    observation: str | None = None

    @property
    def unanswered(self) -> bool:
        """Whether a tool was called and no result of it is known, though a user may have spoken since."""
        return self.tool is not None and (self.observation is None or self.observation.startswith(NO_RESULT))

    def unexecuted(self) -> Self:
        """The step as it stood before it ran: without what came back."""
        return self.model_copy(update={"observation": None})

    def render(self, *, ran: bool = False) -> str:
        """The step as plain text for a prompt.

        A step that is judged before it runs is shown as `step.unexecuted().render()`, one that ran as
        `step.render(ran=True)`.

        Args:
            ran: Whether it is known to have run: then it is said that a result is missing, or that it is empty.
        """
        lines = [self.thought] if self.thought else []
        if self.tool is not None:
            lines.append(f"Action: {self.tool}({json.dumps(self.arguments, ensure_ascii=False)})")
        if self.observation is not None:
            lines.append(f"Observation: {self.observation}")
        elif ran and self.unanswered:
            lines.append(f"Observation: {NO_RESULT}")
        return "\n".join(lines) or (EMPTY if ran else "")
