"""The JSON of requests, built by hand: it is on the path of every call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from adjudge.errors import ConfigError, ModelError
from adjudge.models.base import ModelSpec, Sampling
from adjudge.types import Message

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_TEMPLATE_FIELDS = ("chat_template", "chat_template_kwargs")


class Requests:
    """Bodies of requests for one model.

    `extra_body` of the spec is laid over each body: a value replaces ours, and `null` removes the field, for servers
    that refuse it (`{max_tokens: null, max_completion_tokens: 1024}`). Its `structured_outputs` is vLLM's: `true` or a
    dict of options sends the schema there too, `false` never does, and without it the server is asked what it is.

    Args:
        spec: The model; its adapter, when there is one, is the name that the server knows.

    Raises:
        ConfigError: `extra_body` is not JSON.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.name = spec.adapter or spec.model
        self._images = spec.images
        self._extra = dict(spec.extra_body)
        self._head: dict[str, Any] = {"model": self.name} if self.name else {}
        structured = self._extra.get("structured_outputs")
        self.structured: bool | None = None if structured is None else structured is not False
        self._options = self._extra.pop("structured_outputs") if isinstance(structured, dict) else {}
        self._extra.pop("structured_outputs", None)
        try:
            json.dumps(spec.extra_body)
        except (TypeError, ValueError) as error:
            problem = f"extra_body cannot be written as JSON ({error})"
            raise ConfigError(problem, key="extra_body", found=spec.extra_body) from error

    def chat(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]],
        sampling: Sampling,
        n: int,
        *,
        stream: bool,
        vllm: bool,
    ) -> bytes:
        """Body of `/chat/completions`."""
        self.check_images(messages)
        body = {**self._head, "messages": messages if isinstance(messages, list) else list(messages)}
        self._sample(body, sampling, n, vllm=vllm)
        if tools:
            body["tools"] = list(tools)
            body["tool_choice"] = sampling.tool_choice
        if sampling.top_logprobs:
            body["logprobs"] = True
            body["top_logprobs"] = sampling.top_logprobs
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return self._encode(body)

    def complete(self, token_ids: Sequence[int], sampling: Sampling, n: int, *, vllm: bool) -> bytes:
        """Body of `/completions` over token ids; the log-probability of each sampled token is always asked for."""
        body = {**self._head, "prompt": list(token_ids), "logprobs": sampling.top_logprobs, "return_token_ids": True}
        self._sample(body, sampling, n, vllm=vllm)
        return self._encode(body)

    def tokenize_chat(self, messages: Sequence[Message]) -> bytes:
        """Body of `/tokenize` for a conversation, up to where the assistant begins to speak.

        Raises:
            ModelError: There are images, which have no token ids.
        """
        if any(not isinstance(message["content"], str | None) for message in messages) and _has_image(messages):
            raise ModelError("score() reads text only, and the conversation holds an image", kind="rejected")
        template = {field: self._extra[field] for field in _TEMPLATE_FIELDS if field in self._extra}
        return _dump({**self._head, **template, "messages": list(messages), "add_generation_prompt": True})

    def tokenize_text(self, text: str) -> bytes:
        """Body of `/tokenize` for text that continues something, so without a token that begins a document."""
        return _dump({**self._head, "prompt": text, "add_special_tokens": False})

    def prompt_logprobs(self, token_ids: Sequence[int]) -> bytes:
        """Body of `/completions` that asks for the log-probabilities of the prompt; one token has to be sampled."""
        body = {"prompt": list(token_ids), "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 1}
        return _dump({**self._head, **body})

    def check_images(self, messages: Sequence[Message]) -> None:
        """Refuse images that the server would have to fetch, and images for a model without eyes.

        Raises:
            ModelError: With kind rejected.
        """
        for message in messages:
            content = message["content"]
            if isinstance(content, list):
                for block in content:
                    if block["type"] == "image_url":
                        self._check_image(block["image_url"]["url"])

    def _check_image(self, url: str) -> None:
        if not url.startswith("data:"):
            raise ModelError(f"images must be data URLs, found {url[:60]!r}: a server fetches nothing", kind="rejected")
        if not self._images:
            raise ModelError(
                f"{self.name or 'the model'} is not said to read images: set `images: true`", kind="rejected"
            )

    def _sample(self, body: dict[str, Any], sampling: Sampling, n: int, *, vllm: bool) -> None:
        body["temperature"] = sampling.temperature
        body["top_p"] = sampling.top_p
        body["max_tokens"] = sampling.max_tokens
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if n != 1:
            body["n"] = n
        if sampling.json_schema is not None:
            schema = {"name": "reply", "schema": sampling.json_schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
            if vllm:
                body["structured_outputs"] = {**self._options, "json": sampling.json_schema}
        elif self._options:
            body["structured_outputs"] = self._options

    def _encode(self, body: dict[str, Any]) -> bytes:
        if self._extra:
            body.update(self._extra)
            body = {field: value for field, value in body.items() if value is not None}
        return _dump(body)


def _dump(body: dict[str, Any]) -> bytes:
    return _ENCODER.encode(body).encode("utf-8", "replace")  # half a surrogate pair becomes a question mark


def _has_image(messages: Sequence[Message]) -> bool:
    return any(
        block["type"] == "image_url" for m in messages if isinstance(m["content"], list) for block in m["content"]
    )
