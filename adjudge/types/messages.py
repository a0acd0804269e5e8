"""Messages in the form that OpenAI's chat API, vLLM, transformers and TRL share.

They are TypedDicts, not objects: no random ids, they hash as they are and go to a model as they are.
Conversion to LangChain messages happens only at the face (`models/langchain.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Required

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

Role = Literal["system", "user", "assistant", "tool"]


class FunctionCall(TypedDict):
    """Name and arguments of a call; `arguments` is JSON text exactly as the model wrote it."""

    name: str
    arguments: str


class ToolCall(TypedDict):
    """One tool call of an assistant message."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class TextBlock(TypedDict):
    """A piece of text inside a message of several blocks."""

    type: Literal["text"]
    text: str


class ImageURL(TypedDict, total=False):
    """Where an image is: a `data:` URL once resolved, before that a path or URL that the case named."""

    url: Required[str]
    detail: Literal["auto", "low", "high"]


class ImageBlock(TypedDict):
    """An image inside a message."""

    type: Literal["image_url"]
    image_url: ImageURL


Block = TextBlock | ImageBlock


class Message(TypedDict, total=False):
    """One message of a conversation."""

    role: Required[Role]
    content: Required[str | list[Block] | None]
    tool_calls: list[ToolCall]
    tool_call_id: str
    name: str


def system(text: str) -> Message:
    """A system message."""
    return {"role": "system", "content": text}


def user(content: str | list[Block]) -> Message:
    """A user message of text or blocks."""
    return {"role": "user", "content": content}


def assistant(text: str, tool_calls: Sequence[ToolCall] = ()) -> Message:
    """An assistant message, with tool calls if there are any."""
    message: Message = {"role": "assistant", "content": text}
    if tool_calls:
        message["tool_calls"] = list(tool_calls)
    return message


def tool_reply(call: ToolCall, content: str) -> Message:
    """The reply to one tool call."""
    return {"role": "tool", "tool_call_id": call["id"], "name": call["function"]["name"], "content": content}


def tool_call(call_id: str, name: str, arguments: str) -> ToolCall:
    """A tool call whose arguments are JSON text."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def text_of(content: str | list[Block] | None) -> str:
    """The text of a message's content; images are left out."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def words_of(content: str | list[Block] | None) -> str:
    """The text of a message's content; where an image stands, this is said."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(block["text"] if block["type"] == "text" else "(an image)" for block in content)


def images_of(messages: Sequence[Message]) -> Iterator[ImageBlock]:
    """Every image block of a conversation, in order."""
    for message in messages:
        content = message["content"]
        if isinstance(content, list):
            yield from (block for block in content if block["type"] == "image_url")


def characters_of(messages: Sequence[Message]) -> int:
    """Characters of all text in a conversation, tool arguments included."""
    total = 0
    for message in messages:
        content = message["content"]
        total += len(content) if isinstance(content, str) else len(text_of(content))
        for call in message.get("tool_calls") or ():
            total += len(call["function"]["arguments"])
    return total
