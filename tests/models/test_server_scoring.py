"""Token ids in and out, and the arithmetic of scoring, against a server that speaks vLLM's dialect."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from adjudge.errors import ModelError
from adjudge.models.base import ModelSpec, Reply, Sampling, Scored, TokenUsage
from adjudge.models.mock import MockReply, MockServer
from adjudge.models.server import ServerModel
from adjudge.types import Message
from adjudge.types.messages import system, user

PREFIX = [system("Judge."), user("Which?")]
VOCABULARY = 97
Route = Callable[[dict[str, Any]], MockReply]


def logprob(ids: Sequence[int], at: int) -> float:
    """The mock's language model: depends on the token, on the one before it and on the position."""
    return -(((ids[at] * 31 + ids[at - 1] * 7 + at) % VOCABULARY) + 1) / 8


def tokenize(body: dict[str, Any]) -> MockReply:
    """One token a character; a conversation gets marks around each message and opens the assistant's."""
    if "messages" in body:
        assert body["add_generation_prompt"] is True
        ids = [1]
        for message in body["messages"]:
            ids += [2, *(ord(c) % VOCABULARY for c in message["content"]), 3]
        ids.append(4)
    else:
        assert body["add_special_tokens"] is False
        ids = [ord(c) % VOCABULARY for c in body["prompt"]]
    return MockReply({"tokens": ids, "count": len(ids), "max_model_len": 4096})


def prompt_logprobs(body: dict[str, Any]) -> MockReply:
    """`/v1/completions` with the log-probabilities of the prompt, beside each the likeliest token."""
    ids = body["prompt"]
    entries: list[Any] = [None]
    for at in range(1, len(ids)):
        likeliest = {str(ids[at] + VOCABULARY): {"logprob": -0.01, "rank": 1}}
        entries.append({**likeliest, str(ids[at]): {"logprob": logprob(ids, at), "rank": 9, "decoded_token": "x"}})
    choice = {"index": 0, "text": "x", "finish_reason": "length", "prompt_logprobs": entries}
    return MockReply({"choices": [choice], "usage": {"prompt_tokens": len(ids), "completion_tokens": 1}})


def with_model(work: Callable[[ServerModel, MockServer], Any], routes: Mapping[str, Route], **spec: Any) -> Any:
    async def go() -> Any:
        async with MockServer(
            lambda _: MockReply({"error": {"message": "Not Found"}}, status=404), routes=routes
        ) as server:
            options = {"model": "m", "retries": 0, **spec}
            model = ServerModel(ModelSpec(provider="server", base_url=server.base_url, **options))
            try:
                return await work(model, server)
            finally:
                await model.aclose()

    return asyncio.run(go())


def score(continuations: Sequence[str], routes: Mapping[str, Route] | None = None, **spec: Any) -> Scored:
    speaks = {"/tokenize": tokenize, "/v1/completions": prompt_logprobs} if routes is None else routes
    return cast("Scored", with_model(lambda model, _: model.score(PREFIX, continuations), speaks, **spec))


def test_each_token_of_each_continuation_has_its_log_probability_after_the_prefix() -> None:
    continuations = ["A", "B is better", "東京"]
    prefix = cast("dict[str, Any]", tokenize({"messages": PREFIX, "add_generation_prompt": True}).body)["tokens"]
    wanted = []
    for text in continuations:
        ids = prefix + [ord(c) % VOCABULARY for c in text]
        wanted.append(tuple(logprob(ids, at) for at in range(len(prefix), len(ids))))
    scored = score(continuations)
    assert scored.logprobs == tuple(wanted)
    assert [len(one) for one in scored.logprobs] == [1, 11, 2]
    assert scored.usage == TokenUsage(sum(len(prefix) + len(text) for text in continuations), 3, 0)


def test_nothing_to_score_costs_nothing() -> None:
    assert score([]) == Scored(())
    assert score([""]) == Scored(((),))


