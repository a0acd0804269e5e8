"""`LocalModel`: a `ChatModel` that runs in this process, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from adjudge.errors import ModelError
from adjudge.models.base import Ability, ModelInfo, ModelSpec, OnText, Reply, Sampling, Scored
from adjudge.models.local.batching import Runner
from adjudge.models.local.in_process import InProcess
from adjudge.models.local.packages import require
from adjudge.models.local.requests import ChatRequest, ScoreRequest
from adjudge.models.local.source import Source
from adjudge.types import Message

_ABILITIES: frozenset[Ability] = frozenset({"chat", "tools", "logprobs", "n", "seed", "complete", "score"})


class LocalModel:
    """A model in this process: the embedded one, or a folder with weights.

    Requests may come from any task, event loop or thread; those that meet are batched. The weights are loaded with the
    first request, in bfloat16 on a GPU or a CPU with instructions for it, else in float32. A seeded request gets the
    same reply in whatever batch it runs, up to rounding. It does not stream, does not look at images and cannot force
    a JSON schema; `spec.timeout` does not apply, the number of tokens bounds a call.

    Args:
        spec: `model` empty or `embedded` for the embedded model, else a folder; `adapter` a folder with a LoRA adapter.

    Raises:
        ConfigError: There is no such folder, or it holds no model or adapter.
        MissingPackage: The embedded model is not installed. That torch or transformers is absent is told by the first
            call, so that recorded judgements can be read without them.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._source = Source(spec)
        self._model = InProcess(_loader(self._source))  # holds no reference to this object

    @property
    def info(self) -> ModelInfo:
        """What the model is; reads a few MB of the weights the first time, and loads nothing."""
        source = self._source
        untrained = source.embedded and source.adapter is None
        return ModelInfo(source.name, "local", source.fingerprint, _ABILITIES, source.context, untrained)

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] = (),
        sampling: Sampling = Sampling(),
        n: int = 1,
        on_text: OnText | None = None,
    ) -> Reply:
        """Continue a conversation with the assistant's next message.

        A prompt that leaves less room than `max_tokens` gets a shorter reply, which then ends with `length`.

        Args:
            messages: The conversation so far; text only.
            tools: Tools in OpenAI's form, shown in the style of Hermes. With `tool_choice` `none` they are shown and
                calls are not read; with `required` the reply begins with the opening of a call.
            sampling: Temperature, limits, seed, stop strings.
            n: How many independent replies.
            on_text: Never called.

        Returns:
            Per choice the message, and the token ids with their log-probabilities (only if `top_logprobs` asks for
            them) before temperature; they include the end-of-turn token and those that completed a stop string.

        Raises:
            ModelError: `too_long`, `rejected`, `unavailable` (out of memory), or `malformed` when a tool call was
                required and no choice holds a readable one.
            MissingPackage: torch or transformers is not installed.
            ConfigError: The weights cannot be loaded.
        """
        reply = cast("Reply", await self._model.ask(ChatRequest(tuple(messages), tuple(tools), sampling, n)))
        called = any(choice.message.get("tool_calls") for choice in reply.choices)
        if sampling.tool_choice == "required" and not called:
            text = reply.choices[0].message["content"]
            raise ModelError(f"a tool call was required, and the model wrote {text!r:.200}", kind="malformed")
        return reply

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Continue token ids with token ids; always with log-probabilities, and tool calls are left in the text.

        Raises:
            ModelError: As `chat`; `rejected` also for no ids, or ids outside the vocabulary.
        """
        return await self._model.complete(token_ids, sampling, n=n)

    async def score(self, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """Log-probability of each token of each continuation as the assistant's reply to `prefix`.

        The prefix is read once for all continuations, and a prefix that begins like an earlier one continues from it.

        Raises:
            ModelError: `rejected` for an empty continuation, `too_long`, or `unavailable`.
        """
        return cast("Scored", await self._model.ask(ScoreRequest(tuple(prefix), tuple(continuations))))

    async def aclose(self) -> None:
        """Finish what was asked before, then free the thread and the weights; the next request loads them again."""
        await self._model.aclose()


def _loader(source: Source) -> Callable[[], Runner]:
    def load_runner() -> Runner:
        require("torch", "transformers")
        from adjudge.models.local.loading import load
        from adjudge.models.local.runner import ModelRunner

        return ModelRunner(load(source))

    return load_runner
