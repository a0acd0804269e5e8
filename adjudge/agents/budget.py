"""How long a conversation is, in tokens, without the model's tokenizer.

An upper estimate, ours: one token for 3 ASCII characters, one for any other character, 8 for each message. Real
tokenizers need fewer (about 4.5 characters of English a token), so a prompt that keeps a budget by this count keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adjudge.types import Message
from adjudge.types.messages import text_of

_ASCII_PER_TOKEN = 3
_PER_MESSAGE = 8
_BORDERS = (re.compile(r"(?<=\n)"), re.compile(r"(?<=[.!?。！？])(?=\s)"), re.compile(r"(?<=\s)"))  # coarse to fine


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
    """A text cut into pieces of at most so many tokens: between lines, else sentences, else words, else anywhere."""
    cut: list[str] = []
    current: list[str] = []
    size = 0
    for unit in _units(text, tokens):
        cost = tokens_of(unit)
        if current and size + cost > tokens:
            cut.append("".join(current))
            current, size = [], 0
        current.append(unit)
        size += cost
    return [*cut, "".join(current)] if current else cut


def _units(text: str, tokens: int, level: int = 0) -> Iterator[str]:
    if tokens_of(text) <= tokens:
        if text:
            yield text
    elif level == len(_BORDERS):
        yield from (text[start : start + tokens] for start in range(0, len(text), tokens))
    else:
        for part in _BORDERS[level].split(text):
            yield from _units(part, tokens, level + 1)
