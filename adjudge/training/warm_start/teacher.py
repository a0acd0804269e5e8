"""A teacher in the policy's place: what another model says in the judge's graph, as token ids of the policy.

Of its judgements those with the right verdict are learnt (rejection sampling, as in STaR, arXiv 2203.14465). It sees
what the policy will see, and no label.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from adjudge.models import ChatModel, ModelInfo, Reply, Sampling, Scored
from adjudge.models.base import OnText
from adjudge.training.rollouts.policy import Policy
from adjudge.training.warm_start.oracle import Oracle
from adjudge.types import Message
from adjudge.types.messages import text_of


class Taught:
    """A `ChatModel` for one trace: a teacher answers, and a policy is made to say it.

    Args:
        teacher: Any chat model that can do what the graph asks of the policy.
        tokenizer: Of the policy.
    """

    def __init__(self, teacher: ChatModel, tokenizer: Any) -> None:
        self._teacher = teacher
        self._said = Oracle((), tokenizer)
        self._policy = Policy(self._said, tokenizer)

    @property
    def info(self) -> ModelInfo:
        """Of the policy."""
        return self._policy.info

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] = (),
        sampling: Sampling = Sampling(),
        n: int = 1,
        on_text: OnText | None = None,
    ) -> Reply:
        """What the teacher says, in the policy's tokens."""
        reply = await self._teacher.chat(messages, tools=tools, sampling=sampling, n=n)
        self._said.say(written(reply.choices[0].message))
        return await self._policy.chat(messages, tools=tools, sampling=sampling, n=n, on_text=on_text)

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Not offered: a teacher has other tokens."""
        return await self._policy.complete(token_ids, sampling, n=n)

    async def score(self, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """Not offered."""
        return await self._policy.score(prefix, continuations)

    async def aclose(self) -> None:
        """The teacher stays open for other traces."""


def written(message: Message) -> str:
    """A reply as the policy would write it: text, then its tool calls."""
    calls = (call["function"] for call in message.get("tool_calls") or ())
    blocks = [
        f'<tool_call>\n{{"name": {json.dumps(call["name"])}, "arguments": {call["arguments"]}}}\n</tool_call>'
        for call in calls
    ]
    return "\n".join(part for part in (text_of(message["content"]), *blocks) if part)
