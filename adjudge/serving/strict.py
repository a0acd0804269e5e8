"""JSON as it is defined, and not too deep.

Python's own reader lets NaN, Infinity and 1e999 through, which no reply could repeat, and values nested so deeply that
nothing can write them again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

DEEPEST = 100  # levels of lists and objects


class StrictRoute(APIRoute):
    """A route whose body has to be JSON."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """FastAPI's handler, which gets a stricter request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            value = json.loads(await self.body(), parse_constant=_no_constant, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, f"the body is not JSON: {error}") from error
        if _too_deep(value):
            raise HTTPException(400, f"the body is nested in more than {DEEPEST} levels")
        return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON; write null")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {text[:20]} is too large")
    return number
