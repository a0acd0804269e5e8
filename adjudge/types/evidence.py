"""Evidence: what a tool found, kept so that a verdict can cite it and a person can check it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from pydantic import Field

from adjudge.types.frozen import Frozen

_PASSAGE = re.compile(r"#\d+$")


class Evidence(Frozen):
    """One item that a tool found.

    Its identity is `digest`, the sha256 of what it says and where that stands; `name` (E1, E2, …) is only how it is
    shown within one judgement, numbered in the order of the calls, and is set by `Run`.
    """

    excerpt: str
    source: str = ""
    title: str = ""
    name: str = ""
    tool: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    time: float | None = Field(default=None, description="When it was found, in seconds since 1970.")
    score: float | None = Field(default=None, description="The tool's own relevance, higher is better.")

    @property
    def digest(self) -> str:
        """sha256 over source, title and excerpt, as 64 hexadecimal digits."""
        content = "\x1f".join((self.source, self.title, self.excerpt))
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    def is_of(self, document: str) -> bool:
        """Whether it is a document, or a passage of it.

        Args:
            document: Its id; the source is `ID` or `FILE#ID`, of a passage with its number behind: `FILE#ID#3`.
        """
        places = (self.source, self.source.partition("#")[2])
        return document in {shown for place in places for shown in (place, _PASSAGE.sub("", place))}
