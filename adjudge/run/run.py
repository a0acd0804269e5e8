"""Run: the one door through which every model call and tool call of a judgement goes.

It looks a call up in the journal, else checks the limits, calls, commits, and only then hands the result on: a call is
finished when its commit has returned. It derives each call's seed from its position, numbers the evidence, counts what
is spent, and reports what happens. Nodes receive it as LangGraph's runtime context, never through the state.

Failures are raised as `ModelError` and `LimitExceeded`; a tool's own failure becomes a message for the model.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adjudge.errors import BadCall, ConfigError, JournalError, LimitExceeded, ToolError, shorten
from adjudge.fences import fence
from adjudge.journal import Journal
from adjudge.models import ChatModel, Reply, Sampling, Scored, TokenUsage
from adjudge.run.door import Door
from adjudge.run.ledger import Ledger, render
from adjudge.run.limits import Limits, Meter
from adjudge.run.recorder import Recorder
from adjudge.run.records import (
    chat_content,
    image_blocks,
    output_to_json,
    reply_from_json,
    reply_to_json,
    scored_from_json,
    scored_to_json,
    settled,
)
from adjudge.run.spent import Spent
from adjudge.tools import Tool, ToolContext, ToolOutput
from adjudge.types import (
    Block,
    Case,
    Event,
    Evidence,
    EvidenceFound,
    Message,
    ModelCalled,
    Position,
    TextDelta,
    ToolCall,
    ToolCalled,
)
from adjudge.types.messages import characters_of, tool_reply, user

TOOL_TIMEOUT = 60.0  # seconds for one tool call


@dataclass(eq=False)
class Run:
    """One judgement in progress.

    Args:
        case: The case; label, metadata and the names of answering models are taken off before anything sees it.
        models: Models by their name in the graph.
        tools: Tools by their name in the graph.
        limits: What may be spent.
        seed: Base of all seeds of this judgement.
        journal: Where calls are looked up and kept; None calls everything and keeps nothing.
        on_event: Receives each event as it happens, in the event loop's thread; it must not block.
        recorder: Keeps token ids and log-probabilities for training. The calls of its policies never touch the
            journal.
    """

    case: Case
    models: Mapping[str, ChatModel]
    tools: Mapping[str, Tool] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    journal: Journal | None = None
    on_event: Callable[[Event], None] | None = None
    recorder: Recorder | None = None
    evidence: Ledger = field(init=False, default_factory=Ledger)
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.case = self.case.blind()
        self.meter = Meter(self.limits)
        self._door = Door(self.meter, self.journal, self.on_event or _unheard)  # no method of this run: no cycle
        self._memory: dict[str, Any] = {}

    @cached_property
    def case_digest(self) -> str:
        """`Case.digest`, worked out once."""
        return self.case.digest()

    def emit(self, event: Event) -> None:
        """Report what happened to whoever watches."""
        (self.on_event or _unheard)(event)

    def model(self, name: str) -> ChatModel:
        """The model under a name of the graph."""
        if name not in self.models:
            raise ConfigError("unknown model", found=name, allowed=sorted(self.models))
        return self.models[name]

    def schemas(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Tools in the form a model is offered them, under their names in the graph."""
        return [self._schema(name) for name in names]

    def _schema(self, name: str) -> dict[str, Any]:
        schema = self.tools[name].schema
        return {**schema, "function": {**schema["function"], "name": name}}

    def within(self, case: Case, models: Mapping[str, ChatModel], tools: Mapping[str, Tool], seed: int) -> Run:
        """A judgement that is part of this one: with its own evidence, and with these limits, journal and costs.

        Args:
            case: What is judged in it.
            models: Its models by name.
            tools: Its tools by name.
            seed: Base of its seeds.
        """
        told = None if self.on_event is None else self._calls_only
        part = Run(case, models, tools, self.limits, seed, self.journal, told)
        part.meter, part._door = self.meter, self._door
        return part

    def _calls_only(self, event: Event) -> None:
        if isinstance(event, ModelCalled | ToolCalled):
            self.emit(event)

    def spent(self) -> Spent:
        """What was spent and found so far."""
        return Spent(usage=self.meter.usage(), evidence=self.evidence.ordered())

    def resume(self, spent: Spent) -> None:
        """Go on from there; before the first call."""
        self.meter.resume(spent.usage)
        self.evidence.admit(spent.evidence)

    async def recorded(
        self, at: Position, name: str, content: object, call: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """What code of the user's came to: limited, counted, told and recorded like a tool call, and not run twice.

        Args:
            at: Where it is called.
            name: What it is called when it is told.
            content: All that its result depends on, as JSON types.
            call: The code. It gives JSON types, with the key `error` where it failed.

        Raises:
            LimitExceeded: A limit was reached.
        """
        value, recorded = await self._door.through("tool", at, content, call, 0)
        error: str | None = value.get("error")
        self.meter.tool_failures += error is not None
        self.emit(ToolCalled(at, name, "", error, recorded))
        return value

    def enter(self, at: Position, visits: int) -> None:
        """Enter a node once more; see `Door.enter`."""
        self._door.enter(at, visits)

    async def chat(
        self,
        at: Position,
        model: str,
        messages: Sequence[Message],
        *,
        tools: Sequence[str] = (),
        sampling: Sampling = Sampling(),
        n: int = 1,
    ) -> Reply:
        """Continue a conversation; see `ChatModel.chat`.

        Raises:
            ModelError: The model failed.
            LimitExceeded: A limit was reached before or during the call.
        """
        chosen = self.model(model)
        seeded = sampling._replace(seed=at.seed(self.seed))
        schemas = self.schemas(tools)
        on_text = self._on_text(at) if self.on_event is not None and "stream" in chosen.info.abilities else None

        async def call() -> dict[str, Any]:
            reply = await chosen.chat(messages, tools=schemas, sampling=seeded, n=n, on_text=on_text)
            return reply_to_json(settled(reply, at))

        kept = not self._sampled_now(model)
        content = chat_content(chosen.info, messages, schemas, seeded, n) if kept and self.journal is not None else None
        value, recorded = await self._door.through("model", at, content, call, characters_of(messages), kept=kept)
        reply = reply_from_json(value)
        self._count(at, model, reply.usage, recorded)
        if self.recorder is not None:
            self.recorder.record(at, model, reply)
        return reply

    def _sampled_now(self, model: str) -> bool:
        return self.recorder is not None and model in self.recorder.policies

    async def complete(
        self, at: Position, model: str, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1
    ) -> Reply:
        """Continue token ids; see `ChatModel.complete`."""
        chosen = self.model(model)
        seeded = sampling._replace(seed=at.seed(self.seed))

        async def call() -> dict[str, Any]:
            return reply_to_json(await chosen.complete(token_ids, seeded, n=n))

        content = [chosen.info.fingerprint, list(token_ids), list(seeded), n]
        kept = not self._sampled_now(model)
        value, recorded = await self._door.through("complete", at, content, call, len(token_ids), kept=kept)
        reply = reply_from_json(value)
        self._count(at, model, reply.usage, recorded)
        if self.recorder is not None:
            self.recorder.record(at, model, reply)
        return reply

    async def score(self, at: Position, model: str, prefix: Sequence[Message], continuations: Sequence[str]) -> Scored:
        """Log-probabilities of continuations; see `ChatModel.score`. One model call, however many continuations."""
        chosen = self.model(model)

        async def call() -> dict[str, Any]:
            return scored_to_json(await chosen.score(prefix, continuations))

        content = [chosen.info.fingerprint, list(prefix), list(continuations)]
        characters = characters_of(prefix) + sum(map(len, continuations))
        value, recorded = await self._door.through("score", at, content, call, characters)
        scored = scored_from_json(value)
        self._count(at, model, scored.usage, recorded)
        return scored

    async def call_tools(
        self, at: Position, calls: Sequence[ToolCall], *, offered: Collection[str] | None = None, eyes: bool = False
    ) -> list[Message]:
        """Make the calls of one turn side by side; replies and evidence are in the order of the calls.

        A tool's failure (unknown name, wrong arguments, `ToolError`, time-out, any exception of its code) is told to
        the model in the reply and counted; it never ends the judgement.

        Args:
            at: Where the turn stands.
            calls: The calls, as the model wrote them.
            offered: Names of the tools that may be called; all of the graph's by default.
            eyes: Whether the model that called can be shown images; they follow the replies in a user message.

        Raises:
            LimitExceeded: A limit was reached. Calls that did finish have been recorded, their evidence is kept.
        """
        positions = [at._replace(attempt=number) for number in range(len(calls))]
        usable = self.tools if offered is None else {name: self.tools[name] for name in offered}
        outcomes = await asyncio.gather(
            *(self._tool(position, call, usable, eyes) for position, call in zip(positions, calls, strict=True)),
            return_exceptions=True,
        )
        replies: list[Message] = []
        images: list[Block] = []
        failure: BaseException | None = None
        for position, call, outcome in zip(positions, calls, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failure = failure or outcome
                continue
            replies.append(self._admit(position, call, *outcome))
            images += image_blocks(outcome[0])
        if failure is not None:
            raise failure
        return [*replies, user(images)] if images else replies

    async def _tool(
        self, at: Position, call: ToolCall, usable: Mapping[str, Tool], eyes: bool
    ) -> tuple[dict[str, Any], bool]:
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        known = usable.get(name)

        async def perform() -> dict[str, Any]:
            try:
                if known is None:
                    raise BadCall(f"there is no tool {shorten(name)}; there are: {', '.join(sorted(usable))}")
                output = await self._guarded(known, _parse(name, arguments), eyes)
            except ToolError as error:
                return {"error": str(error), **({"bad_call": True} if isinstance(error, BadCall) else {})}
            return output_to_json(output, name, _parse(name, arguments), time.time())

        # A tool may read the case and what was found before, so both belong to what identifies its call.
        content = None
        if self.journal is not None:
            made_of = known.fingerprint if known else None
            content = [name, made_of, arguments, eyes, self.case_digest, self.evidence.digests()]
        return await self._door.through("tool", at, content, perform, 0)

    async def _guarded(self, tool: Tool, arguments: dict[str, Any], eyes: bool) -> ToolOutput:
        context = ToolContext(self.case, self.evidence, self._memory, eyes)
        try:
            async with asyncio.timeout(TOOL_TIMEOUT):
                return await tool.call(arguments, context)
        except (ToolError, LimitExceeded, JournalError):
            raise
        except TimeoutError as error:
            raise ToolError(f"{tool.name} did not answer within {TOOL_TIMEOUT:g} seconds") from error
        except Exception as error:  # the boundary of a tool: whatever its code raises is told the model
            raise ToolError(f"{tool.name} failed: {type(error).__name__}: {error}") from error

    def _admit(self, at: Position, call: ToolCall, value: dict[str, Any], recorded: bool) -> Message:
        error: str | None = value.get("error")
        name = call["function"]["name"]
        self.emit(ToolCalled(at, name, call["function"]["arguments"], error, recorded, value.get("bad_call", False)))
        if error is not None:
            self.meter.tool_failures += 1
            return tool_reply(call, fence("tool error", error))
        self.meter.blocked_hits += value.get("blocked", 0)
        before = len(self.evidence)
        items = [Evidence.model_validate(item) for item in value["evidence"]]
        named = self.evidence.admit(items)
        for item in named:
            if int(item.name[1:]) > before:
                self.emit(EvidenceFound(at, item))
        parts = [fence(f"result of {name}", value["text"])] if value["text"] else []
        return tool_reply(call, "\n\n".join([*parts, *map(render, named)]) or "No results.")

    def _count(self, at: Position, model: str, usage: TokenUsage, recorded: bool) -> None:
        self.meter.tokens_in += usage.tokens_in
        self.meter.tokens_out += usage.tokens_out
        self.meter.tokens_cached += usage.tokens_cached
        if (price := self.models[model].info.price) is not None:
            self.meter.money = (self.meter.money or 0.0) + price.of(usage)
        if self.on_event is not None:
            self.on_event(ModelCalled(at, model, usage.tokens_in, usage.tokens_out, recorded))

    def _on_text(self, at: Position) -> Callable[[str], None]:
        return lambda text: self.emit(TextDelta(at, text))


def _unheard(event: Event) -> None:
    """Nobody watches."""


def _parse(name: str, arguments: str) -> dict[str, Any]:
    try:
        value = json.loads(arguments or "{}")
        json.dumps(value, ensure_ascii=False).encode()  # refuses escapes of half a character, which no file can hold
    except ValueError as error:
        raise BadCall(f"the arguments of {name} are not JSON: {error}") from error
    except RecursionError as error:
        raise BadCall(f"the arguments of {name} are nested too deeply") from error
    if not isinstance(value, dict):
        raise BadCall(f"the arguments of {name} must be a JSON object, found {shorten(value)}")
    return value
