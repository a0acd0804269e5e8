"""The policy: a chat model that keeps its conversations as token ids, so that training sees just what was sampled.

A conversation that goes on is not tokenised again: to the ids that the model read and wrote before, the ids of what has
been added are appended. That needs a template whose rendering of a longer conversation begins with that of a shorter
one, as ours does. So a rollout through the graph is one token sequence as long as the graph only adds to a thread.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from adjudge.errors import ConfigError, ModelError
from adjudge.models import ModelInfo, Reply, Sampling, Scored
from adjudge.models.base import Ability, OnText
from adjudge.models.local.template import TURN_END, Template
from adjudge.models.local.tool_calls import parse_tool_calls
from adjudge.types import Message
from adjudge.types.messages import assistant, text_of, user

ABILITIES: frozenset[Ability] = frozenset({"chat", "tools", "logprobs", "complete", "seed"})


def check_template(tokenizer: Any) -> None:
    """Refuse a policy whose conversations would not be one token sequence.

    Raises:
        ConfigError: Its chat template has no marks of turns that we know, or changes what it rendered before.
    """
    template = Template(tokenizer)
    asked = [user("a question")]
    replied = [*asked, assistant("a reply")]
    begun = template.render(replied)
    opened, whole = (template.render(told, generation_prompt=True) for told in (asked, [*replied, user("more")]))
    if TURN_END not in begun or not begun.startswith(opened) or not whole.startswith(begun):
        problem = "the policy's chat template ends no turn as ChatML does, or changes what it rendered before"
        raise ConfigError(
            problem, key="policy.model", hint=f"its tokenizer has to know {TURN_END}, as that of Qwen does"
        )


class Completer(Protocol):
    """What continues token ids: a model in this process, or a vLLM server; see `ChatModel.complete`."""

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Continue token ids."""
        ...


class Policy:
    """A `ChatModel` for one rollout: token-in, token-out.

    Where a graph asks for the probabilities of labels (`decide: logprobs`) and the policy samples, the label that it
    sampled has all the probability: that is the action which is rewarded.

    Args:
        completer: What continues token ids, and returns the log-probabilities of what it samples.
        tokenizer: A tokenizer of transformers that knows the turn marks of ChatML.
        temperature: Of every call, whatever the graph says; None: as the graph says, for measuring.
        top_p: Of every call, where `temperature` is given.
        context: Most tokens of prompt and reply together; None where unknown.
    """

    def __init__(
        self,
        completer: Completer,
        tokenizer: Any,
        *,
        temperature: float | None = 1.0,
        top_p: float = 1.0,
        context: int | None = None,
    ) -> None:
        self._completer = completer
        self._tokenizer = tokenizer
        self._template = Template(tokenizer)
        self._temperature, self._top_p = temperature, top_p
        self._known: dict[str, tuple[int, ...]] = {}
        self._info = ModelInfo("policy", "local", "policy", ABILITIES, context)

    @property
    def info(self) -> ModelInfo:
        """A model that can call tools and tells log-probabilities; its weights change, so they have no id."""
        return self._info

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] = (),
        sampling: Sampling = Sampling(),
        n: int = 1,
        on_text: OnText | None = None,
    ) -> Reply:
        """Continue a conversation; `n` has to be 1, and schemas are not enforced: the form is the policy's to learn.

        Raises:
            ModelError: The model failed, or the template changed what it had rendered before.
        """
        if n != 1:
            raise ModelError(f"a policy samples one reply at a time, asked for {n}", kind="rejected")
        ids = self._prompt(messages, tools)
        reply = await self._completer.complete(ids, self._sampling(sampling))
        choice = reply.choices[0]
        text = text_of(choice.message["content"])
        parses = bool(tools) and sampling.tool_choice != "none"
        message = parse_tool_calls(text) if parses else assistant(text)
        self._known[_key([*messages, message], tools)] = (*ids, *choice.token_ids)
        logprobs = choice.logprobs
        if self._temperature is not None:
            logprobs = tuple(token._replace(top=()) for token in logprobs)
        return Reply((choice._replace(message=message, logprobs=logprobs),), reply.usage, ids)

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Continue token ids."""
        return await self._completer.complete(token_ids, self._sampling(sampling), n=n)

    async def score(self, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """Not offered: nothing is sampled by it, so there is nothing to train."""
        raise ModelError("a policy does not score given replies", kind="rejected")

    async def aclose(self) -> None:
        """Forget the conversations."""
        self._known.clear()

    def _sampling(self, asked: Sampling) -> Sampling:
        plain = asked._replace(json_schema=None, tool_choice="auto", top_logprobs=max(1, asked.top_logprobs))
        if self._temperature is None:
            return plain
        return plain._replace(temperature=self._temperature, top_p=self._top_p)

    def _prompt(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> tuple[int, ...]:
        whole = self._template.render(messages, tools, generation_prompt=True)
        for end in range(len(messages), 0, -1):
            known = self._known.get(_key(messages[:end], tools)) if messages[end - 1]["role"] == "assistant" else None
            if known is not None:
                begun = self._template.render(messages[:end], tools)
                return (*known, *self._added(whole, begun, known))
        return self._tokenise(whole)

    def _added(self, whole: str, begun: str, known: Sequence[int]) -> tuple[int, ...]:
        """Ids of what a conversation has grown by, the end of the turn before included where it was not sampled."""
        close = begun.rfind(TURN_END)
        if close < 0 or not whole.startswith(begun):
            message = "the chat template changes what it rendered before, so a conversation is not one token sequence"
            raise ModelError(message, kind="rejected")
        ended = known[-1] == self._tokenizer.convert_tokens_to_ids(TURN_END)
        return self._tokenise(whole[close + len(TURN_END) if ended else close :])

    def _tokenise(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _key(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> str:
    """A conversation, but for the ids of its tool calls, which are given anew to each call."""
    plain = [
        [message["role"], message["content"], [call["function"] for call in message.get("tool_calls") or ()]]
        for message in messages
    ]
    return json.dumps([plain, list(tools)], sort_keys=True)
