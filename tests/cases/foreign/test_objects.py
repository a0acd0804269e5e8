"""Objects of OpenAI's library, whose fields these stand-ins have, are read as the JSON that they dump."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from adjudge import case_of_messages
from adjudge.errors import CaseError
from adjudge.types import Step, Trajectory


class Function(BaseModel):
    name: str
    arguments: str


class ToolCall(BaseModel):
    """As `ChatCompletionMessageToolCall`."""

    id: str
    function: Function
    type: str = "function"


class ChatMessage(BaseModel):
    """As `ChatCompletionMessage`."""

    content: str | None = None
    refusal: str | None = None
    role: str = "assistant"
    annotations: list[Any] | None = None
    audio: Any = None
    function_call: Any = None
    tool_calls: list[ToolCall] | None = None


class Item(BaseModel, extra="allow"):
    """As one of the items of a reply of the Responses API."""

    type: str
    status: str | None = None


class Reply(BaseModel, extra="allow"):
    """As `Response` of the Responses API."""

    id: str = "resp_1"
    error: Any = None
    instructions: str | None = None
    metadata: dict[str, Any] | None = None
    object: str = "response"
    output: list[Item] = []
    prompt: Any = None


STEPS = (
    Step(thought="Both.", tool="look", arguments={"n": 1}, observation="one"),
    Step(tool="look", arguments={"n": 2}, observation="two"),
    Step(thought="Three."),
)


def test_replies_of_the_chat_api_may_stand_among_messages() -> None:
    calls = [ToolCall(id=f"c{n}", function=Function(name="look", arguments=f'{{"n": {n}}}')) for n in (1, 2)]
    messages = [
        {"role": "user", "content": "How many?"},
        ChatMessage(content="Both.", tool_calls=calls),
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        ChatMessage(content="Three.", annotations=[]),
    ]
    case = case_of_messages(messages)
    assert (case.prompt, case.trajectory) == ("How many?", Trajectory(steps=STEPS))
    assert case.metadata["imported"] == {"form": "openai", "unanswered": []}


OUTPUT = [
    Item(type="reasoning", id="r", summary=[], content=None, encrypted_content=None),
    Item(type="message", role="assistant", content=[{"type": "output_text", "text": "Both.", "annotations": []}]),
    Item(type="function_call", name="look", arguments='{"n": 1}', call_id="c1", id="f1"),
    Item(type="function_call", name="look", arguments='{"n": 2}', call_id="c2", id="f2"),
    Item(type="function_call_output", call_id="c1", output="one"),
    Item(type="function_call_output", call_id="c2", output="two"),
    Item(type="message", role="assistant", content=[{"type": "output_text", "text": "Three.", "annotations": []}]),
]


def test_the_items_of_the_responses_api_may_be_objects() -> None:
    case = case_of_messages({"input": "How many?", "output": OUTPUT})
    assert (case.prompt, case.trajectory) == ("How many?", Trajectory(steps=STEPS))


def test_a_whole_reply_of_the_responses_api_takes_the_task_beside_it() -> None:
    reply = Reply(output=OUTPUT, instructions="Count.")
    case = case_of_messages(reply.model_dump(), prompt="How many?")
    assert case.question == "How many?\n\nThe instructions that the agent was given:\nCount."
    assert case.trajectory == Trajectory(steps=STEPS)
    with pytest.raises(CaseError, match="nobody says in this conversation what the task is"):
        case_of_messages(Reply(output=OUTPUT).model_dump())


def test_a_whole_reply_may_be_an_object() -> None:
    case = case_of_messages(Reply(output=OUTPUT), input="How many?")  # type: ignore[arg-type]  # not named in the hints
    assert (case.prompt, case.id) == ("How many?", "resp_1")
