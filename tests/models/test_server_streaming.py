"""Streams: the same reply as in one piece, and nothing less."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ModelError
from adjudge.models.base import ModelSpec, Reply, Sampling
from adjudge.models.mock import MockReply, MockServer, completion, events
from adjudge.models.server import ServerModel
from adjudge.models.server.streaming import Events
from adjudge.types.messages import user

QUESTION = [user("Which is better?")]
USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 8}}


def ask(
    *answers: MockReply, streamed: bool = True, n: int = 1, top_logprobs: int = 0, **spec: Any
) -> tuple[Reply, list[str], list[dict[str, Any]]]:
    """The reply, the pieces handed on, and the bodies the server got."""

    async def go() -> tuple[Reply, list[str], list[dict[str, Any]]]:
        left, heard = list(answers), list[str]()
        async with MockServer(lambda _: left.pop(0) if len(left) > 1 else left[0]) as server:
            options = {"model": "m", "timeout": 10.0, "retries": 1, **spec}
            model = ServerModel(ModelSpec(provider="server", base_url=server.base_url, **options))
            try:
                sampling = Sampling(top_logprobs=top_logprobs)
                on_text = heard.append if streamed else None
                reply = await model.chat(QUESTION, n=n, sampling=sampling, on_text=on_text)
            finally:
                await model.aclose()
                asked.append(server.requests)
            return reply, heard, [request.body for request in server.seen]

    return asyncio.run(go())


asked: list[int] = []  # requests of the latest calls, also of those that raised


def chunk(delta: dict[str, Any] | None = None, *, index: int = 0, **parts: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta or {}, "finish_reason": None, **parts}]}


def whole(message: dict[str, Any], **parts: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop", **parts}
    return {"choices": [choice], "usage": USAGE}


END: list[str | dict[str, Any]] = [{"choices": [], "usage": USAGE}, "[DONE]"]
STOP = chunk(finish_reason="stop")


def call(index: int, **function: str) -> dict[str, Any]:
    return {"index": index, "function": function}


CASES: dict[str, tuple[dict[str, Any], Sequence[str | dict[str, Any]]]] = {
    "text": (
        whole({"content": "A wins — 東京 🦊."}),
        [
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": "A wins"}),
            chunk({"content": " — 東京 🦊."}),
            STOP,
        ],
    ),
    "text and finish in one chunk": (whole({"content": "A"}), [chunk({"content": "A"}, finish_reason="stop")]),
    "nothing said": (whole({"content": ""}), [chunk({"role": "assistant", "content": ""}), STOP]),
    "cut at the limit": (
        whole({"content": "A wi"}, finish_reason="length"),
        [chunk({"content": "A wi"}), chunk(finish_reason="length")],
    ),
    "tool calls": (
        whole(
            {
                "content": None,
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}},
                    {"id": "b", "type": "function", "function": {"name": "fetch", "arguments": "{broken"}},
                ],
            },
            finish_reason="tool_calls",
        ),
        [
            chunk({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", **call(0, name="search")}]}),
            chunk({"tool_calls": [call(0, arguments='{"q": ')]}),
            chunk({"tool_calls": [{"id": "b", **call(1, name="fetch", arguments="")}, call(0, arguments='"x"}')]}),
            chunk({"tool_calls": [call(1, arguments="{bro")]}),
            chunk({"tool_calls": [call(1, arguments="ken")]}),
            chunk(finish_reason="tool_calls"),
        ],
    ),
    "tool calls without an index": (
        whole(
            {
                "tool_calls": [
                    {"id": "a", "function": {"name": "search", "arguments": "{}"}},
                    {"id": "b", "function": {"name": "fetch", "arguments": "{}"}},
                ]
            }
        ),
        [
            chunk({"tool_calls": [{"id": "a", "function": {"name": "search", "arguments": "{"}}]}),
            chunk({"tool_calls": [{"function": {"arguments": "}"}}]}),
            chunk({"tool_calls": [{"id": "b", "function": {"name": "fetch", "arguments": "{}"}}]}),
            STOP,
        ],
    ),
    "log-probabilities and token ids": (
        whole(
            {"content": "A B"},
            logprobs={"content": [{"token": "A", "logprob": -0.5}, {"token": " B", "logprob": -1.5}]},
            token_ids=[7, 8],
        )
        | {"prompt_token_ids": [1, 2]},
        [
            chunk({"role": "assistant", "content": ""}) | {"prompt_token_ids": [1, 2]},
            chunk({"content": "A"}, logprobs={"content": [{"token": "A", "logprob": -0.5}]}, token_ids=[7]),
            chunk({"content": " B"}, logprobs={"content": [{"token": " B", "logprob": -1.5}]}, token_ids=[8]),
            STOP,
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_streamed_reply_equals_the_same_reply_in_one_piece(name: str) -> None:
    body, chunks = CASES[name]
    single, _, _ = ask(MockReply(copy.deepcopy(body)), streamed=False)
    reply, heard, _ = ask(MockReply(sse=[*chunks, *END]))
    assert reply == single
    assert "".join(heard) == reply.choices[0].message["content"]
    assert reply.usage.tokens_cached == 8


def test_a_stream_is_asked_for_with_its_usage() -> None:
    _, _, bodies = ask(MockReply(sse=events("A wins.")))
    assert bodies[0]["stream"] is True
    assert bodies[0]["stream_options"] == {"include_usage": True}


def test_choices_that_come_interleaved_are_told_apart_and_the_first_is_heard() -> None:
    chunks = [
        chunk({"content": "A"}, index=0),
        chunk({"content": "C"}, index=1),
        chunk({"content": "D"}, index=1),
        chunk({"content": "B"}, index=0),
        chunk(index=1, finish_reason="length"),
        chunk(index=0, finish_reason="stop"),
    ]
    reply, heard, _ = ask(MockReply(sse=[*chunks, *END]), n=2)
    assert [(c.message["content"], c.finish) for c in reply.choices] == [("AB", "stop"), ("CD", "length")]
    assert heard == ["A", "B"]


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([chunk({"content": "A wi"})], "ended early"),  # cut, however cleanly the connection closed
        ([chunk({"content": "A wi"}), "[DONE]"], "ended early"),
        ([chunk({"content": "A"}), STOP], "without [DONE]"),
        (["[DONE]"], "ended early"),
        ([chunk({"content": "A"}, index=0), STOP, chunk({"content": "B"}, index=1), *END], "ended early"),
        (["{not json", *END], "broken JSON"),
        (['["a"]', *END], "not a JSON object"),
        ([{"choices": {"a": 1}}, *END], "must be a list"),
        ([{"choices": ["a"]}, *END], "choice is 'a'"),
        ([chunk({"content": 5}), *END], "must be text"),
        ([chunk({"tool_calls": ["x"]}), *END], "tool call is 'x'"),
        ([chunk({"tool_calls": [call(0, arguments="{}")]}), STOP, *END], "no function with a name"),
        ([STOP, *END], "neither content nor tool calls"),
    ],
)
def test_a_stream_that_is_no_reply_is_malformed_and_not_asked_again(chunks: list[Any], words: str) -> None:
    with pytest.raises(ModelError, match="cannot be used") as caught:
        ask(MockReply(sse=chunks))
    assert words in str(caught.value)
    assert (caught.value.kind, caught.value.retryable, asked[-1]) == ("malformed", False, 1)


def test_usage_stands_for_the_closing_mark_where_a_server_sends_none() -> None:
    reply, _, _ = ask(MockReply(sse=[chunk({"content": "A"}), STOP, END[0]]))
    assert reply.choices[0].message["content"] == "A"


def test_a_stream_that_breaks_before_any_text_is_asked_again() -> None:
    broken = MockReply(sse=[chunk({"role": "assistant", "content": ""}), chunk({"content": "lost"})], truncate=30)
    reply, heard, _ = ask(broken, MockReply(sse=events("A wins.")))
    assert reply.choices[0].message["content"] == "A wins."
    assert "".join(heard) == "A wins."
    assert asked[-1] == 2


def test_a_stream_that_breaks_after_text_is_not_repeated_to_the_listener() -> None:
    first = chunk({"content": "A wins"})
    size = len(f"data: {json.dumps(first)}\n\n")
    with pytest.raises(ModelError, match="broke") as caught:
        ask(MockReply(sse=[first, STOP, *END], truncate=size + 10), MockReply(sse=events("A wins.")))
    assert (caught.value.kind, caught.value.retryable, asked[-1]) == ("unavailable", True, 1)


@pytest.mark.parametrize(
    ("error", "kind", "requests"),
    [
        ({"message": "EngineDeadError", "code": 500}, "unavailable", 2),
        ({"message": "no code"}, "unavailable", 2),
        ("just words", "unavailable", 2),
        ({"message": "maximum context length is 4096", "code": 400}, "too_long", 1),
        ({"message": "bad schema", "code": 400}, "rejected", 1),
    ],
)
def test_an_error_inside_a_stream_is_that_error(error: object, kind: str, requests: int) -> None:
    with pytest.raises(ModelError, match="broke off its reply") as caught:
        ask(MockReply(sse=[{"error": error}, "[DONE]"]))
    assert (caught.value.kind, asked[-1]) == (kind, requests)


def test_an_error_status_is_told_as_without_a_stream() -> None:
    with pytest.raises(ModelError, match="answered 400 Bad Request: no") as caught:
        ask(MockReply({"error": {"message": "no"}}, status=400))
    assert caught.value.kind == "rejected"


def test_a_server_that_cannot_stream_is_heard_in_one_piece() -> None:
    reply, heard, _ = ask(MockReply(completion("A wins.")))
    assert heard == ["A wins."]
    assert reply.choices[0].message["content"] == "A wins."


def test_a_refusal_that_is_streamed_is_a_refusal() -> None:
    with pytest.raises(ModelError, match="I cannot") as caught:
        ask(MockReply(sse=[chunk({"refusal": "I can"}), chunk({"refusal": "not."}), STOP, *END]))
    assert caught.value.kind == "refused"


def test_a_stream_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.models.server.http.MAX_BYTES", 2**16)
    with pytest.raises(ModelError, match="in one response"):
        ask(MockReply(sse=[chunk({"content": "x" * 1000})] * 100))


def test_a_listener_that_fails_is_heard_and_leaves_no_connection_behind() -> None:
    def fail(_: str) -> None:
        raise RuntimeError("the terminal is gone")

    async def go() -> None:
        async with MockServer(lambda _: "A wins.") as server:
            model = ServerModel(ModelSpec(model="m", base_url=server.base_url))
            try:
                await model.chat(QUESTION, on_text=fail)
            finally:
                await model.aclose()

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        asyncio.run(go())


@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.data(),
)
def test_events_do_not_depend_on_where_the_stream_is_cut(texts: list[str], line_end: str, data: st.DataObject) -> None:
    wanted = [text.encode() for text in texts]
    noise = f": ping{line_end}{line_end}event: x{line_end}"
    raw = "".join(f"{noise}data: {text}{line_end}{line_end}" for text in texts).encode()
    if data.draw(st.booleans()):
        raw = raw.rstrip(b"\r\n")  # the last blank line is missing
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    parser, found = Events(), list[bytes]()
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += parser.feed(raw[start:end])
    found += parser.end()
    assert found == wanted


def test_an_event_of_several_lines_is_one() -> None:
    parser = Events()
    assert list(parser.feed(b"data: {\ndata: }\n\n")) == [b"{\n}"]
