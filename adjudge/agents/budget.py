"""How long a conversation is, in tokens, without the model's tokenizer.

An upper estimate, ours: one token for 3 ASCII characters, one for any other character, 8 for each message. Real
tokenizers need fewer (about 4.5 characters of English a token), so a prompt that keeps a budget by this count keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.types import Message
from adjudge.types.messages import text_of

_ASCII_PER_TOKEN = 3
_PER_MESSAGE = 8


def tokens_of(text: str) -> int:
    """Tokens of a text, estimated from above."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return -(-ascii_characters // _ASCII_PER_TOKEN) + len(text) - ascii_characters


def tokens_in(messages: Sequence[Message]) -> int:
    """Tokens of a conversation, estimated from above; tool calls count, images do not."""
    total = 0
    for message in messages:
        total += _PER_MESSAGE + tokens_of(text_of(message["content"]))
        for call in message.get("tool_calls") or ():
            total += _PER_MESSAGE + tokens_of(call["function"]["name"]) + tokens_of(call["function"]["arguments"])
    return total


def pieces(text: str, tokens: int) -> list[str]:
    """A text cut into pieces of at most so many tokens, at line ends where there are any."""
    cut: list[str] = []
    current: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        for part in _short(line, tokens):
            cost = tokens_of(part)
            if current and size + cost > tokens:
                cut.append("".join(current))
                current, size = [], 0
            current.append(part)
            size += cost
    return [*cut, "".join(current)] if current else cut


def _short(line: str, tokens: int) -> list[str]:
    if tokens_of(line) <= tokens:
        return [line]
    return [line[start : start + tokens] for start in range(0, len(line), tokens)]
