"""What comes before the first step is the task; what is no conversation is told."""

from __future__ import annotations

from typing import Any

import pytest

from adjudge.cases import case_of_messages
from adjudge.errors import CaseError
from adjudge.types import Step, Trajectory


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str | None, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {}), **more}


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([user("Who?")], "Who?"),
        ([user("Who?"), user("And when?")], "Who?\n\nAnd when?"),
        ([{"role": "system", "content": "Search."}], "Search."),
        (
            [{"role": "system", "content": "Search."}, user("Who?")],
            "Who?\n\nThe instructions that the agent was given:\nSearch.",
        ),
        (
            [says("Hello!"), user("Who?")],  # a greeting is no step
            [{"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Who?"}],
        ),
    ],
    ids=["the user", "twice", "the system alone", "both", "after a greeting"],
)
def test_what_comes_before_the_first_step_is_the_task(messages: list[dict[str, Any]], prompt: Any) -> None:
    case = case_of_messages([*messages, says("Eliot.")])
    assert case.prompt == prompt
    assert case.trajectory == Trajectory(steps=(Step(thought="Eliot."),))


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "input_image", "image_url": "data:image/png;base64,aGk="},
        {"type": "image", "image": "data:image/png;base64,aGk="},
        {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": "aGk=", "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
    ],
)
def test_images_of_the_task_are_kept_in_messages(block: dict[str, Any]) -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, block]}
    case = case_of_messages([{"role": "system", "content": "Look."}, asked, says("A cat.")])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    assert case.prompt == [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]},
    ]


def test_an_image_of_the_task_without_an_address_is_an_error() -> None:
    with pytest.raises(CaseError, match=r"messages.0.content.0: this image has neither an address nor data"):
        case_of_messages([{"role": "user", "content": [{"type": "image"}]}, says("A cat.")])


def test_a_row_may_name_the_task_by_itself_and_the_messages_are_not_lost() -> None:
    given = [user("Answer the question in <answer>."), says("Eliot.")]
    assert case_of_messages(given, prompt="Who?").prompt == "Who?\n\nAnswer the question in <answer>."
    assert case_of_messages(given, question="Who?").question == "Who?\n\nAnswer the question in <answer>."
    assert case_of_messages([user("Who?"), says("Eliot.")], prompt="Who?").prompt == "Who?"
    assert case_of_messages([says("Eliot.")], prompt="Who?").prompt == "Who?"


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "the assistant says nothing"),
        ([user("?")], "the assistant says nothing"),
        ([says("Eliot.")], "nobody says in this conversation what the task is.*give the task as prompt"),
        ([user("?"), {"role": "critic", "content": "x"}], "messages.1.role: .*found 'critic'; allowed: system, "),
        ([user("?"), 3], "messages.1: this should be a message, which is a mapping; found 3"),
        ([{"from": "human", "value": "x"}], "messages.0: .*found 'from, value'; allowed: role.*ShareGPT"),
        ([user("?"), {"type": "mystery"}], "messages.1.type: .*found 'mystery'; allowed: message, reasoning"),
        ([{"role": "user"}, says("x")], "messages.0.content: .*and is missing"),
        ([user("?"), says([{"type": "tool_use"}])], "messages.1.content.0.type: .*found 'tool_use'; allowed: text"),  # type: ignore[arg-type]
        ([user("?"), says({"a": 1})], "messages.1.content: this should be text or a list of blocks, not a mapping"),  # type: ignore[arg-type]
        ([user("?"), {"type": "remove", "content": "", "id": "1"}], "messages.1: .*found 'remove'; allowed: human"),
        ([user("?"), {"lc": 1, "type": "not_implemented", "id": ["x"]}], "messages.1: this is no serialized message"),
    ],
)
def test_what_is_no_conversation_says_where_what_was_found_and_what_is_allowed(
    messages: list[Any], problem: str
) -> None:
    with pytest.raises(CaseError, match=problem):
        case_of_messages(messages)
