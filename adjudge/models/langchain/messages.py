"""Messages between OpenAI's form, which is ours, and LangChain's objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from adjudge.errors import ConfigError
from adjudge.types import Block, Message, ToolCall
from adjudge.types.messages import ImageURL, assistant, text_of, tool_call

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall
    from langchain_core.messages.tool import ToolCall as LangChainCall


def to_langchain_messages(messages: Sequence[Message]) -> list[BaseMessage]:
    """Messages as LangChain's objects, without ids."""
    return [_to_langchain_message(message) for message in messages]


def _to_langchain_message(message: Message) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    content = _to_content(message["content"])
    if message["role"] == "system":
        return SystemMessage(content=content)
    if message["role"] == "user":
        return HumanMessage(content=content, name=message.get("name"))
    if message["role"] == "tool":
        return ToolMessage(content=content, tool_call_id=message.get("tool_call_id", ""), name=message.get("name"))
    calls, invalid = to_langchain_calls(message.get("tool_calls") or ())
    return AIMessage(content=content, tool_calls=calls, invalid_tool_calls=invalid, name=message.get("name"))


def _to_content(content: str | list[Block] | None) -> str | list[str | dict[Any, Any]]:
    if isinstance(content, list):
        return [{**block} for block in content]
    return content or ""


def to_langchain_calls(calls: Sequence[ToolCall]) -> tuple[list[LangChainCall], list[InvalidToolCall]]:
    """Calls with readable arguments, and those whose arguments are no JSON object, which LangChain keeps apart."""
    from langchain_core.messages.tool import invalid_tool_call
    from langchain_core.messages.tool import tool_call as valid_tool_call

    valid, invalid = [], []
    for call in calls:
        name, text = call["function"]["name"], call["function"]["arguments"]
        try:
            arguments = json.loads(text or "{}")
        except (ValueError, RecursionError):
            arguments = None
        if isinstance(arguments, dict):
            valid.append(valid_tool_call(name=name, args=arguments, id=call["id"]))
        else:
            invalid.append(invalid_tool_call(name=name, args=text, id=call["id"], error="not a JSON object"))
    return valid, invalid


def from_langchain_message(message: BaseMessage) -> Message:
    """One of LangChain's messages as ours; its id, reasoning and metadata are left behind.

    Raises:
        ConfigError: It is of a kind that a conversation with a model does not have, or holds audio, video or a file.
    """
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    if isinstance(message, AIMessage):
        return assistant(str(message.text), _from_calls(message))
    if isinstance(message, ToolMessage):
        reply: Message = {"role": "tool", "content": _from_content(message), "tool_call_id": message.tool_call_id}
        return {**reply, "name": message.name} if message.name else reply
    if isinstance(message, SystemMessage | HumanMessage):
        role: Literal["system", "user"] = "system" if isinstance(message, SystemMessage) else "user"
        turn: Message = {"role": role, "content": _from_content(message)}
        return {**turn, "name": message.name} if message.name else turn
    allowed = ("SystemMessage", "HumanMessage", "AIMessage", "ToolMessage")
    raise ConfigError("this kind of message cannot be sent to a model", found=type(message).__name__, allowed=allowed)


def _from_calls(message: AIMessage) -> list[ToolCall]:
    calls = [(call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False)) for call in message.tool_calls]
    calls += [(call["id"], call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
    return [tool_call(identity or f"call_{i}", name, text) for i, (identity, name, text) in enumerate(calls)]


def _from_content(message: BaseMessage) -> str | list[Block]:
    if isinstance(message.content, str):
        return message.content
    blocks: list[Block] = []
    for block in message.content_blocks:
        if block["type"] == "text":
            blocks.append({"type": "text", "text": block["text"]})
        elif block["type"] == "image" and (block.get("url") or block.get("base64")):
            url = block.get("url") or f"data:{block.get('mime_type', 'image/png')};base64,{block['base64']}"
            detail = (block.get("extras") or {}).get("detail")
            image: ImageURL = {"url": url, "detail": detail} if detail in ("auto", "low", "high") else {"url": url}
            blocks.append({"type": "image_url", "image_url": image})
        else:
            raise ConfigError("a message holds content other than text and images", found=block["type"])
    if all(block["type"] == "text" for block in blocks) and message.type == "tool":
        return text_of(blocks)
    return blocks
