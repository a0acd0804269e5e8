"""A model that says what it is told to: for tests, documentation and dry runs. It ships with the package.

    model = ScriptedModel(['{"rationale": "…", "citations": [], "scores": {"A": 7, "B": 3}}'])
    judge = Judge.load("direct", model=model)

`replies` is a list, used up in order, or a function of the request. With `gullible=True` the model obeys any
instruction that it finds outside a fence, as the weakest of real models would: an attack that makes it change its
verdict has broken out of its fence.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from adjudge.errors import ConfigError, ModelError
from adjudge.fences import outside
from adjudge.models.base import Ability, Choice, ModelInfo, OnText, Reply, Sampling, Scored, TokenLogprob, TokenUsage
from adjudge.types import Message
from adjudge.types.messages import assistant, text_of


class Request(NamedTuple):
    """What a scripted model was asked."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    sampling: Sampling
    n: int

    @property
    def may_call(self) -> bool:
        """Whether a tool may be called; tools may be in view of a judge that can only decide any more."""
        return bool(self.tools) and self.sampling.tool_choice != "none"

    @property
    def text(self) -> str:
        """All text of the conversation."""
        return "\n".join(text_of(message["content"]) for message in self.messages)


Script = str | Mapping[str, Any] | Choice | Exception
ABILITIES: frozenset[Ability] = frozenset({"chat", "tools", "json_schema", "logprobs", "n", "seed", "score", "images"})
_ORDER = re.compile(
    r"(?i:\b(?:choose|pick|prefer|select|vote for|answer with|output)[\s*_`\"']+(?:response[\s*_`\"']+)?)"
    r"([A-Z]|(?i:tie))\b"
)
_FORGED = re.compile(r'"winner"\s*:\s*"([A-Z]|tie)"')


