"""A row of TRL's data set with its completion, as a case.

TRL's messages differ from OpenAI's, and are read as they come: the arguments of a call may be a mapping, a call may
have no id and no text beside it, and what has gone through Arrow has all keys of its column, with None where there was
nothing. The server reads rows in JSON with the same functions.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adjudge.errors import CaseError
from adjudge.types import Case, Message, Response, Trajectory
from adjudge.types.messages import text_of

COLUMNS = ("reference", "rubric", "documents", "culture")  # of the data set, which become fields of the case
_AS_PNG = ("1", "L", "LA", "P", "RGB", "RGBA")
_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message])


def case_of_row(
    prompt: str | Sequence[Mapping[str, Any]],
    completion: str | Sequence[Mapping[str, Any]],
    row: Mapping[str, Any],
    *,
    complete: bool = True,
) -> Case:
    """The case that a completion is.

    Args:
        prompt: Text or messages; images as TRL writes them (`{"type": "image"}`, filled or to be filled from the row).
        completion: Text or messages, those of tools among them.
        row: Of its columns, `COLUMNS` and `images` are used.
        complete: False where it was cut off.

    Raises:
        CaseError: An image is missing, or is none; the completion is no list of messages; a tool's reply belongs to no
            call.
        pydantic.ValidationError: What is no case.
    """
    return Case(**fields_of_row(prompt, completion, row, complete=complete))


def fields_of_row(
    prompt: str | Sequence[Mapping[str, Any]],
    completion: str | Sequence[Mapping[str, Any]],
    row: Mapping[str, Any],
    *,
    complete: bool = True,
) -> dict[str, Any]:
    """What `case_of_row` makes the case of: its completion is read, the rest is not validated yet.

    Args:
        prompt: See `case_of_row`.
        completion: See `case_of_row`.
        row: See `case_of_row`.
        complete: See `case_of_row`.

    Raises:
        CaseError: As `case_of_row`.
    """
    fields = {name: _without_none(row[name]) for name in COLUMNS if row.get(name) is not None}
    shown = prompt if isinstance(prompt, str) else [*map(_plain, _with_images(prompt, row.get("images")))]
    return {**fields, "prompt": shown, "responses": (_response(completion, complete=complete),)}


def _without_none(value: Any) -> Any:
    """Arrow gives all objects of a column the same keys, and None where one had none."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list | tuple) else value


def _response(completion: str | Sequence[Mapping[str, Any]], *, complete: bool) -> Response:
    """Text, or the steps of a completion that called tools, and its last words."""
    if isinstance(completion, str):
        return Response(text=completion, complete=complete)
    messages = _read(completion)
    own = [message for message in messages if message["role"] == "assistant"]
    if not any(message.get("tool_calls") for message in own):
        return Response(text="\n\n".join(text_of(message["content"]) for message in own), complete=complete)
    last = messages[-1]
    ended = last["role"] == "assistant" and not last.get("tool_calls")
    steps = Trajectory.from_messages(messages[:-1] if ended else messages)
    return Response(text=text_of(last["content"]) if ended else "", trajectory=steps, complete=complete)


def _read(completion: Sequence[Mapping[str, Any]]) -> list[Message]:
    try:
        return _MESSAGES.validate_python([*map(_plain, completion)])
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"]))
        raise CaseError(f"this completion is no list of messages: {place}: {detail['msg']}") from error


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in OpenAI's form. What is no message at all is left for the validation that follows."""
    if not isinstance(message, Mapping):
        return message
    plain = {key: value for key, value in message.items() if value is not None}
    calls, content = plain.get("tool_calls"), plain.get("content")
    if isinstance(calls, list | tuple):
        plain["tool_calls"] = [*map(_call, calls)]
    if isinstance(content, list | tuple):
        plain["content"] = [*map(_block, content)]
    if "content" in message or calls:
        plain.setdefault("content", None)
    return plain


def _call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        return call
    known = {key: value for key, value in function.items() if value is not None}
    arguments = known.get("arguments", "")
    if not isinstance(arguments, str):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise CaseError("the arguments of a tool call are no JSON", key="tool_calls") from error
    return {"id": call.get("id") or "", "type": "function", "function": {**known, "arguments": arguments}}


def _block(block: Any) -> Any:
    """A piece of a message; of an image that a tool sent back, only that there was one is told."""
    if not isinstance(block, Mapping):
        return block
    if block.get("type") == "image":
        return {"type": "image_url", "image_url": {"url": ""}}
    return _without_none(block)


def _with_images(prompt: Sequence[Mapping[str, Any]], images: object) -> list[Mapping[str, Any]]:
    """Messages with the images in their places."""
    left = list(images) if isinstance(images, Sequence) else []
    filled: list[Mapping[str, Any]] = []
    for message in prompt:
        content = message.get("content")
        if isinstance(content, list | tuple):
            message = {**message, "content": [_filled(block, left) for block in content]}
        filled.append(message)
    return filled


def _filled(block: Any, images: list[Any]) -> Any:
    if not isinstance(block, Mapping) or block.get("type") != "image":
        return block
    image = block.get("image") or (images.pop(0) if images else None)
    if image is None:
        raise CaseError("a prompt has more places for images than the row has images", key="images")
    if not hasattr(image, "save"):
        problem, hint = (
            "an image of TRL's data sets is one of Pillow's",
            "in JSON, write it as image_url with a data: URL",
        )
        raise CaseError(problem, key="images", found=type(image).__name__, hint=hint)
    file = io.BytesIO()
    (image if image.mode in _AS_PNG else image.convert("RGB")).save(file, format="PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
