"""Rows of TRL's data sets as cases: its own forms of messages are read, and what is none is said to be none."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adjudge.errors import CaseError
from adjudge.judge.trl_rows import case_of_row
from adjudge.types import Case, Step

LOOK: dict[str, Any] = {"type": "function", "function": {"name": "look", "arguments": {"at": "it", "how": None}}}
NONE = {"content": None, "tool_calls": None, "tool_call_id": None, "name": None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "tool_calls", "function", "arguments", "name", "type", "text"]), inner
        )
        | st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": inner})
        | st.fixed_dictionaries({"role": st.just("assistant"), "tool_calls": st.lists(inner, max_size=2)})
        | st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": st.text(max_size=3), "arguments": inner})})
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ({"at": "it", "how": None}, {"at": "it", "how": None}),  # what a call says is not tidied up
        ('{"at": "ü"}', {"at": "ü"}),
        (None, {}),
        ("", {}),
        (3, {"_value": 3}),
        ("at it", {"_unreadable": "at it"}),
    ],
)
def test_arguments_are_text_or_not(arguments: Any, read: dict[str, Any]) -> None:
    call = {"id": None, "type": "function", "function": {"name": "look", "arguments": arguments}}
    completion = [{**NONE, "role": "assistant", "tool_calls": [call]}]
    trajectory = case_of_row("?", completion, {}).responses[0].trajectory
    assert trajectory is not None
    assert trajectory.steps == (Step(tool="look", arguments=read),)


def test_a_prompt_with_calls_and_nothing_where_there_was_nothing() -> None:
    prompt: list[dict[str, Any]] = [
        {**NONE, "role": "user", "content": [{"type": "text", "text": "?", "image": None}]},
        {**NONE, "role": "assistant", "tool_calls": [LOOK]},
        {**NONE, "role": "tool", "name": "look", "content": "three"},
    ]
    found = case_of_row(prompt, "3", {}).prompt
    assert isinstance(found, list)
    assert found[0] == {"role": "user", "content": [{"type": "text", "text": "?"}]}
    assert found[1]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at": "it", "how": null}'}
    assert found[2] == {"role": "tool", "name": "look", "content": "three"}


def test_of_an_image_that_a_tool_sent_back_it_is_told_that_there_was_one() -> None:
    completion: list[dict[str, Any]] = [
        {"role": "assistant", "tool_calls": [LOOK]},
        {"role": "tool", "content": [{"type": "image", "image": object()}, {"type": "text", "text": "a map"}]},
    ]
    trajectory = case_of_row("?", completion, {}).responses[0].trajectory
    assert trajectory is not None
    assert trajectory.steps[0].observation == "(an image)\na map"


@pytest.mark.parametrize("completion", [[{"content": "x"}], ["x"], [{"role": "robot", "content": "x"}]])
def test_what_is_no_list_of_messages_is_said_to_be_none(completion: Any) -> None:
    with pytest.raises(CaseError, match="no list of messages"):
        case_of_row("?", completion, {})


def test_arguments_that_json_cannot_hold_are_refused() -> None:
    call = {"function": {"name": "look", "arguments": {"at": object()}}}
    with pytest.raises(CaseError, match="no JSON"):
        case_of_row("?", [{"role": "assistant", "tool_calls": [call]}], {})


PROMPTS = st.lists(st.dictionaries(st.sampled_from(["role", "content", "tool_calls"]), JSON), max_size=2)


@given(prompt=PROMPTS, said=JSON)
def test_anything_is_a_case_or_refused(prompt: list[dict[str, Any]], said: Any) -> None:
    completion = said if isinstance(said, str | list) else [said]
    with contextlib.suppress(CaseError, ValidationError):
        assert isinstance(case_of_row(prompt, completion, {}), Case)