def test_the_conversation_is_tokenized_as_a_chat_call_would_and_asked_for_once() -> None:
    async def work(model: ServerModel, server: MockServer) -> list[dict[str, Any]]:
        await model.score(PREFIX, ["A", "B"])
        return [request.body for request in server.seen]

    extra = {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 5}
    routes = {"/tokenize": tokenize, "/v1/completions": prompt_logprobs}
    bodies = with_model(work, routes, extra_body=extra)
    conversations = [body for body in bodies if "messages" in body]
    assert conversations == [
        {
            "model": "m",
            "messages": PREFIX,
            "add_generation_prompt": True,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]
    asked = [body for body in bodies if "prompt_logprobs" in body]
    assert len(asked) == 2
    assert all(body["max_tokens"] == 1 for body in asked)


def test_minus_infinity_is_a_log_probability() -> None:
    def never(body: dict[str, Any]) -> MockReply:
        answer = prompt_logprobs(body)
        entries = cast("dict[str, Any]", answer.body)["choices"][0]["prompt_logprobs"]
        entries[-1][str(body["prompt"][-1])]["logprob"] = -math.inf
        return answer

    assert score(["A"], {"/tokenize": tokenize, "/v1/completions": never}).logprobs == ((-math.inf,),)


def changed(change: Callable[[list[Any], list[int]], object]) -> Route:
    """`prompt_logprobs` with its entries, given the prompt, changed in place or replaced."""

    def answer(body: dict[str, Any]) -> MockReply:
        reply = prompt_logprobs(body)
        choice = cast("dict[str, Any]", reply.body)["choices"][0]
        replaced = change(choice["prompt_logprobs"], body["prompt"])
        if replaced is not None:
            choice["prompt_logprobs"] = replaced
        return reply

    return answer


@pytest.mark.parametrize(
    ("completions", "words"),
    [
        (changed(lambda entries, _: entries[:-1]), "must have an entry for each"),
        (changed(lambda entries, _: "many"), "must have an entry for each"),
        (changed(lambda entries, ids: entries[-1].pop(str(ids[-1])) and None), "lacks the token"),
        (changed(lambda entries, _: [*entries[:-1], None]), "lacks the token"),
        (changed(lambda entries, ids: entries[-1].update({str(ids[-1]): {"logprob": math.nan}})), "not a number"),
        (changed(lambda entries, ids: entries[-1].update({str(ids[-1]): {"logprob": None}})), "not a number"),
    ],
)
def test_log_probabilities_of_another_prompt_are_never_taken_for_ours(completions: Route, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        score(["AB"], {"/tokenize": tokenize, "/v1/completions": completions})
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize(
    "tokens",
    [{}, {"tokens": None}, {"tokens": ["a"]}, {"tokens": [1, True]}, {"tokens": [1, 2], "count": 3}, {"tokens": []}],
)
def test_tokens_that_are_no_ids_are_malformed(tokens: dict[str, Any]) -> None:
    routes = {"/tokenize": lambda _: MockReply(tokens), "/v1/completions": prompt_logprobs}
    with pytest.raises(ModelError) as caught:
        score(["A"], routes)
    assert caught.value.kind == "malformed"


def ignoring(body: dict[str, Any]) -> MockReply:
    return MockReply({"choices": [{"index": 0, "text": "x", "finish_reason": "length"}]})


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ({}, "has no /tokenize, which score"),
        ({"/tokenize": tokenize}, "404"),
        ({"/tokenize": tokenize, "/v1/completions": ignoring}, "ignores `prompt_logprobs`"),
    ],
)
def test_a_server_that_cannot_score_says_what_it_lacks(routes: dict[str, Route], words: str) -> None:
    with pytest.raises(ModelError) as caught:
        score(["A"], routes)
    assert words in str(caught.value)
    assert (caught.value.kind, caught.value.retryable) == ("rejected", False)


def test_an_image_cannot_be_scored() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = cast("list[Message]", [{"role": "user", "content": [image]}])
    with pytest.raises(ModelError, match="reads text only"):
        with_model(lambda model, _: model.score(messages, ["A"]), {"/tokenize": tokenize}, images=True)


def completions(**parts: Any) -> Route:
    def answer(body: dict[str, Any]) -> MockReply:
        logprobs = {
            "tokens": ["x", " y"],
            "token_logprobs": [-0.5, -1.5],
            "top_logprobs": [{"z": -2.0, "x": -0.5}, None],
        }
        choice = {"text": "x y", "finish_reason": "stop", "token_ids": [5, 6], "logprobs": logprobs} | parts
        choices = [{"index": index, "prompt_token_ids": body["prompt"], **choice} for index in range(body.get("n", 1))]
        return MockReply({"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 2}})

    return answer


def complete(route: Route, **options: Any) -> tuple[Reply, dict[str, Any]]:
    async def work(model: ServerModel, server: MockServer) -> tuple[Reply, dict[str, Any]]:
        reply = await model.complete([9, 8, 7], Sampling(temperature=1.0, max_tokens=2, seed=4, stop=("E",)), **options)
        return reply, server.seen[-1].body

    return cast("tuple[Reply, dict[str, Any]]", with_model(work, {"/v1/completions": route}))


def test_token_ids_go_in_and_come_out_with_their_log_probabilities() -> None:
    reply, body = complete(completions())
    assert body == {
        "model": "m",
        "prompt": [9, 8, 7],
        "logprobs": 0,
        "return_token_ids": True,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": 2,
        "seed": 4,
        "stop": ["E"],
    }
    assert reply.prompt_ids == (9, 8, 7)
    (choice,) = reply.choices
    assert choice.message == {"role": "assistant", "content": "x y"}
    assert choice.token_ids == (5, 6)
    assert [(token.token_id, token.logprob) for token in choice.logprobs] == [(5, -0.5), (6, -1.5)]
    assert choice.logprobs[0].top == (("x", -0.5), ("z", -2.0))
    assert reply.usage == TokenUsage(3, 2, 0)


def test_several_completions_come_from_one_request() -> None:
    reply, body = complete(completions(), n=3)
    assert body["n"] == 3
    assert len(reply.choices) == 3


@pytest.mark.parametrize(
    ("parts", "kind", "words"),
    [
        ({"token_ids": None}, "rejected", "returns no token ids"),  # not vLLM, or too old
        ({"logprobs": None}, "malformed", "2 tokens came with 0 log-probabilities"),
        ({"token_ids": [5]}, "malformed", "1 tokens came with 2 log-probabilities"),
        ({"text": None}, "malformed", "`text` must be text"),
    ],
)
def test_a_completion_without_ids_or_log_probabilities_is_not_passed_on(
    parts: dict[str, Any], kind: str, words: str
) -> None:
    with pytest.raises(ModelError) as caught:
        complete(completions(**parts))
    assert words in str(caught.value)
    assert caught.value.kind == kind
