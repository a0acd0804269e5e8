"""From messages to the text of a prompt: our ChatML template, and text from outside made harmless first.

The template is prefix-preserving: the rendering of a longer conversation begins with the rendering of a shorter one,
also when that ended with the opening of the assistant's turn and the reply was then added. Caches of prompts and
training on several turns rely on it. A tokenizer that does not know ChatML but brings a template of its own keeps
its own, and then this property is whatever that template gives.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from adjudge.errors import ModelError
from adjudge.types import Message, ToolCall
from adjudge.types.messages import images_of, text_of

CHAT_TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
_TOOL_MARKS = ("<tool_response>", "</tool_response>")


class Template:
    """Renders conversations for one tokenizer.

    Args:
        tokenizer: A tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        vocabulary = tokenizer.get_vocab()
        self._tokenizer = tokenizer
        self._own = (TURN_START in vocabulary and TURN_END in vocabulary) or not tokenizer.chat_template
        special = {str(token) for token in tokenizer.all_special_tokens}
        special |= {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._special = _pattern({*special, TURN_START, TURN_END})
        self._marks = _pattern({*special, TURN_START, TURN_END, *_TOOL_MARKS})

    def render(
        self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = (), *, generation_prompt: bool = False
    ) -> str:
        """The conversation as the text that is tokenised.

        Special tokens that are merely written in a message get a space behind their first character.

        Args:
            messages: The conversation; text only.
            tools: Tools in OpenAI's form.
            generation_prompt: Whether to open the assistant's next turn.

        Raises:
            ModelError: A message holds an image (`rejected`).
        """
        if next(images_of(messages), None) is not None:
            raise ModelError("a local model reads text only, but a message holds an image", kind="rejected")
        rendered = self._tokenizer.apply_chat_template(
            [self._harmless(message) for message in messages],
            tools=[self._plain(tool) for tool in tools] or None,
            chat_template=CHAT_TEMPLATE if self._own else None,
            add_generation_prompt=generation_prompt,
            tokenize=False,
        )
        return cast("str", rendered)

    def neutral(self, text: str) -> str:
        """Text without special tokens and without lone surrogates, as it stands inside a turn."""
        return _neutral(text, self._special)

    def _harmless(self, message: Message) -> dict[str, Any]:
        marks = self._marks if message["role"] == "tool" else self._special
        harmless: dict[str, Any] = {**message, "content": _neutral(text_of(message["content"]), marks)}
        if calls := message.get("tool_calls"):
            harmless["tool_calls"] = [self._call(call) for call in calls]
        return harmless

    def _call(self, call: ToolCall) -> dict[str, Any]:
        arguments: Any = self.neutral(call["function"]["arguments"])
        if not self._own:  # other templates print arguments as JSON, and would quote a text once more
            with contextlib.suppress(ValueError, RecursionError):
                arguments = json.loads(arguments)
        return {
            "type": "function",
            "function": {"name": self.neutral(call["function"]["name"]), "arguments": arguments},
        }

    def _plain(self, value: Any) -> Any:
        """A JSON value, special tokens in its strings broken up: the text of a tool may come from outside too."""
        if isinstance(value, str):
            return self.neutral(value)
        if isinstance(value, dict):
            return {self.neutral(str(key)): self._plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        return value


def _pattern(tokens: Iterable[str]) -> re.Pattern[str]:
    # A token of one character cannot be broken up; no tokenizer with a chat template has such a special token.
    longest_first = sorted((token for token in tokens if len(token) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def _neutral(text: str, marks: re.Pattern[str]) -> str:
    text = text.encode("utf-8", "replace").decode()
    while marks.search(text):  # again, because a broken token may have overlapped the next one
        text = marks.sub(lambda found: f"{found.group()[0]} {found.group()[1:]}", text)
    return text
