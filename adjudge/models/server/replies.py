"""From the JSON of a server to a `Reply`, with nothing taken on trust.

The checks are by hand, not by pydantic: they stand on the path of every call. What is wrong with a reply of status 200
raises `ModelError` of kind malformed, which is not tried again. Arguments of tool calls, and the names of tools, are
the model's own words: they are handed on as they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from adjudge.errors import ModelError, shorten
from adjudge.models.base import Choice, Reply, TokenLogprob, TokenUsage
from adjudge.types import Message, ToolCall
from adjudge.types.messages import assistant, tool_call

Json = dict[str, Any]


def as_json(raw: bytes, where: str) -> Json:
    """A body that has to be a JSON object.

    Raises:
        ModelError: It is something else: a web page, cut-off JSON, a list.
    """
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        page = raw.lstrip()[:1] == b"<"
        kind = "a web page: does base_url end where the API begins, usually /v1?" if page else f"broken JSON: {error}"
        start = raw[:120].decode("utf-8", "replace")
        raise malformed(f"it is {kind}; it begins {start!r}", where) from error
    if not isinstance(data, dict):
        raise malformed(f"it is not a JSON object but {shorten(data)}", where)
    return data


def chat_reply(data: Json, n: int, where: str, *, logprobs: bool) -> Reply:
    """The reply of `/chat/completions`.

    Args:
        data: The JSON body, or what a stream adds up to.
        n: How many choices were asked for.
        where: The server, for messages.
        logprobs: Whether log-probabilities were asked for.

    Raises:
        ModelError: Malformed, or refused by the model.
    """
    choices = tuple(_chat_choice(choice, where, logprobs) for choice in choices_of(data, n, where))
    return Reply(choices, usage(data), _ids(data.get("prompt_token_ids")))


def completion_reply(data: Json, n: int, where: str) -> Reply:
    """The reply of `/completions` over token ids.

    Raises:
        ModelError: Malformed; or rejected, where the server does not return token ids.
    """
    raw = choices_of(data, n, where)
    choices = tuple(_text_choice(choice, where) for choice in raw)
    return Reply(choices, usage(data), _ids(raw[0].get("prompt_token_ids")))


def usage(data: Json) -> TokenUsage:
    """Tokens as the server counted them; 0 where it does not tell."""
    counts = data.get("usage")
    if not isinstance(counts, dict):
        return TokenUsage()
    details = counts.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return TokenUsage(_count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens")), cached)


def malformed(problem: str, where: str) -> ModelError:
    """The error for a reply of status 200 that is none."""
    return ModelError(f"the reply of {where} cannot be used: {problem}", kind="malformed")


def number(value: object, what: str, where: str) -> float:
    """A log-probability; minus infinity is one, NaN is not.

    Raises:
        ModelError: It is no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"{what} is {shorten(value)}, not a number", where)
    try:
        logprob = float(value)
    except OverflowError as error:  # JSON allows integers of any length
        raise malformed(f"{what} is too large a number", where) from error
    if math.isnan(logprob):
        raise malformed(f"{what} is {value}, not a number", where)
    return logprob


