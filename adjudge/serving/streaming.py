"""Events of a judgement as server-sent events (WHATWG HTML, §9.2).

    event: model_called
    data: {"type": "model_called", "index": 0, "at": {"case": "q1", "node": "judge", …}, "model": "default", …}

The type is the name of the event in `adjudge.types`, `index` the place of the case among those of the request. The last
event of each case is `result`; an error after the stream has begun is an event `error` with the body of `refusals`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any

from pydantic import BaseModel
from starlette.responses import StreamingResponse

from adjudge.serving.refusals import refusal, without_places
from adjudge.types import Event, JudgeResult, Position, RankResult

MEDIA_TYPE = "text/event-stream"
SILENCE = 15.0  # seconds after which a comment shows that the connection lives
EVENT_SCHEMA: dict[str, Any] = {  # of one event, as OpenAPI 3.2 (§4.14.4) has it
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["event", "data"],
    "additionalProperties": False,
}
Tell = Callable[[str, Mapping[str, Any]], None]


def stream(run: Callable[[Tell], Awaitable[None]]) -> StreamingResponse:
    """A reply that sends what `run` tells, until it is over.

    Args:
        run: Is handed a function that takes the name and the data of an event. It is cancelled if the client hangs up.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_frames(run), media_type=MEDIA_TYPE, headers=headers)


async def _frames(run: Callable[[Tell], Awaitable[None]]) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def tell(name: str, data: Mapping[str, Any]) -> None:
        queue.put_nowait(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

    async def told() -> None:
        try:
            await run(tell)
        except Exception as error:  # noqa: BLE001  # the boundary: the reply has begun, so it is told as an event
            tell("error", refusal(error).body())
        finally:
            queue.put_nowait(None)

    task = asyncio.create_task(told())
    try:
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    frame = await queue.get()
            except TimeoutError:
                yield b": \n\n"
                continue
            if frame is None:
                return
            yield frame
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def name_of(event: Event) -> str:
    """`ModelCalled` as `model_called`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def event_json(event: Event, index: int) -> dict[str, Any]:
    """An event as JSON types.

    Args:
        event: Any but `Finished`, whose result is told by itself.
        index: Place of the case among those of the request, from 0.
    """
    data = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    return {"type": name_of(event), "index": index, **data}


def result_json(result: JudgeResult | RankResult) -> dict[str, Any]:
    """A result as JSON types; the details of failures do not name places of this machine."""
    data = result.to_dict()
    inner = [item["outcome"] for item in (*data.get("votes", ()), *data.get("comparisons", ()))]
    for outcome in (data["judgement"], *inner):
        if outcome["type"] == "unscored":
            outcome["detail"] = without_places(outcome["detail"])
    return data


def _plain(value: object) -> Any:
    if isinstance(value, Position):
        return value._asdict()
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
