"""Event streams: from server-sent events to the JSON that the same request would have brought in one piece.

Everything after that is `replies`, so a streamed reply is checked like any other. A stream is complete when each choice
has its `finish_reason` and the closing `[DONE]` or the usage has come; anything less was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adjudge.errors import shorten
from adjudge.models.base import OnText
from adjudge.models.server.failures import in_stream
from adjudge.models.server.replies import Json, as_json, items, malformed

DONE = "[DONE]"


class Events:
    """Cuts a stream of bytes into the data of server-sent events (WHATWG HTML, "Server-sent events").

    Comments, names and ids of events are skipped.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # of a line whose end has not come
        self._data: list[bytes] = []  # of an event whose end has not come

    def feed(self, part: bytes) -> Iterator[bytes]:
        """The events that this part of the stream completes."""
        if b"\n" not in part:
            self._rest.append(part)
            return
        *lines, rest = b"".join((*self._rest, part)).split(b"\n")
        self._rest = [rest]
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                yield b"\n".join(self._data)
                self._data = []

    def end(self) -> Iterator[bytes]:
        """The last event, where the stream ended without the blank line that belongs after it."""
        return self.feed(b"\n\n")


class Assembly:
    """Adds up the chunks of a stream.

    Args:
        n: How many choices were asked for.
        where: The server, for messages.
        api_key: Kept out of messages.
        on_text: Called with each piece of the first choice's text.

    Attributes:
        spoken: Whether `on_text` has been called: from then on the request cannot be repeated unnoticed.
    """

    def __init__(self, n: int, where: str, api_key: str | None, on_text: OnText) -> None:
        self.n = n
        self.where = where
        self.api_key = api_key
        self.on_text = on_text
        self.spoken = False
        self.done = False
        self._top: Json = {}
        self._choices: dict[int, Json] = {}
        self._pieces: dict[int, list[str]] = {}

    def add(self, event: bytes) -> None:
        """Take in the data of one event.

        Raises:
            ModelError: It is not a chunk, or it is an error.
        """
        if event.strip() == DONE.encode():
            self.done = True
            return
        chunk = as_json(event, self.where)
        if chunk.get("error"):
            raise in_stream(chunk["error"], self.where, self.api_key)
        for field in ("usage", "prompt_token_ids"):
            if chunk.get(field) is not None:
                self._top[field] = chunk[field]
        for choice in items(chunk.get("choices"), "choices", self.where):
            self._add_choice(choice)

    def result(self) -> Json:
        """The whole reply, in the form of a request that was not streamed.

        Raises:
            ModelError: The stream ended too early.
        """
        ended = [index for index, choice in self._choices.items() if choice["finish_reason"]]
        if len(ended) < max(self.n, len(self._choices)):
            raise malformed(f"the stream ended early: {len(ended)} of {self.n} choices were finished", self.where)
        if not self.done and "usage" not in self._top:
            raise malformed(f"the stream ended without {DONE}", self.where)
        for index, pieces in self._pieces.items():
            self._choices[index]["message"]["content"] = "".join(pieces)
        for choice in self._choices.values():
            calls = choice["message"].pop("tool_calls")
            choice["message"]["tool_calls"] = [calls[position] for position in sorted(calls)]
        return {**self._top, "choices": list(self._choices.values())}

    def _add_choice(self, raw: object) -> None:
        delta = raw.get("delta") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(delta, dict | None):
            raise malformed(f"a chunk's choice is {shorten(raw)}", self.where)
        index = raw.get("index")
        index = index if type(index) is int else 0
        choice = self._choices.get(index) or self._begin(index)
        choice["finish_reason"] = raw.get("finish_reason") or choice["finish_reason"]
        _extend(choice, "token_ids", raw.get("token_ids"))
        logprobs = raw.get("logprobs")
        if isinstance(logprobs, dict):
            _extend(choice["logprobs"], "content", logprobs.get("content"))
        if delta:
            self._add_delta(index, choice["message"], delta)

    def _begin(self, index: int) -> Json:
        message: Json = {"tool_calls": {}}
        choice = {"index": index, "message": message, "finish_reason": None, "logprobs": {}}
        self._choices[index] = choice
        return choice

    def _add_delta(self, index: int, message: Json, delta: Json) -> None:
        text = delta.get("content")
        if text is not None and not isinstance(text, str):
            raise malformed(f"`content` of a chunk must be text, found {shorten(text)}", self.where)
        if text is not None:
            self._pieces.setdefault(index, []).append(text)
        if text and index == 0:
            self.spoken = True
            self.on_text(text)
        for field in ("refusal", "reasoning", "reasoning_content"):
            if isinstance(delta.get(field), str):
                message[field] = message.get(field, "") + delta[field]
        for call in items(delta.get("tool_calls"), "tool_calls", self.where):
            self._add_call(message["tool_calls"], call)

    def _add_call(self, calls: dict[int, Json], delta: object) -> None:
        function = delta.get("function") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(function, dict | None):
            raise malformed(f"a chunk's tool call is {shorten(delta)}", self.where)
        index = delta.get("index")
        if type(index) is not int:  # some servers send whole calls without an index
            index = len(calls) if delta.get("id") or not calls else len(calls) - 1
        call = calls.setdefault(index, {"function": {}})
        if delta.get("id"):
            call["id"] = delta["id"]
        for field in ("name", "arguments"):
            piece = (function or {}).get(field)
            if isinstance(piece, str):
                call["function"][field] = call["function"].get(field, "") + piece


def _extend(target: Json, field: str, items: Any) -> None:
    if isinstance(items, list):
        target.setdefault(field, []).extend(items)
