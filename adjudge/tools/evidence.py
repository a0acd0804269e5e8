"""Read evidence again: what a summary has taken out of the prompt is still at hand under its name.

    {kind: read_evidence}

The tool finds nothing new, so it returns text and never another `Evidence`; `Run` fences that text like any result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from adjudge.errors import ToolError, shorten
from adjudge.tools.base import Tool, ToolContext, ToolOutput, tool
from adjudge.types import Evidence, Frozen

SHOWN_NAMES = 20  # how many known names an error lists
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class ReadEvidenceSettings(Frozen):
    """`{kind: read_evidence}` in a graph file."""

    kind: Literal["read_evidence"]


def build(settings: ReadEvidenceSettings, base: Path) -> Tool:
    """The tool that a graph file asks for; it has no settings, and `base` (the graph file's folder) plays no part."""
    return read_evidence()


def read_evidence() -> Tool:
    """A tool that shows evidence of this judgement in full again."""

    async def read(id: str, context: ToolContext) -> ToolOutput:
        """Read a piece of evidence again, in full, after it has left the conversation.

        Args:
            id: Its name as it was shown, for example `E3`.
        """
        item = _find(id, context.evidence)
        facts = (("title", item.title), ("source", item.source))
        head = "\n".join(f"{label}: {value}" for label, value in facts if value)
        return ToolOutput(f"{item.name}\n{head}\n\n{item.excerpt}" if head else f"{item.name}\n\n{item.excerpt}")

    return tool(read, name="read_evidence")


def _find(wanted: str, known: Mapping[str, Evidence]) -> Evidence:
    """The evidence of that name, in any case and with or without brackets, or whose digest begins with it."""
    key = wanted.strip(" \t\r\n[]().`'\"").lower()
    for name, item in known.items():
        if name.lower() == key:
            return item if item.name else item.model_copy(update={"name": name})
    if _DIGEST.fullmatch(key):
        found = {item.digest: item for item in known.values() if item.digest.startswith(key)}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            names = ", ".join(item.name for item in found.values())
            raise ToolError(f"several pieces of evidence begin with {key}: {names}; give the name of one")
    raise ToolError(f"there is no evidence {shorten(wanted)}; {_listing(list(known))}")


def _listing(names: list[str]) -> str:
    if not names:
        return "nothing has been found yet, so search first"
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return f"there is: {', '.join(names[:SHOWN_NAMES])}{more}"
