"""The forms of preference data, as TRL documents them, and what is none of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import CaseError
from adjudge.selection.candidates import candidates_of
from adjudge.selection.forms import as_completion, as_prompt, as_text, response_of, split, unwritable
from adjudge.types import Case, Response

USER = {"role": "user", "content": "What colour is the sky?"}
BLUE = {"role": "assistant", "content": "It is blue."}
GREEN = {"role": "assistant", "content": "It is green."}
TALK = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: What colour is the sky?\n\nAssistant:"


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected"),
    [
        ("What colour is the sky?", "It is blue.", "It is green."),
        ([USER], [BLUE], [GREEN]),
        (None, [USER, BLUE], [USER, GREEN]),  # implicit
        ([USER], [USER, BLUE], [USER, GREEN]),  # the prompt stands twice
        ("What colour is the sky?", [USER, BLUE], [USER, GREEN]),  # as in UltraFeedback
        ("What colour is the sky?", [BLUE], [GREEN]),
        ([USER], "It is blue.", "It is green."),
    ],
)
def test_every_form_comes_to_the_same_prompt_and_responses(prompt: Any, chosen: Any, rejected: Any) -> None:
    parts = split(prompt, chosen, rejected)
    assert as_prompt(parts.prompt) == [USER]
    assert as_text(parts.prompt) == USER["content"]
    assert Case(prompt=parts.asked, responses=["x"]).question == USER["content"]
    assert [as_completion(one) for one in (parts.chosen, parts.rejected)] == [[BLUE], [GREEN]]
    assert [response_of(one).text for one in (parts.chosen, parts.rejected)] == ["It is blue.", "It is green."]


def test_a_transcript_is_cut_where_the_assistant_is_to_speak() -> None:
    parts = split(None, TALK + " It is blue.", TALK + " It is green, I\n\nHuman: Really?\n\nAssistant: Yes.")
    assert parts.prompt == TALK
    assert parts.chosen == " It is blue."
    assert [message["role"] for message in as_prompt(parts.prompt)] == ["user", "assistant", "user"]
    assert as_completion(parts.chosen) == [BLUE]
    assert as_prompt(split(TALK, "a", "b").prompt)[1] == {"role": "assistant", "content": "Hello"}


def test_texts_that_begin_alike_share_their_whole_words() -> None:
    parts = split(None, "The sky is blue.", "The sky is black.")  # TRL would leave "lue." and "lack."
    assert (parts.prompt, parts.chosen, parts.rejected) == ("The sky is", " blue.", " black.")


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected", "told"),
    [
        (None, "blue", "green", "there is no prompt"),
        (None, [BLUE], [GREEN], "there is no prompt"),
        ("?", [BLUE], "It is green.", "rejected should be text, or a list of messages, found str"),
        ("?", 3, 4, "found int"),
        ("?", [], [GREEN], "chosen should be"),
        ("?", [{"role": "robot", "content": "x"}], [GREEN], "each message should have a role"),
        ("?", [{"role": "assistant", "content": 3}], [GREEN], "content of a message"),
        ([USER], [USER], [USER, GREEN], "nothing but the prompt"),
        ("?", [{"role": "assistant", "content": None, "tool_calls": [{"x": 1}]}], [GREEN], "a function with a name"),
    ],
)
def test_what_is_no_pair_says_why(prompt: Any, chosen: Any, rejected: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        split(prompt, chosen, rejected)


def test_tool_calls_as_trl_writes_them_are_steps_of_the_response() -> None:
    call = {"type": "function", "function": {"name": "search", "arguments": {"query": "sky"}}}
    talk = [
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call]},
        {"role": "tool", "name": "search", "content": "blue", "tool_call_id": None},
        BLUE,
    ]
    response = response_of(split([USER], talk, [GREEN]).chosen)
    assert response.text == "It is blue."
    assert response.trajectory is not None
    (step,) = response.trajectory.steps
    assert (step.tool, step.arguments, step.observation) == ("search", {"query": "sky"}, "blue")


def test_a_talk_that_goes_on_keeps_its_speakers() -> None:
    more = [BLUE, {"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "Yes."}]
    assert (
        response_of(split([USER], more, [GREEN]).chosen).text
        == "assistant: It is blue.\n\nuser: Sure?\n\nassistant: Yes."
    )


def test_what_has_no_one_form_as_text_is_not_written_as_text() -> None:
    plain = candidates_of(Case(prompt="?", responses=["a", "b"]))
    assert (unwritable(plain, "string"), unwritable(plain, "conversational")) == ("", "")
    talk = candidates_of(Case(prompt=[USER, BLUE, USER], responses=["a", "b"]))
    assert "conversation" in unwritable(talk, "string")
    assert unwritable(talk, "conversational") == ""
    image = {"type": "image_url", "image_url": {"url": "a.png"}}
    seen = candidates_of(Case(prompt=[{"role": "user", "content": [image]}], responses=["a", "b"]))
    assert "images" in unwritable(seen, "conversational")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
calls = st.lists(st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": st.text(), "arguments": anything})}))
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system"]), "content": st.none() | st.text(max_size=3)},
    optional={"tool_calls": calls | anything, "tool_call_id": anything},
)
said = anything | st.lists(message, min_size=1, max_size=4)


@given(said, said, said)
def test_no_json_makes_anything_but_a_pair_or_a_reason(prompt: Any, chosen: Any, rejected: Any) -> None:
    try:
        parts = split(prompt, chosen, rejected)
    except ValueError:
        return
    assert parts.chosen is not None
    for completion in (parts.chosen, parts.rejected):
        with suppress(CaseError):  # a tool's reply to no call
            assert isinstance(response_of(completion), Response)
