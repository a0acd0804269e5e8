"""Where in a judgement a call stands, and the seed that follows from it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Position(NamedTuple):
    """The place of one call: it makes equal-looking calls different, for the journal and for seeds."""

    case: str
    node: str
    order: str = ""  # the letters of the responses as shown, for example "BA"
    sample: int = 0
    visit: int = 0  # how often the node was entered before
    turn: int = 0
    attempt: int = 0  # repairs, or the number of the call within a turn

    def seed(self, base: int) -> int:
        """A seed in [0, 2^31) derived from this place and the judgement's base seed."""
        text = "\x1f".join((str(base), *map(str, self)))
        return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "big") >> 1
