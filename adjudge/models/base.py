"""The `ChatModel` protocol under every model, and the values that cross it.

A model says in its `info` what it can do; asking for something else is a mistake that is caught when a graph is
loaded. Failures are raised as `ModelError`, never returned as content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, Self

from pydantic import Field, model_validator

from adjudge.models.price import Price
from adjudge.types import Frozen, Message

Ability = Literal["chat", "tools", "json_schema", "logprobs", "n", "seed", "stream", "images", "complete", "score"]
Provider = Literal["auto", "server", "vllm", "local", "scripted", "langchain"]
OnText = Callable[[str], None]
_SERVED_HERE = ("lora", "serve_args", "python", "port")


class ModelSpec(Frozen):
    """A model as written in a graph file; `Sampling` defaults for its calls stand here too.

    A bare string is short for it: `auto`, a URL (`http://host:8000/v1`), a path to a folder with weights,
    `provider:model`, or the name of a model that the server at `ADJUDGE_BASE_URL` has.
    """

    provider: Provider = "auto"
    model: str = Field(default="", description="Name on the server, path, or LangChain's provider:model.")
    base_url: str | None = None
    api_key: str | None = Field(default=None, repr=False, description="Write ${ADJUDGE_API_KEY}, not the key.")
    adapter: str | None = Field(default=None, description="Path of a LoRA adapter, or its name on the server.")
    lora: dict[str, str] = Field(default_factory=dict, description="vllm: names and folders of adapters to serve.")
    tensor_parallel: int = Field(default=1, ge=1, description="vllm: GPUs that share the model.")
    serve_args: tuple[str, ...] = Field(default=(), description="vllm: further words of its command line.")
    # Where a server runs is not what it is, so these two stay out of fingerprints.
    python: str | None = Field(default=None, exclude=True, description="vllm: the Python that has vLLM.")
    port: int | None = Field(default=None, ge=1, le=65535, exclude=True, description="vllm: any free one by default.")
    weights: str | None = Field(default=None, description="Your id of the weights, where the name does not tell.")
    context: int | None = Field(default=None, gt=0, description="Context length in tokens, where it is known.")
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=1024, gt=0, description="Most tokens of one reply.")
    timeout: float = Field(default=120.0, gt=0, description="Seconds for one call, retries not included.")
    retries: int = Field(default=4, ge=0, description="Further tries after 429, 5xx or a broken connection.")
    images: bool = Field(default=False, description="Whether the model has eyes.")
    price: Price | None = Field(default=None, exclude=True, description="US dollars for a million tokens.")
    extra_body: dict[str, Any] = Field(default_factory=dict, description="Further fields of each request.")

    @model_validator(mode="after")
    def _url(self) -> Self:
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url must begin with http:// or https://, found {self.base_url!r}")
        return self

    @model_validator(mode="after")
    def _served_here(self) -> Self:
        given = [name for name in _SERVED_HERE if getattr(self, name)]
        if self.tensor_parallel != 1:
            given.append("tensor_parallel")
        if given and self.provider != "vllm":
            raise ValueError(f"{' and '.join(given)}: only for provider: vllm, which starts the server itself")
        if self.provider == "vllm" and (self.base_url or self.api_key):
            raise ValueError("provider: vllm starts a server of its own; for one that runs, write provider: server")
        return self


class Sampling(NamedTuple):
    """How one call is sampled. A NamedTuple: it is hashed and compared on every call."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0  # alternatives wanted per token; 0 means no log-probabilities
    json_schema: dict[str, Any] | None = None  # the reply must be JSON that this schema admits
    tool_choice: Literal["auto", "none", "required"] = "auto"


class ModelInfo(NamedTuple):
    """What a model is and can do."""

    name: str
    provider: str
    fingerprint: str  # id of the weights: changes when the weights do
    abilities: frozenset[Ability]
    context: int | None = None  # tokens
    embedded: bool = False  # the small model that ships: too weak to call tools or write verdicts untrained
    price: Price | None = None  # where it is known


class TokenLogprob(NamedTuple):
    """One token of a reply with its log-probability (natural logarithm) and the likeliest alternatives."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()
    token_id: int | None = None


class Choice(NamedTuple):
    """One sampled reply."""

    message: Message
    finish: str = "stop"
    logprobs: tuple[TokenLogprob, ...] = ()
    token_ids: tuple[int, ...] = ()


class TokenUsage(NamedTuple):
    """Tokens of one call."""

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0


class Reply(NamedTuple):
    """What `chat` and `complete` return: `n` choices, at least one."""

    choices: tuple[Choice, ...]
    usage: TokenUsage = TokenUsage()
    prompt_ids: tuple[int, ...] = ()  # token ids of the prompt, where the model tells


class Scored(NamedTuple):
    """What `score` returns: per continuation, the log-probability of each of its tokens, in order."""

    logprobs: tuple[tuple[float, ...], ...]
    usage: TokenUsage = TokenUsage()


class ChatModel(Protocol):
    """What adjudge asks of a model. A class has to have only the methods that its `info.abilities` name."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and can do; known without a call."""
        ...

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

        Args:
            messages: The conversation so far.
            tools: Tools in OpenAI's form: `{"type": "function", "function": {"name", "description", "parameters"}}`.
            sampling: Temperature, limits, seed, schema.
            n: How many independent replies.
            on_text: Called with each piece of text as it arrives, where the model streams.

        Raises:
            ModelError: The model failed, or what came back is not what was asked for.
        """
        ...

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Continue a sequence of token ids: token-in, token-out, for training."""
        ...

    async def score(self, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """Log-probability of each continuation as the assistant's reply to `prefix`, nothing sampled.

        The end-of-turn token is not part of a continuation.
        """
        ...

    async def aclose(self) -> None:
        """Free connections, threads and memory; the model may be used again afterwards."""
        ...
