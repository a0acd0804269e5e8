"""What `ServerModel` asks of a server, and what it makes of a good answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from adjudge.errors import ConfigError, ModelError
from adjudge.models.base import ModelSpec, Reply, Sampling, TokenUsage
from adjudge.models.mock import MockReply, MockServer, completion
from adjudge.models.server import ServerModel
from adjudge.types import Message
from adjudge.types.messages import user

SCHEMA = {"type": "object", "properties": {"winner": {"enum": ["A", "B"]}}}
TOOL = {"type": "function", "function": {"name": "search", "description": "d", "parameters": {"type": "object"}}}
QUESTION = [user("Which is better?")]


def ask(
    answer: str | MockReply = "A",
    *,
    messages: list[Message] | None = None,
    routes: Mapping[str, Any] | None = None,
    chat: Mapping[str, Any] | None = None,
    **spec: Any,
) -> tuple[Reply, list[tuple[str, dict[str, Any]]]]:
    """One chat call against a server that always gives `answer`; the reply, and each path and body it was asked."""

    async def go() -> tuple[Reply, list[tuple[str, dict[str, Any]]]]:
        async with MockServer(lambda _: answer, routes=routes) as server:
            model = ServerModel(ModelSpec(provider="server", base_url=server.base_url, **{"model": "m", **spec}))
            reply = await model.chat(messages or QUESTION, **(chat or {}))
            await model.aclose()
            return reply, [(request.path, request.body) for request in server.seen]

    return asyncio.run(go())


def sent(**options: Any) -> dict[str, Any]:
    """The body of the last request of such a call."""
    return ask(**options)[1][-1][1]


def test_a_plain_call_sends_the_conversation_and_the_sampling_and_nothing_else() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=7)
    assert sent(chat={"sampling": sampling}) == {
        "model": "m",
        "messages": QUESTION,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
    }


def test_a_reply_carries_message_finish_and_usage() -> None:
    body = completion("The winner is A.")
    body["usage"] = {"prompt_tokens": 30, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 16}}
    reply, _ = ask(MockReply(body))
    assert reply.choices[0].message == {"role": "assistant", "content": "The winner is A."}
    assert reply.choices[0].finish == "stop"
    assert reply.usage == TokenUsage(30, 5, 16)


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": None, "completion_tokens": "5"}, {"prompt_tokens": -1}])
def test_usage_that_is_no_count_is_zero(usage: object) -> None:
    reply, _ = ask(MockReply({**completion("x"), "usage": usage}))
    assert reply.usage == TokenUsage(0, 0, 0)


def test_seed_stop_n_and_log_probabilities_are_asked_for_when_wanted() -> None:
    token = {"token": "A", "logprob": -0.1, "top_logprobs": [{"token": "A", "logprob": -0.1}]}
    body = completion("A", n=2)
    for choice in body["choices"]:
        choice["logprobs"] = {"content": [token]}
    options = {"sampling": Sampling(seed=3, stop=("\n", "END"), top_logprobs=5), "n": 2}
    reply, asked = ask(MockReply(body), chat=options)
    wanted = {"seed": 3, "stop": ["\n", "END"], "logprobs": True, "top_logprobs": 5, "n": 2}
    assert wanted.items() <= asked[-1][1].items()
    assert [choice.logprobs[0].logprob for choice in reply.choices] == [-0.1, -0.1]
    assert reply.choices[0].logprobs[0].top == (("A", -0.1),)


def test_choices_come_in_the_order_of_their_index() -> None:
    body = completion("", n=3)
    for position, choice in enumerate(reversed(body["choices"])):
        choice["message"] = {"role": "assistant", "content": f"answer {choice['index']}"}
        choice["index"] = choice["index"]
        assert position == 2 - choice["index"]
    body["choices"].reverse()
    reply, _ = ask(MockReply(body), chat={"n": 3})
    assert [choice.message["content"] for choice in reply.choices] == ["answer 0", "answer 1", "answer 2"]


def test_tools_go_out_with_the_choice_and_calls_come_back_as_the_model_wrote_them() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}},
        {"type": "function", "function": {"name": "no_such_tool", "arguments": "{not json"}},
        {"id": "c3", "type": "function", "function": {"name": "search", "arguments": {"q": "ä"}}},
    ]
    body = completion("")
    body["choices"][0] |= {
        "message": {"role": "assistant", "content": None, "tool_calls": calls},
        "finish_reason": "tool_calls",
    }
    reply, asked = ask(MockReply(body), chat={"tools": [TOOL], "sampling": Sampling(tool_choice="required")})
    assert asked[-1][1]["tools"] == [TOOL]
    assert asked[-1][1]["tool_choice"] == "required"
    message = reply.choices[0].message
    assert message["content"] == ""
    found = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]
    assert found == [
        ("c1", "search", '{"q": "x"}'),
        ("call_1", "no_such_tool", "{not json"),
        ("c3", "search", '{"q": "ä"}'),
    ]
    assert reply.choices[0].finish == "tool_calls"


def test_a_reply_cut_at_its_limit_says_so() -> None:
    body = completion("half an ans")
    body["choices"][0]["finish_reason"] = "length"
    assert ask(MockReply(body))[0].choices[0].finish == "length"


def test_a_model_that_only_thought_has_said_nothing() -> None:
    body = completion("")
    body["choices"][0]["message"] = {"role": "assistant", "content": None, "reasoning": "hm"}
    assert ask(MockReply(body))[0].choices[0].message["content"] == ""


@pytest.mark.parametrize(
    ("routes", "extra", "structured", "paths"),
    [
        # asked: vLLM owns its models
        ({"/v1/models": lambda _: MockReply({"data": [{"id": "m", "owned_by": "vllm"}]})}, {}, {"json": SCHEMA}, 2),
        ({"/v1/models": lambda _: MockReply({"data": [{"id": "m", "owned_by": "openai"}]})}, {}, None, 2),
        # no list of models, but vLLM's /version beside /v1
        ({"/version": lambda _: MockReply({"version": "0.22.0"})}, {}, {"json": SCHEMA}, 3),
        # neither answers: the call does not fail for that
        ({}, {}, None, 3),
        # told: nothing is asked
        ({}, {"structured_outputs": True}, {"json": SCHEMA}, 1),
        (
            {},
            {"structured_outputs": {"disable_any_whitespace": True}},
            {"disable_any_whitespace": True, "json": SCHEMA},
            1,
        ),
        ({"/v1/models": lambda _: MockReply({"data": [{"owned_by": "vllm"}]})}, {"structured_outputs": False}, None, 1),
    ],
)
def test_a_schema_goes_out_as_response_format_and_to_vllm_as_structured_outputs_too(
    routes: Mapping[str, Any], extra: dict[str, Any], structured: object, paths: int
) -> None:
    _, asked = ask("{}", chat={"sampling": Sampling(json_schema=SCHEMA)}, routes=routes, extra_body=extra)
    body = asked[-1][1]
    schema = {"name": "reply", "schema": SCHEMA, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert body.get("structured_outputs") == structured
    assert len(asked) == paths


def test_a_server_is_asked_what_it_is_only_once() -> None:
    async def go() -> list[str]:
        async with MockServer(lambda _: "{}") as server:
            model = ServerModel(ModelSpec(provider="server", model="m", base_url=server.base_url))
            sampling = Sampling(json_schema=SCHEMA)
            await asyncio.gather(*(model.chat(QUESTION, sampling=sampling) for _ in range(8)))
            await model.chat(QUESTION, sampling=sampling)
            await model.aclose()
            return [request.path for request in server.seen if request.method == "GET"]

    assert asyncio.run(go()) == ["/v1/models", "/version"]


def test_extra_body_adds_replaces_and_removes_fields() -> None:
    body = sent(extra_body={"top_k": 20, "temperature": 1, "max_tokens": None, "max_completion_tokens": 9})
    assert body["top_k"] == 20
    assert body["temperature"] == 1
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 9


def test_an_extra_body_that_is_not_json_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="extra_body cannot be written as JSON"):
        ServerModel(ModelSpec(base_url="http://h/v1", extra_body={"when": {1, 2}}))


def test_token_ids_are_taken_where_the_server_returns_them() -> None:
    body = completion("A B") | {"prompt_token_ids": [1, 2, 3]}
    body["choices"][0] |= {
        "token_ids": [7, 8],
        "logprobs": {"content": [{"token": "A", "logprob": -1.0}, {"token": " B", "logprob": -2}]},
    }
    options = {"sampling": Sampling(top_logprobs=1)}
    reply, asked = ask(MockReply(body), chat=options, extra_body={"return_token_ids": True})
    assert asked[-1][1]["return_token_ids"] is True
    assert reply.prompt_ids == (1, 2, 3)
    assert reply.choices[0].token_ids == (7, 8)
    assert [(t.token_id, t.logprob) for t in reply.choices[0].logprobs] == [(7, -1.0), (8, -2.0)]


def test_images_go_out_as_the_data_they_are() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages = cast("list[Message]", [{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}])
    assert sent(messages=messages, images=True)["messages"] == messages


@pytest.mark.parametrize(
    ("url", "images", "words"),
    [
        ("https://169.254.169.254/latest", True, "images must be data URLs"),  # the server would fetch it for us
        ("file:///etc/passwd", True, "images must be data URLs"),
        ("data:image/png;base64,iVBORw0KGgo=", False, "images: true"),
    ],
)
def test_other_images_are_refused_before_anything_is_sent(url: str, images: bool, words: str) -> None:
    messages = cast("list[Message]", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    with pytest.raises(ModelError, match=words) as caught:
        ask(messages=messages, images=images)
    assert caught.value.kind == "rejected"


def test_text_of_any_language_arrives_and_half_a_surrogate_pair_does_not_break_the_call() -> None:
    assert sent(messages=[user("naïve 東京 🦊")])["messages"] == [user("naïve 東京 🦊")]
    assert sent(messages=[user("a\ud800b")])["messages"] == [user("a?b")]


def test_info_is_known_without_a_call() -> None:
    spec = ModelSpec(model="Qwen/Qwen3-8B", base_url="http://h:1/v1", adapter="judge", context=4096, images=True)
    info = ServerModel(spec).info
    assert (info.name, info.provider, info.context) == ("Qwen/Qwen3-8B", "server", 4096)
    assert info.fingerprint == "Qwen/Qwen3-8B+judge"
    assert {
        "chat",
        "tools",
        "json_schema",
        "logprobs",
        "n",
        "seed",
        "stream",
        "complete",
        "score",
        "images",
    } == info.abilities
    assert "images" not in ServerModel(ModelSpec(model="m", base_url="http://h:1/v1")).info.abilities


def test_the_fingerprint_is_your_name_for_the_weights_and_else_tells_servers_apart() -> None:
    assert ServerModel(ModelSpec(model="m", weights="sha", base_url="http://h/v1")).info.fingerprint == "sha"
    one, other = (ServerModel(ModelSpec(base_url=f"http://{host}/v1")).info.fingerprint for host in ("a", "b"))
    assert one != other


def test_an_adapter_is_asked_for_by_its_name_and_a_nameless_model_not_at_all() -> None:
    assert sent(adapter="judge")["model"] == "judge"
    assert "model" not in sent(model="")


@pytest.mark.parametrize("base_url", ["http://h:1/v1", "http://h:1/v1/", "http://h:1"])
def test_a_base_url_may_end_in_a_slash_and_need_not_end_in_v1(base_url: str) -> None:
    assert not ServerModel(ModelSpec(base_url=base_url)).info.name.endswith("/")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec(model="m"), "needs a base_url"),
        (ModelSpec(base_url="http://"), "base_url must be http"),
        (ModelSpec(base_url="http://h:port/v1"), "base_url is not a URL"),
        (ModelSpec(base_url="http://user:hunter2@h/v1"), "user name or password"),
        (ModelSpec(base_url="http://h/v1", api_key="sk-secret\nX-Evil: 1"), "api_key holds"),
    ],
)
def test_a_spec_that_cannot_be_sent_is_refused_without_showing_secrets(spec: ModelSpec, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        ServerModel(spec)
    assert "hunter2" not in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_the_key_is_sent_as_a_bearer_token_and_a_line_end_after_it_does_no_harm() -> None:
    async def go() -> str | None:
        async with MockServer(lambda _: "ok") as server:
            model = ServerModel(ModelSpec(model="m", base_url=server.base_url, api_key="sk-secret\n"))
            await model.chat(QUESTION)
            await model.aclose()
            return server.seen[0].headers.get("authorization")

    assert asyncio.run(go()) == "Bearer sk-secret"


def test_the_body_is_compact_json() -> None:
    async def go() -> int:
        async with MockServer(lambda _: "ok") as server:
            model = ServerModel(ModelSpec(model="m", base_url=server.base_url))
            await model.chat(QUESTION)
            await model.aclose()
            (request,) = server.seen
            assert request.headers["content-type"] == "application/json"
            return int(request.headers["content-length"]) - len(json.dumps(request.body, separators=(",", ":")))

    assert asyncio.run(go()) == 0
