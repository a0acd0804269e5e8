"""Servers that are down, slow, busy, wrong or lying: what is raised, and how often they are asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ModelError
from adjudge.models.base import ModelSpec, OnText, Reply, Sampling
from adjudge.models.mock import MockReply, MockServer, completion
from adjudge.models.server import ServerModel
from adjudge.models.server.failures import retry_after
from adjudge.models.server.replies import as_json, chat_reply, completion_reply
from adjudge.models.server.streaming import Assembly
from adjudge.types.messages import user

KEY = "sk-very-secret-key"
QUESTION = [user("Which is better?")]


class Asked(NamedTuple):
    outcome: Reply | ModelError
    requests: int
    seconds: float

    @property
    def error(self) -> ModelError:
        assert isinstance(self.outcome, ModelError)
        return self.outcome


def ask(
    *answers: MockReply | str,
    routes: Mapping[str, Any] | None = None,
    on_text: OnText | None = None,
    n: int = 1,
    sampling: Sampling = Sampling(),
    **spec: Any,
) -> Asked:
    """One call against a server that gives these answers in turn, the last one for ever."""

    async def go() -> Asked:
        left = list(answers)
        async with MockServer(lambda _: left.pop(0) if len(left) > 1 else left[0], routes=routes) as server:
            options = {"model": "the-model", "api_key": KEY, "timeout": 10.0, **spec}
            model = ServerModel(ModelSpec(provider="server", base_url=server.base_url, **options))
            start = time.monotonic()
            outcome: Reply | ModelError
            try:
                outcome = await model.chat(QUESTION, n=n, on_text=on_text, sampling=sampling)
            except ModelError as error:
                outcome = error
            seconds = time.monotonic() - start
            await model.aclose()
            return Asked(outcome, server.requests, seconds)

    return asyncio.run(go())


def error_body(text: str) -> dict[str, Any]:
    return {"error": {"message": text, "type": "BadRequestError", "code": 400}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_down_is_unavailable_and_named() -> None:
    base_url = f"http://127.0.0.1:{free_port()}/v1"

    async def go() -> None:
        model = ServerModel(ModelSpec(model="m", base_url=base_url, retries=1))
        try:
            await model.chat(QUESTION)
        finally:
            await model.aclose()

    with pytest.raises(ModelError, match=r"nothing answers at .*is it running") as caught:
        asyncio.run(go())
    assert caught.value.kind == "unavailable"
    assert caught.value.retryable
    assert base_url in str(caught.value)


def test_a_slow_server_is_given_up_after_the_time_limit_of_each_try() -> None:
    asked = ask(MockReply(completion("late"), delay=30), timeout=0.2, retries=1)
    assert asked.error.kind == "unavailable"
    assert asked.error.retryable
    assert asked.requests in (1, 2)  # the second try is left out when the pause takes all its time
    assert 0.2 <= asked.seconds < 10
    asked = ask(MockReply(completion("late"), delay=30), timeout=0.2, retries=0)
    assert "did not finish within 0.2 s" in str(asked.error)


def test_a_server_slow_once_is_asked_again() -> None:
    asked = ask(MockReply(completion("late"), delay=30), "in time", timeout=1.0, retries=4)
    assert isinstance(asked.outcome, Reply)
    assert asked.requests == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_busy_or_broken_server_is_asked_again(status: int) -> None:
    asked = ask(MockReply(error_body("come back"), status=status), "A")
    assert isinstance(asked.outcome, Reply)
    assert asked.outcome.choices[0].message["content"] == "A"
    assert asked.requests == 2


@pytest.mark.parametrize(
    "form", [lambda: "1", lambda: formatdate(time.time() + 3, usegmt=True)], ids=["seconds", "date"]
)
def test_the_server_says_how_long_to_wait(form: Callable[[], str]) -> None:
    asked = ask(MockReply(error_body("busy"), status=429, headers={"Retry-After": form()}), "A")
    assert isinstance(asked.outcome, Reply)
    assert asked.requests == 2
    assert 0.9 <= asked.seconds < 20  # a pause of our own would be at most 0.5 s


def test_a_wait_that_does_not_fit_into_the_time_is_not_begun() -> None:
    asked = ask(MockReply(error_body("busy"), status=429, headers={"Retry-After": "50"}), timeout=1.0, retries=2)
    assert asked.requests == 1
    assert asked.seconds < 10  # of the 50 asked for
    assert (asked.error.kind, asked.error.retryable) == ("unavailable", True)
    assert (asked.error.status, asked.error.retry_after) == (429, 50.0)


def test_tries_end_with_the_last_error() -> None:
    asked = ask(MockReply(error_body("first"), status=500), MockReply(error_body("last"), status=503), retries=1)
    assert asked.requests == 2
    assert asked.error.status == 503
    assert "last" in str(asked.error)


def test_no_retries_means_one_request() -> None:
    assert ask(MockReply(status=500), retries=0).requests == 1


@pytest.mark.parametrize(
    ("status", "text", "kind", "words"),
    [
        (400, "tool_choice is not supported", "rejected", "tool_choice is not supported"),
        (400, "This model's maximum context length is 4096 tokens, you sent 9000.", "too_long", "4096"),
        (400, "the request exceeds the available context size", "too_long", "context size"),  # llama.cpp
        (401, "no", "rejected", "ADJUDGE_API_KEY"),
        (403, "no", "rejected", "ADJUDGE_API_KEY"),
        (404, "The model does not exist", "rejected", "the-model"),
        (422, "Field required", "rejected", "Field required"),
    ],
)
def test_what_is_wrong_with_the_request_is_said_and_asked_exactly_once(
    status: int, text: str, kind: str, words: str
) -> None:
    asked = ask(MockReply(error_body(text), status=status))
    assert asked.requests == 1
    assert (asked.error.kind, asked.error.status, asked.error.retryable) == (kind, status, False)
    assert words in str(asked.error)


def test_a_model_that_is_not_there_is_told_with_those_that_are() -> None:
    served = {"data": [{"id": "Qwen/Qwen3-8B"}, {"id": "judge-lora"}]}
    asked = ask(MockReply(error_body("no such model"), status=404), routes={"/v1/models": lambda _: MockReply(served)})
    assert "'the-model'" in str(asked.error)
    assert "it serves: Qwen/Qwen3-8B, judge-lora" in str(asked.error)
    assert "http://127.0.0.1:" in str(asked.error)


def test_a_404_of_a_server_without_a_list_of_models_points_at_the_base_url() -> None:
    assert "which usually ends in /v1" in str(ask(MockReply("not found", status=404)).error)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad Gateway</html>", b"null", b'{"detail": [{"msg": "x"}]}', b"\xff\xfe"]
)
def test_an_error_of_any_shape_is_an_error(body: bytes) -> None:
    asked = ask(MockReply(body, status=400))
    assert (asked.error.kind, asked.error.status) == ("rejected", 400)


def choice(**parts: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", **parts}]}


def logprob(value: float) -> dict[str, Any]:
    return {"content": [{"token": "A", "logprob": value}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><html><body>Login</body></html>", "a web page"),
        (b'{"choices": [{"message": {"role": "assistant", "con', "broken JSON"),
        (b"", "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "at least one choice"),
        (b'{"choices": []}', "at least one choice"),
        (b'{"error": {"message": "overloaded"}}', "overloaded"),  # an error that says 200
        (b'{"choices": ["A"]}', "not a JSON object"),
        (json.dumps(choice()).encode(), "no `message`"),
        (json.dumps(choice(message=None)).encode(), "no `message`"),
        (json.dumps(choice(message={"role": "assistant"})).encode(), "neither content nor tool calls"),
        (json.dumps(choice(message={"content": None, "tool_calls": []})).encode(), "neither content nor tool calls"),
        (json.dumps(choice(message={"content": 5})).encode(), "`content` must be text"),
        (json.dumps(choice(message={"content": "", "tool_calls": {"a": 1}})).encode(), "must be a list"),
        (json.dumps(choice(message={"tool_calls": [{"function": {}}]})).encode(), "no function with a name"),
        (json.dumps(choice(message={"tool_calls": ["search"]})).encode(), "no function with a name"),
        (json.dumps(choice(message={"content": "A"}, logprobs={"content": [{"token": "A"}]})).encode(), "not a number"),
        (json.dumps(choice(message={"content": "A"}, logprobs={"content": [{}]})).encode(), "has no token"),
        (json.dumps(choice(message={"content": "A"}, logprobs={"content": 5})).encode(), "must be a list"),
        (json.dumps(choice(message={"content": "A"}, logprobs=logprob(math.nan))).encode(), "not a number"),
        (json.dumps(choice(message={"content": "A"}, logprobs=logprob(10**400))).encode(), "too large"),
    ],
)
def test_a_200_that_is_no_reply_is_malformed_and_not_asked_again(body: bytes, words: str) -> None:
    asked = ask(MockReply(body))
    assert words in str(asked.error)
    assert (asked.error.kind, asked.error.retryable, asked.requests) == ("malformed", False, 1)


FIELDS = [
    "choices",
    "message",
    "delta",
    "content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "usage",
    "prompt_tokens_details",
    "logprobs",
    "index",
    "token",
    "logprob",
    "top_logprobs",
    "tokens",
    "token_logprobs",
    "text",
    "token_ids",
    "finish_reason",
    "error",
]


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), nested, max_leaves=30))
def test_no_json_at_all_makes_anything_but_a_reply_or_a_model_error(data: object) -> None:
    parts = {"message": data, "delta": data, "logprobs": data, "text": "", "token_ids": data}
    answer = {"content": "", "tool_calls": data}
    for raw in (
        data,
        {"choices": data},
        {"choices": [data]},
        {"choices": [parts]},
        choice(message=answer, delta=answer),
    ):
        with contextlib.suppress(ModelError):
            assert len(chat_reply(body_of(raw), 1, "here", logprobs=True).choices) == 1
        with contextlib.suppress(ModelError):
            assert len(completion_reply(body_of(raw), 1, "here").choices) == 1
        with contextlib.suppress(ModelError):
            assembly = Assembly(1, "here", None, lambda _: None)
            assembly.add(json.dumps(raw).encode())
            assert len(chat_reply(assembly.result(), 1, "here", logprobs=True).choices) == 1


def body_of(data: object) -> dict[str, Any]:
    return as_json(json.dumps(data).encode(), "here")


def test_fewer_choices_than_asked_for_is_malformed() -> None:
    asked = ask(MockReply(completion("A", n=2)), n=3)
    assert asked.error.kind == "malformed"
    assert "3 choices were asked for and 2 came back" in str(asked.error)


def test_log_probabilities_that_do_not_come_are_missed() -> None:
    asked = ask(MockReply(completion("A")), sampling=Sampling(top_logprobs=2))
    assert asked.error.kind == "malformed"
    assert "log-probabilities were asked for" in str(asked.error)


@pytest.mark.parametrize(
    "parts",
    [
        {"message": {"content": None, "refusal": "I cannot help with that."}},
        {"message": {"content": None}, "finish_reason": "content_filter"},
        {"message": {"content": "I ca"}, "finish_reason": "content_filter"},
    ],
)
def test_a_model_that_declines_has_refused(parts: dict[str, Any]) -> None:
    asked = ask(MockReply(choice(**parts)))
    assert (asked.error.kind, asked.error.retryable, asked.requests) == ("refused", False, 1)
    assert "declined" in str(asked.error)


def test_a_connection_that_breaks_within_the_body_is_tried_again() -> None:
    asked = ask(MockReply(completion("A"), truncate=20), "B")
    assert isinstance(asked.outcome, Reply)
    assert asked.outcome.choices[0].message["content"] == "B"
    asked = ask(MockReply(completion("A"), truncate=20), retries=0)
    assert (asked.error.kind, asked.error.retryable) == ("unavailable", True)
    assert "broke" in str(asked.error)


def test_what_does_not_speak_http_is_malformed() -> None:
    async def go() -> None:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        model = ServerModel(ModelSpec(model="m", base_url=f"http://127.0.0.1:{port}/v1", retries=0, api_key=KEY))
        try:
            await model.chat(QUESTION)
        finally:
            await model.aclose()
            server.close()

    with pytest.raises(ModelError, match="does not answer in HTTP") as caught:
        asyncio.run(go())
    assert caught.value.kind == "malformed"
    assert KEY not in repr(caught.value.__cause__)


def test_a_response_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.models.server.http.MAX_BYTES", 2**20)
    asked = ask(MockReply(completion("x" * 2**20)))
    assert asked.error.kind == "malformed"
    assert "more than 1 MiB" in str(asked.error)


@pytest.mark.parametrize(
    "answer",
    [
        MockReply(error_body(f"Incorrect API key provided: {KEY}"), status=401),
        MockReply(error_body(f"you sent Bearer {KEY}"), status=500),
        MockReply(f"no such page; authorization was {KEY}", status=404),
        MockReply(status=307, headers={"Location": f"https://elsewhere/?key={KEY}"}),
        MockReply(f"hello {KEY}"),
        MockReply(choice(message={"content": [KEY]})),
        MockReply(choice(message={"content": None, "refusal": f"I have seen {KEY}"})),
        MockReply(sse=[{"error": {"message": KEY}}]),
    ],
)
def test_the_key_is_in_no_error(answer: MockReply) -> None:
    asked = ask(answer, retries=0, on_text=(lambda _: None) if answer.sse else None)
    error: BaseException | None = asked.error
    while error is not None:
        assert KEY not in str(error)
        assert KEY not in repr(error)
        error = error.__cause__
    assert KEY not in repr(ModelSpec(api_key=KEY))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-3", 0.0),
        ("86400", 60.0),
        ("inf", 60.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),  # long past
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
        ("Fri, 99 Foo 2020", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_out_of_bounds(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0.0 <= seconds <= 60.0
