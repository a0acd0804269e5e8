"""OpenAI's chat messages, and TRL's, which have arguments as mappings and calls without ids."""

from __future__ import annotations

from adjudge.cases.foreign.content import content_of, result_of
from adjudge.cases.foreign.part import Part
from adjudge.cases.foreign.turn import Turn
from adjudge.types import Role
from adjudge.types.conversation import Call, arguments_of, joined

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",  # the older form of a tool's reply
}
_REASONING = ("reasoning_content", "reasoning", "thinking")  # DeepSeek and vLLM; OpenRouter; gpt-oss's template


def chat_turn(message: Part) -> Turn:
    """Read a message that has a role.

    Raises:
        CaseError: Its role, its content or a call is not as it should be.
    """
    role = role_of(message.get("role"))
    content = message.get("content")
    name = message.get("name").word()
    if role == "tool":
        return Turn(role, result_of(content), message, "openai", (), message.get("tool_call_id").word(), name)
    if role != "assistant":
        if "content" not in message.value:
            raise content.wrong("text or a list of blocks")
        return Turn(role, content_of(content, images=True).shown, message, "openai")
    said = content_of(content, images=False)
    refusal = message.get("refusal").word()
    text = joined(
        reasoning_of(message) or said.thought,
        said.said or message.get("audio").get("transcript").word() or "",
        f"Refusal: {refusal}" if refusal else "",
    )
    calls = calls_of(message)
    by_mapping = any(call.id is None for call in calls) and not message.get("function_call").value
    return Turn(
        role, text, message, "trl" if by_mapping else "openai", calls, open=message.get("type").value is not None
    )


def role_of(part: Part) -> Role:
    """The role that a message names.

    Raises:
        CaseError: It is none.
    """
    if not isinstance(part.value, str) or part.value not in ROLES:
        raise part.error("this role is not known", found=part.value, allowed=ROLES)
    return ROLES[part.value]


def reasoning_of(message: Part) -> str:
    """Reasoning that stands beside the content; empty where there is none."""
    return next((word for key in _REASONING if (word := message.get(key).word()) is not None), "")


def calls_of(message: Part) -> tuple[Call, ...]:
    """The calls of an assistant's message, that of the older `function_call` among them.

    Raises:
        CaseError: A call has no name.
    """
    listed = message.get("tool_calls")
    calls = [_call(item) for item in listed.items("a list of calls")] if listed.value is not None else []
    older = message.get("function_call")
    if older.value is not None and not calls:
        calls.append(Call(None, older.get("name").text(), arguments_of(older.get("arguments").value)))
    return tuple(calls)


def _call(item: Part) -> Call:
    custom = item.get("custom")  # a tool that takes free text
    if custom.value is not None:
        return Call(item.get("id").word(), custom.get("name").text(), {"input": custom.get("input").value})
    function = item.get("function") if item.get("function").value is not None else item
    return Call(item.get("id").word(), function.get("name").text(), arguments_of(function.get("arguments").value))