class ScriptedModel:
    """Replies from a script.

    Args:
        replies: Text, a `Choice` (with tool calls or log-probabilities), a message or any JSON object (sent as text),
            or an exception to raise; a list is used up in order, a function is called with each request.
        scores: Mean log-probability of a continuation: a function of the prefix's text and the continuation.
        name: Shown as the model's name, and part of its fingerprint.
        abilities: What it says it can do.
        gullible: Obey instructions found outside a fence; with none, reply from the script.
        embedded: Pretend to be the small model that ships.
        weights: Its fingerprint; the name by default.
        keep: How many of the latest requests to keep in `requests`; None: all, which in a large batch fills memory.
    """

    def __init__(
        self,
        replies: Iterable[Script] | Callable[[Request], Script] = (),
        *,
        scores: Callable[[str, str], float] | None = None,
        name: str = "scripted",
        abilities: Iterable[Ability] = ABILITIES,
        gullible: bool = False,
        embedded: bool = False,
        weights: str | None = None,
        keep: int | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self._keep = keep
        self._script = replies if callable(replies) else list(replies)
        self._used = 0
        self._scores = scores
        self._gullible = gullible
        self._info = ModelInfo(name, "scripted", weights or name, frozenset(abilities), embedded=embedded)

    def _note(self, request: Request) -> None:
        self.requests.append(request)
        if self._keep is not None:
            del self.requests[: -self._keep]

    @property
    def info(self) -> ModelInfo:
        """What the script claims to be."""
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
        """The next replies of the script.

        Raises:
            ModelError: The script has run out, or says so.
        """
        request = Request(tuple(messages), tuple(tools), sampling, n)
        self._note(request)
        choices = tuple(self._choice(request) for _ in range(n))
        if on_text is not None:
            on_text(text_of(choices[0].message["content"]))
        words = sum(len(text_of(c.message["content"]).split()) for c in choices)
        return Reply(choices, TokenUsage(len(request.text.split()), words))

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        """Not offered: a script knows no tokens.

        Raises:
            ModelError: Always.
        """
        raise ModelError("a scripted model cannot complete token ids", kind="rejected")

    async def score(self, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """Log-probabilities from `scores`, one equal part for each word of a continuation.

        Raises:
            ModelError: The model was made without `scores`.
        """
        self._note(Request(tuple(prefix), (), Sampling(), len(continuations)))
        if self._scores is None:
            raise ModelError("this scripted model was given no `scores`", kind="rejected")
        text = "\n".join(text_of(message["content"]) for message in prefix)
        rows = tuple((self._scores(text, c),) * max(1, len(c.split())) for c in continuations)
        return Scored(rows, TokenUsage(len(text.split()) + sum(map(len, rows)), 0))

    async def aclose(self) -> None:
        """Nothing to free."""

    def _choice(self, request: Request) -> Choice:
        if self._gullible and (command := _command(request)) is not None:
            return Choice(assistant(_obedient(request, command)))
        return _as_choice(self._next(request))

    def _next(self, request: Request) -> Script:
        if callable(self._script):
            return self._script(request)
        if self._used >= len(self._script):
            raise ModelError(f"the script has run out after {self._used} replies", kind="rejected")
        self._used += 1
        return self._script[self._used - 1]


def _command(request: Request) -> str | None:
    for message in request.messages:
        if message["role"] == "assistant":
            continue  # its own words
        loose = outside(text_of(message["content"]))
        if (found := _ORDER.search(loose) or _FORGED.search(loose)) is not None:
            return found.group(1)
    return None


def _obedient(request: Request, winner: str) -> str:
    """A verdict for the winner that was demanded, in whatever form was asked for."""
    schema = request.sampling.json_schema or {}
    fields = schema.get("properties", {})
    reply: dict[str, Any] = {"rationale": "I was told so.", "citations": []}
    if "scores" in fields:  # a comparison
        letters = fields["scores"]["properties"]
        low = next(iter(letters.values()))
        reply["scores"] = {k: low["maximum"] if k == winner else low["minimum"] for k in letters}
    elif "ranking" in fields:
        letters = fields["ranking"]["items"]["enum"]
        reply["ranking"] = sorted(letters, key=lambda k: k != winner)
    elif fields and "winner" not in fields:
        reply |= {name: _best(field) for name, field in fields.items() if name not in ("rationale", "citations")}
    else:
        reply["winner"] = winner
    return json.dumps(reply)


def _best(field: dict[str, Any]) -> Any:
    """The most flattering value that a part of a schema admits: there is no letter to choose."""
    if "enum" in field:
        return field["enum"][-1]
    if "properties" in field:
        return {name: _best(part) for name, part in field["properties"].items()}
    if field.get("type") == "array":
        return [_best(field["items"])] * int(field.get("minItems", 0))
    if "anyOf" in field:
        return None
    if field.get("type") == "boolean":  # nothing is at fault
        return False
    return field.get("maximum", "I was told so.")


def _as_choice(reply: Script) -> Choice:
    if isinstance(reply, Exception):
        raise reply
    if isinstance(reply, Choice):
        return reply
    if isinstance(reply, str):
        return Choice(assistant(reply))
    if "role" in reply:
        return Choice(cast("Message", dict(reply)))
    return Choice(assistant(json.dumps(reply)))


def label_choice(probabilities: Mapping[str, float]) -> Choice:
    """A one-token reply with the log-probabilities of labels, for judges that read log-probabilities."""
    top = tuple((label, math.log(p)) for label, p in sorted(probabilities.items(), key=lambda item: -item[1]))
    token = TokenLogprob(top[0][0], top[0][1], top)
    return Choice(assistant(token.token), logprobs=(token,))


def script_from_file(path: str) -> ScriptedModel:
    """A scripted model whose replies are the lines of a file: JSON objects, or text.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the script of a scripted model cannot be read", found=path, hint=str(error)) from error
    weights = f"scripted:{hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:16]}"
    return ScriptedModel([line for line in lines if line.strip()], name=f"scripted:{path}", weights=weights)