def items(value: object, what: str, where: str) -> list[Any]:
    """A list that may be missing.

    Raises:
        ModelError: It is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed(f"`{what}` must be a list, found {shorten(value)}", where)
    return value


def choices_of(data: Json, n: int, where: str) -> list[Json]:
    """The first `n` choices in the order of their index.

    Raises:
        ModelError: There are fewer, or they are not JSON objects.
    """
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        found = shorten(data["error"]) if data.get("error") else shorten(choices)
        raise malformed(f"`choices` must be a list with at least one choice, found {found}", where)
    if len(choices) < n:
        raise malformed(f"{n} choices were asked for and {len(choices)} came back", where)
    if not all(isinstance(choice, dict) for choice in choices):
        raise malformed("a choice is not a JSON object", where)
    if len(choices) > 1:
        choices.sort(key=lambda choice: _count(choice.get("index")))
    return choices[:n]


def _chat_choice(choice: Json, where: str, want_logprobs: bool) -> Choice:
    raw = choice.get("message")
    if not isinstance(raw, dict):
        raise malformed(f"a choice has no `message`, only {shorten(list(choice))}", where)
    finish = choice.get("finish_reason") or "stop"
    if raw.get("refusal") or finish == "content_filter":
        words = raw.get("refusal") or raw.get("content") or "its content filter stepped in"
        raise ModelError(f"the model at {where} declined to answer: {shorten(words, 200)}", kind="refused")
    message = _message(raw, finish, where)
    ids = _ids(choice.get("token_ids"))
    logprobs = _chat_logprobs(choice.get("logprobs"), ids, where)
    if want_logprobs and not logprobs and message["content"] and "tool_calls" not in message:
        raise malformed("log-probabilities were asked for and there are none; this server may not have them", where)
    return Choice(message, str(finish), logprobs, ids)


def _message(raw: Json, finish: object, where: str) -> Message:
    """The assistant's message; without tool calls it has to have content, were it empty.

    A model that thinks aloud may have spent all its tokens on that: then the server sends no content, and the message
    is empty.
    """
    content = raw.get("content")
    if content is not None and not isinstance(content, str):
        raise malformed(f"`content` must be text, found {shorten(content)}", where)
    calls = items(raw.get("tool_calls"), "tool_calls", where)
    if calls:
        return assistant(content or "", [_tool_call(call, position, where) for position, call in enumerate(calls)])
    thought = raw.get("reasoning") or raw.get("reasoning_content")
    if content is None and finish != "length" and not thought:
        raise malformed("the message has neither content nor tool calls", where)
    return assistant(content or "")


def _tool_call(raw: object, position: int, where: str) -> ToolCall:
    function = raw.get("function") if isinstance(raw, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise malformed(f"a tool call has no function with a name: {shorten(raw)}", where)
    assert isinstance(raw, dict)
    arguments = function.get("arguments")
    if not isinstance(arguments, str):  # some servers send the object itself, or nothing for no arguments
        arguments = "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
    call_id = raw.get("id")
    return tool_call(
        call_id if isinstance(call_id, str) and call_id else f"call_{position}", function["name"], arguments
    )


def _chat_logprobs(raw: object, ids: tuple[int, ...], where: str) -> tuple[TokenLogprob, ...]:
    content = items(raw.get("content"), "logprobs.content", where) if isinstance(raw, dict) else []
    known = ids if len(ids) == len(content) else (None,) * len(content)
    return tuple(_token(item, token_id, where) for item, token_id in zip(content, known, strict=True))


def _token(raw: object, token_id: int | None, where: str) -> TokenLogprob:
    token, logprob = _pair(raw, where)
    assert isinstance(raw, dict)
    top = items(raw.get("top_logprobs"), "top_logprobs", where)
    return TokenLogprob(token, logprob, tuple(_pair(other, where) for other in top), token_id)


def _pair(raw: object, where: str) -> tuple[str, float]:
    if not isinstance(raw, dict) or not isinstance(raw.get("token"), str):
        raise malformed(f"a log-probability has no token: {shorten(raw)}", where)
    return raw["token"], number(raw.get("logprob"), "a log-probability", where)


def _text_choice(choice: Json, where: str) -> Choice:
    text = choice.get("text")
    if not isinstance(text, str):
        raise malformed(f"`text` must be text, found {shorten(text)}", where)
    ids = choice.get("token_ids")
    if ids is None:
        problem = "returns no token ids: complete() needs vLLM 0.10.2 or later, which knows `return_token_ids`"
        raise ModelError(f"{where} {problem}", kind="rejected")
    checked = _ids(ids)
    logprobs = _text_logprobs(choice.get("logprobs"), checked, where)
    return Choice(assistant(text), str(choice.get("finish_reason") or "stop"), logprobs, checked)


def _text_logprobs(raw: object, ids: tuple[int, ...], where: str) -> tuple[TokenLogprob, ...]:
    """The older form of `/completions`: parallel lists of tokens, log-probabilities and alternatives."""
    columns = raw if isinstance(raw, dict) else {}
    tokens, values, tops = (items(columns.get(n), n, where) for n in ("tokens", "token_logprobs", "top_logprobs"))
    if len(tokens) != len(ids) or len(values) != len(ids):
        raise malformed(f"{len(ids)} tokens came with {len(values)} log-probabilities", where)
    tops = tops or [None] * len(ids)
    if len(tops) != len(ids):
        raise malformed(f"{len(ids)} tokens came with alternatives for {len(tops)}", where)
    rows = zip(tokens, values, tops, ids, strict=True)
    return tuple(
        TokenLogprob(str(token), number(value, "a log-probability", where), _alternatives(top, where), token_id)
        for token, value, top, token_id in rows
    )


def _alternatives(raw: object, where: str) -> tuple[tuple[str, float], ...]:
    if not isinstance(raw, Mapping):
        return ()
    pairs = [(str(token), number(value, "a log-probability", where)) for token, value in raw.items()]
    return tuple(sorted(pairs, key=lambda pair: -pair[1]))


def _ids(raw: object) -> tuple[int, ...]:
    return tuple(raw) if isinstance(raw, list) and all(type(item) is int for item in raw) else ()


def _count(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
