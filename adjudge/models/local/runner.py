"""What the worker thread does with requests: tokenise, read prompts, generate or score, and put replies together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch

from adjudge.errors import ModelError
from adjudge.models.base import Choice, Reply, Sampling, Scored, TokenUsage
from adjudge.models.local.batching import Work
from adjudge.models.local.generating import Row, generate
from adjudge.models.local.loading import Loaded
from adjudge.models.local.prefixes import Prefix, PrefixCache
from adjudge.models.local.requests import ChatRequest, CompleteRequest, Request, ScoreRequest
from adjudge.models.local.scoring import Continuation, score
from adjudge.models.local.tool_calls import parse_tool_calls
from adjudge.types.messages import assistant

_FORCED_CALL = "<tool_call>\n"
_CHARACTERS = 8  # a token; text is rarely above 5. Only decides how much is tokenised to find a prompt too long
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class Prompt(NamedTuple):
    """A prompt to continue."""

    ids: tuple[int, ...]
    sampling: Sampling
    n: int
    limit: int  # most new tokens
    wants_logprobs: bool
    parses_calls: bool = False
    forced: str = ""  # how the reply begins, already part of `ids`


class Replies(NamedTuple):
    """Given replies to score."""

    ids: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]


class ModelRunner:
    """Runs the requests of one model; see `batching.Runner`.

    Args:
        loaded: The model.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._prefixes = PrefixCache(loaded)

    def prepare(self, request: Request) -> Prompt | Replies:
        """Check and tokenise a request.

        Raises:
            ModelError: It asks for what the model cannot do (`rejected`), or is longer than its context (`too_long`).
        """
        if isinstance(request, ScoreRequest):
            return self._replies(request)
        _check(request)
        if isinstance(request, ChatRequest):
            return self._chat(request)
        if not request.token_ids:
            raise ModelError("complete needs at least one token id", kind="rejected")
        if outside := [i for i in request.token_ids if not 0 <= i < self._loaded.vocabulary]:
            message = f"token id {outside[0]} is outside the vocabulary: 0 to {self._loaded.vocabulary - 1}"
            raise ModelError(message, kind="rejected")
        limit = self._limit(len(request.token_ids), request.sampling.max_tokens)
        return Prompt(tuple(request.token_ids), request.sampling, request.n, limit, wants_logprobs=True)

    def run(self, work: Sequence[Work]) -> None:
        """Do the work of one kind, in one batch."""
        with torch.inference_mode(), self._memory():
            prompts = [(item, item.prepared) for item in work if isinstance(item.prepared, Prompt)]
            replies = [(item, item.prepared) for item in work if isinstance(item.prepared, Replies)]
            if prompts:
                self._generate(prompts)
            if replies:
                self._score(replies)

    def _chat(self, request: ChatRequest) -> Prompt:
        sampling = request.sampling
        forced = _FORCED_CALL if sampling.tool_choice == "required" else ""
        text = self._loaded.template.render(request.messages, request.tools, generation_prompt=True) + forced
        ids = self._tokenise(text)
        limit = self._limit(len(ids), sampling.max_tokens)
        parses = bool(request.tools) and sampling.tool_choice != "none"
        return Prompt(ids, sampling, request.n, limit, sampling.top_logprobs > 0, parses, forced)

    def _replies(self, request: ScoreRequest) -> Replies:
        ids = self._tokenise(self._loaded.template.render(request.messages, generation_prompt=True))
        continuations = []
        for number, text in enumerate(request.continuations):
            if not text:
                raise ModelError(f"continuation {number} is empty: it has no token to score", kind="rejected")
            continuation = self._tokenise(self._loaded.template.neutral(text))
            self._fits(
                len(ids) + len(continuation), f"a prompt of {len(ids)} and a reply of {len(continuation)} tokens"
            )
            continuations.append(continuation)
        return Replies(ids, tuple(continuations))

    def _tokenise(self, text: str) -> tuple[int, ...]:
        context = self._loaded.context
        head = _CHARACTERS * (context or 0)
        if context and len(text) > head:  # a start that is too long is enough to know, and is quickly tokenised
            count = len(self._ids(text[:head]))
            if count > context:
                self._fits(count * len(text) // head, f"a text of about {count * len(text) // head} tokens")
        return self._ids(text)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._loaded.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _limit(self, prompt: int, wanted: int) -> int:
        if self._loaded.context is None:
            return wanted
        self._fits(prompt + 1, f"a prompt of {prompt} tokens and a reply")
        return min(wanted, self._loaded.context - prompt)

    def _fits(self, tokens: int, what: str) -> None:
        context = self._loaded.context
        if context is not None and tokens > context:
            raise ModelError(f"{what} do not fit into the model's context of {context} tokens", kind="too_long")

    def _generate(self, prompts: Sequence[tuple[Work, Prompt]]) -> None:
        rows: list[Row] = []
        for work, prompt in prompts:
            prefix = self._prefixes.read(prompt.ids)
            finished = self._collector(work, prompt, prefix)
            for sample in range(prompt.n):
                row = Row(
                    prefix, prompt.sampling, prompt.limit, sample, prompt.wants_logprobs, work.abandoned, finished
                )
                rows.append(row)
        generate(self._loaded, rows)

    def _collector(self, work: Work, prompt: Prompt, prefix: Prefix) -> Callable[[Row], None]:
        done: dict[int, Row] = {}

        def finished(row: Row) -> None:
            done[row.sample] = row
            complete = len(done) == prompt.n and not any(row.finish == "abandoned" for row in done.values())
            if complete:  # half a reply is never handed on as a reply
                work.deliver(self._reply(prompt, prefix, [done[sample] for sample in range(prompt.n)]))

        return finished

    def _reply(self, prompt: Prompt, prefix: Prefix, rows: Sequence[Row]) -> Reply:
        usage = TokenUsage(len(prompt.ids), sum(len(row.ids) for row in rows), prefix.cached)
        return Reply(tuple(self._choice(prompt, row) for row in rows), usage, prompt.ids)

    def _choice(self, prompt: Prompt, row: Row) -> Choice:
        ids = row.ids[:-1] if row.ids[-1] in self._loaded.ends else row.ids
        text = self._loaded.decode(ids)
        ends = [position for stop in prompt.sampling.stop if (position := text.find(stop)) >= 0]
        text = prompt.forced + text[: min(ends, default=len(text))]
        message = parse_tool_calls(text) if prompt.parses_calls else assistant(text)
        return Choice(message, row.finish, tuple(row.logprobs), tuple(row.ids))

    def _score(self, work: Sequence[tuple[Work, Replies]]) -> None:
        prefixes = [self._prefixes.read(replies.ids) for _, replies in work]
        continuations = [
            Continuation(prefix, ids)
            for prefix, (_, replies) in zip(prefixes, work, strict=True)
            for ids in replies.continuations
        ]
        scored = iter(score(self._loaded, continuations))
        for prefix, (item, replies) in zip(prefixes, work, strict=True):
            logprobs = tuple(next(scored) for _ in replies.continuations)
            tokens = len(replies.ids) + sum(map(len, replies.continuations))
            item.deliver(Scored(logprobs, TokenUsage(tokens, 0, prefix.cached)))

    @contextmanager
    def _memory(self) -> Iterator[None]:
        try:
            yield
        except (MemoryError, RuntimeError) as error:  # torch's out-of-memory errors are RuntimeErrors
            if not isinstance(error, MemoryError) and not any(text in str(error).lower() for text in _NO_MEMORY):
                raise
            self._prefixes = PrefixCache(self._loaded)
            torch.cuda.empty_cache()
            message = f"out of memory; shorten the prompts or use a smaller model ({error})"
            raise ModelError(message, kind="unavailable", retryable=True) from error


def _check(request: ChatRequest | CompleteRequest) -> None:
    sampling = request.sampling
    problem = None
    if request.n < 1:
        problem = f"n must be at least 1, found {request.n}"
    elif sampling.max_tokens < 1:
        problem = f"max_tokens must be at least 1, found {sampling.max_tokens}"
    elif sampling.temperature < 0 or not 0 < sampling.top_p <= 1:
        problem = "temperature must not be negative and top_p must lie in (0, 1], found "
        problem += f"{sampling.temperature} and {sampling.top_p}"
    elif "" in sampling.stop:
        problem = "a stop string must not be empty"
    elif sampling.json_schema is not None:
        problem = "a local model cannot hold a reply to a JSON schema; ask for JSON in the prompt and check the reply"
    elif isinstance(request, ChatRequest) and sampling.tool_choice == "required" and not request.tools:
        problem = "tool_choice is 'required', but there are no tools"
    if problem is not None:
        raise ModelError(problem, kind="rejected")
