"""The items of OpenAI's Responses API: a reply is a row of items, and not one message."""

from __future__ import annotations

from adjudge.cases.foreign.content import result_of, thought_of
from adjudge.cases.foreign.part import Part
from adjudge.cases.foreign.turn import Turn
from adjudge.types.conversation import Call, arguments_of, joined

_CALLS = ("function_call", "custom_tool_call", "mcp_call")
_RESULTS = ("function_call_output", "custom_tool_call_output", "computer_call_output", "local_shell_call_output")
_HOSTED = ("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call")
_ASKED = ("computer_call", "local_shell_call")
ITEMS = ("message", "reasoning", *_CALLS, *_RESULTS, *_HOSTED, *_ASKED)
_ABOUT = ("type", "id", "call_id", "status")  # of an item, and not of the call


def is_item(value: object) -> bool:
    """Whether a value is an item other than a message, which has a role."""
    return isinstance(value, dict) and value.get("type") in ITEMS and "role" not in value


def item_turn(item: Part) -> Turn:
    """Read an item that is no message.

    Raises:
        CaseError: A call has no name.
    """
    kind = str(item.get("type").value)
    if kind == "reasoning":
        return _reply(item, thought_of(item))
    if kind in _RESULTS:
        return Turn("tool", result_of(item.get("output")), item, "responses", (), item.get("call_id").word())
    return _reply(item, "", _call(item, kind))


def continues(before: Turn, turn: Turn) -> bool:
    """Whether a turn belongs to the same reply as the one before: words come before calls."""
    return before.open and turn.open and before.role == turn.role and not (before.calls and turn.content)


def merged(before: Turn, turn: Turn) -> Turn:
    """Two turns of the same reply as one."""
    return before._replace(content=joined(before.text, turn.text), calls=(*before.calls, *turn.calls))


def _reply(item: Part, text: str, *calls: Call) -> Turn:
    return Turn("assistant", text, item, "responses", calls, open=True)


def _call(item: Part, kind: str) -> Call:
    name = item.get("call_id").word()
    if kind == "custom_tool_call":
        return Call(name, item.get("name").text(), {"input": item.get("input").value})
    if kind == "function_call":
        return Call(name, item.get("name").text(), arguments_of(item.get("arguments").value))
    if kind == "mcp_call":
        result = item.get("output") if item.get("error").value is None else item.get("error")
        given = arguments_of(item.get("arguments").value)
        return Call(None, item.get("name").text(), given, None if result.value is None else result_of(result))
    found = next((key for key in ("outputs", "results", "result") if item.get(key).value is not None), None)
    given = {key: value for key, value in item.value.items() if key not in (*_ABOUT, found) and value is not None}
    result_text = None if found is None else result_of(item.get(found))
    return Call(name, kind.removesuffix("_call"), given, result_text)
