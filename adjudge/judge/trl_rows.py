"""A row of TRL's data set with its completion, as a case."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, cast

from adjudge.errors import CaseError
from adjudge.types import Case, Message, Response, Trajectory
from adjudge.types.messages import text_of

COLUMNS = ("reference", "rubric", "documents", "culture")  # of the data set, which become fields of the case
_AS_PNG = ("1", "L", "LA", "P", "RGB", "RGBA")


def case_of_row(
    prompt: str | list[Message], completion: str | list[Message], row: Mapping[str, Any], *, complete: bool = True
) -> Case:
    """The case that a completion is.

    Args:
        prompt: Text or messages; images as TRL writes them (`{"type": "image"}`, filled or to be filled from the row).
        completion: Text or messages, those of tools among them.
        row: Of its columns, `COLUMNS` and `images` are used.
        complete: False where it was cut off.

    Raises:
        CaseError: An image is missing, or is none.
        pydantic.ValidationError: What is no case.
    """
    fields = {name: _without_none(row[name]) for name in COLUMNS if row.get(name) is not None}
    shown = prompt if isinstance(prompt, str) else _with_images(prompt, row.get("images"))
    return Case(prompt=shown, responses=(_response(completion, complete=complete),), **fields)


def _without_none(value: Any) -> Any:
    """Arrow gives all objects of a column the same keys, and None where one had none."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list | tuple) else value


def _response(completion: str | list[Message], *, complete: bool) -> Response:
    """Text, or the steps of a completion that called tools, and its last words."""
    if isinstance(completion, str):
        return Response(text=completion, complete=complete)
    own = [message for message in completion if message["role"] == "assistant"]
    if not any(message.get("tool_calls") for message in own):
        return Response(text="\n\n".join(text_of(message.get("content")) for message in own), complete=complete)
    last = completion[-1]
    ended = last["role"] == "assistant" and not last.get("tool_calls")
    steps = Trajectory.from_messages(completion[:-1] if ended else completion)
    return Response(text=text_of(last.get("content")) if ended else "", trajectory=steps, complete=complete)


def _with_images(prompt: Sequence[Message], images: object) -> list[Message]:
    """Messages with the images in their places."""
    left = list(images) if isinstance(images, Sequence) else []
    filled: list[Message] = []
    for message in prompt:
        content = message.get("content")
        if isinstance(content, list):
            blocks = [_filled(cast("dict[str, Any]", block), left) for block in content]
            message = cast("Message", {**message, "content": blocks})
        filled.append(message)
    return filled


def _filled(block: dict[str, Any], images: list[Any]) -> dict[str, Any]:
    if block.get("type") != "image":
        return block
    image = block.get("image") or (images.pop(0) if images else None)
    if image is None:
        raise CaseError("a prompt has more places for images than the row has images", key="images")
    if not hasattr(image, "save"):
        raise CaseError("an image of TRL's data sets is one of Pillow's", key="images", found=type(image).__name__)
    file = io.BytesIO()
    (image if image.mode in _AS_PNG else image.convert("RGB")).save(file, format="PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
