"""Budget forcing: a model that stops thinking early is asked to go on, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from adjudge.agents.thinking import MOST_ROUNDS, THINK, WAIT, think
from adjudge.errors import LimitExceeded, ModelError
from adjudge.models import Choice, ScriptedModel
from adjudge.models.scripted import Script
from adjudge.run import Limits, Run
from adjudge.types import Case, Message, Position
from adjudge.types.messages import assistant, user

WORDS = "one two three four five"
ROOMY = Limits(model_calls=100)


def thought(replies: list[Script], least: int, limits: Limits = ROOMY) -> tuple[list[Message], ScriptedModel]:
    model = ScriptedModel(replies)
    run = Run(Case(id="c", prompt="?"), {"default": model}, limits=limits)
    at = Position("c", "check")
    return asyncio.run(think(run, at, "default", [user("the question")], {"temperature": 0.0}, least)), model


@pytest.mark.parametrize(("least", "calls"), [(1, 1), (5, 1), (6, 2), (11, 3), (15, 3)])
def test_it_is_asked_until_it_has_thought_enough(least: int, calls: int) -> None:
    conversation, model = thought([WORDS] * 10, least)
    assert len(model.requests) == calls
    asked = [message["content"] for message in conversation if message["role"] == "user"]
    assert asked == ["the question", THINK, *[WAIT] * (calls - 1)]
    assert conversation[-1]["role"] == "assistant"


def test_each_round_has_a_seed_of_its_own() -> None:
    _, model = thought([WORDS] * 3, 15)
    assert len({request.sampling.seed for request in model.requests}) == 3


def test_a_model_that_has_nothing_to_add_is_left_alone() -> None:
    conversation, model = thought([WORDS, "", WORDS], 100)
    assert len(model.requests) == 2
    assert conversation[-1]["role"] == "assistant"


def test_a_model_of_few_words_is_not_asked_for_ever() -> None:
    conversation, model = thought(["hm"] * 100, 1000)
    assert len(model.requests) == MOST_ROUNDS
    assert conversation[-1]["role"] == "assistant"


def test_a_limit_stops_it() -> None:
    with pytest.raises(LimitExceeded):
        thought(["hm"] * 100, 1000, Limits(model_calls=3))


def test_what_a_content_filter_withholds_is_a_refusal() -> None:
    with pytest.raises(ModelError, match="content filter"):
        thought([Choice(assistant(""), finish="content_filter")], 10)
