"""Tool calls out of a model's raw text: `<tool_call>` blocks that hold `{"name": …, "arguments": {…}}`.

This is a parser of our own rather than `parse_response` of transformers, because that one raises on the first block
that is not JSON and so loses the text, hands back parsed values where a `Message` keeps the arguments exactly as the
model wrote them, and its response templates differ between the versions of transformers that we admit.
"""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecodeError
from typing import NamedTuple

from adjudge.types import Message, ToolCall
from adjudge.types.messages import assistant, tool_call

_OPEN = re.compile(r"\n?<tool_call>")
_CLOSE = re.compile(r"\s*(?:</tool_call>|(?=<tool_call>)|\Z)")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class _Value(NamedTuple):
    value: object
    source: str  # the value's JSON as written


class _Block(NamedTuple):
    fields: dict[str, _Value]
    end: int  # where the text goes on behind the block


def parse_tool_calls(text: str) -> Message:
    """The assistant's message that raw text stands for; calls are numbered `call_0`, `call_1`, ….

    A block without its closing mark (the reply was cut, or the mark was a stop string) counts when its JSON is
    complete. A block that is not a call (broken JSON, no name, arguments that are no object) stays in the content as
    it stands: but for white space around calls, nothing that the model wrote is dropped.

    Args:
        text: What the model wrote, without the end-of-turn token.
    """
    calls: list[ToolCall] = []
    kept: list[str] = []
    position = search_from = 0
    while (opening := _OPEN.search(text, search_from)) is not None:
        block = _block(text, opening.end())
        call = None if block is None else _call(block.fields, f"call_{len(calls)}")
        if block is None or call is None:
            search_from = opening.end()
            continue
        calls.append(call)
        kept.append(text[position : opening.start()])
        position = search_from = block.end
    rest = text[position:]
    kept.append("" if calls and not rest.strip() else rest)
    return assistant("".join(kept), calls)


def _block(text: str, start: int) -> _Block | None:
    # The JSON is read from the opening mark on, so that a mark inside one of its strings ends nothing.
    try:
        block = _object(text, start)
    except (ValueError, RecursionError):  # not JSON; a number of thousands of digits; thousands of nested brackets
        return None
    closing = _CLOSE.match(text, block.end)
    return None if closing is None else block._replace(end=closing.end())


def _call(fields: dict[str, _Value], call_id: str) -> ToolCall | None:
    name, arguments = fields.get("name"), fields.get("arguments")
    if name is None or not isinstance(name.value, str) or not name.value:
        return None
    if arguments is None:
        return tool_call(call_id, name.value, "{}")
    if isinstance(arguments.value, dict):
        return tool_call(call_id, name.value, arguments.source)
    if isinstance(arguments.value, str) and _holds_object(arguments.value):  # JSON inside a JSON string: common
        return tool_call(call_id, name.value, arguments.value)
    return None


def _holds_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _object(text: str, start: int) -> _Block:
    """The fields of the JSON object that begins at `start`, with the source of each value, and where it ends.

    Raises:
        ValueError: There is no complete object.
    """
    fields: dict[str, _Value] = {}
    position = _skip(text, _expect(text, start, "{"))
    if text.startswith("}", position):
        return _Block(fields, position + 1)
    while True:
        key, position = _DECODER.raw_decode(text, _expect(text, position, '"') - 1)
        begin = _skip(text, _expect(text, position, ":"))
        value, position = _DECODER.raw_decode(text, begin)
        fields[key] = _Value(value, text[begin:position])
        position = _skip(text, position)
        if not text.startswith(",", position):
            return _Block(fields, _expect(text, position, "}"))
        position += 1


def _skip(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return position if space is None else space.end()


def _expect(text: str, position: int, mark: str) -> int:
    position = _skip(text, position)
    if not text.startswith(mark, position):
        raise JSONDecodeError(f"expected {mark!r}", text[position : position + 1], 0)
    return position + len(mark)
