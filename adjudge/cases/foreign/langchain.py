"""LangChain's messages as JSON: from `dumpd`, `messages_to_dict` or `model_dump`, which LangGraph's server sends too.

LangChain keeps calls with unreadable arguments apart from the others; here they come last.
"""

from __future__ import annotations

from adjudge.cases.foreign.chat import calls_of, reasoning_of, role_of
from adjudge.cases.foreign.content import content_of, result_of
from adjudge.cases.foreign.part import Part
from adjudge.cases.foreign.turn import Turn
from adjudge.types import Role
from adjudge.types.conversation import Call, arguments_of, joined

_ROLES: dict[str, Role] = {
    "human": "user",
    "system": "system",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}
_KINDS = (*_ROLES, "chat")
# blocks of calls: the message's own list has them too
_CALLS = ("tool_use", "tool_call", "function_call", "invalid_tool_call", "tool_call_chunk", "input_json_delta")


def is_langchain(value: object) -> bool:
    """Whether a value is one of LangChain's messages."""
    return isinstance(value, dict) and ("lc" in value or _kind(value.get("type")) in (*_KINDS, "remove"))


def langchain_turn(message: Part) -> Turn:
    """Read a message.

    Raises:
        CaseError: It is of a kind that a conversation does not have, or its content or a call is not as it should be.
    """
    kind, fields = _opened(message)
    if kind == "chat":
        role = role_of(fields.get("role"))
    elif kind in _ROLES:
        role = _ROLES[kind]
    else:
        raise message.error("this kind of message is not part of a conversation", found=kind, allowed=_KINDS)
    if role == "tool":
        return _result(fields, message)
    if role != "assistant":
        return Turn(role, content_of(fields.get("content"), images=True).shown, message, "langchain")
    said = content_of(fields.get("content"), images=False, elsewhere=_CALLS)
    more = fields.get("additional_kwargs")
    refusal = more.get("refusal").word()
    text = joined(reasoning_of(more) or said.thought, said.said, f"Refusal: {refusal}" if refusal else "")
    return Turn(role, text, message, "langchain", _calls(fields))


def _opened(message: Part) -> tuple[str | None, Part]:
    """The kind of a message, and its fields."""
    if "lc" in message.value:
        name = message.get("id").value
        fields = message.get("kwargs")
        if message.get("type").value != "constructor" or not isinstance(name, list) or not name:
            raise message.error("this is no serialized message", found=message.get("type").value)
        kind = fields.get("type").value if isinstance(fields.get("type").value, str) else name[-1]
        return _kind(kind), fields
    data = message.get("data")
    return _kind(message.get("type").value), data if isinstance(data.value, dict) else message


def _kind(name: object) -> str | None:
    """`ai` of `ai`, of `AIMessage` and of `AIMessageChunk`; None of what is no text."""
    if not isinstance(name, str):
        return None
    short = name.removesuffix("Chunk").removesuffix("Message")
    return name if short == name else short.lower()


def _result(fields: Part, message: Part) -> Turn:
    text = result_of(fields.get("content"))
    if fields.get("status").value == "error":
        text = f"(the tool failed) {text}"
    name = fields.get("name").word()
    return Turn("tool", text, message, "langchain", (), fields.get("tool_call_id").word(), name)


def _calls(fields: Part) -> tuple[Call, ...]:
    calls: list[Call] = []
    for key in ("tool_calls", "invalid_tool_calls"):
        listed = fields.get(key)
        for item in listed.items("a list of calls") if listed.value is not None else ():
            name = item.get("name").text() if key == "tool_calls" else item.get("name").word() or ""
            calls.append(Call(item.get("id").word(), name, arguments_of(item.get("args").value)))
    return tuple(calls) or calls_of(fields.get("additional_kwargs"))  # older versions keep OpenAI's form there
