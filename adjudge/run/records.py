"""How calls and their results are written into the journal: JSON only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adjudge.models import Choice, ModelInfo, Reply, Sampling, Scored, TokenLogprob, TokenUsage
from adjudge.tools import ToolOutput
from adjudge.types import Block, Evidence, Message, Position
from adjudge.types.messages import tool_call

MOST_TEXT = 100_000  # characters of one tool reply that are kept
MOST_EXCERPT = 20_000  # characters of one item of evidence that are kept


def chat_content(
    info: ModelInfo, messages: Sequence[Message], tools: Sequence[dict[str, Any]], sampling: Sampling, n: int
) -> list[Any]:
    """What identifies a chat call besides its position."""
    return [info.fingerprint, list(messages), list(tools), list(sampling), n]


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """A reply as JSON types."""
    choices = [
        {
            "message": choice.message,
            "finish": choice.finish,
            "logprobs": [[t.token, t.logprob, [list(pair) for pair in t.top], t.token_id] for t in choice.logprobs],
            "token_ids": list(choice.token_ids),
        }
        for choice in reply.choices
    ]
    return {"choices": choices, "usage": list(reply.usage), "prompt_ids": list(reply.prompt_ids)}


def reply_from_json(value: dict[str, Any]) -> Reply:
    """The inverse of `reply_to_json`."""
    choices = tuple(
        Choice(
            message=choice["message"],
            finish=choice["finish"],
            logprobs=tuple(
                TokenLogprob(token, logprob, tuple((text, other) for text, other in top), token_id)
                for token, logprob, top, token_id in choice["logprobs"]
            ),
            token_ids=tuple(choice["token_ids"]),
        )
        for choice in value["choices"]
    )
    return Reply(choices, TokenUsage(*value["usage"]), tuple(value["prompt_ids"]))


def scored_to_json(scored: Scored) -> dict[str, Any]:
    """Scored continuations as JSON types."""
    return {"logprobs": [list(row) for row in scored.logprobs], "usage": list(scored.usage)}


def scored_from_json(value: dict[str, Any]) -> Scored:
    """The inverse of `scored_to_json`."""
    return Scored(tuple(tuple(row) for row in value["logprobs"]), TokenUsage(*value["usage"]))


def output_to_json(output: ToolOutput, tool: str, arguments: dict[str, Any], time: float) -> dict[str, Any]:
    """What a tool returned as JSON types, cut to a size that a journal and a prompt can bear."""
    found = []
    for item in output.evidence:
        told = {"tool": tool, "arguments": arguments, "time": time, "excerpt": capped(item.excerpt, MOST_EXCERPT)}
        found.append(evidence_to_json(item.model_copy(update=told)))
    value: dict[str, Any] = {"text": capped(output.text, MOST_TEXT), "evidence": found}
    if output.blocked:
        value["blocked"] = output.blocked
    if output.images:
        value["images"] = list(output.images)
    return value


def capped(text: str, most: int) -> str:
    """A text cut to so many characters, and the cut told."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n(cut: the first {most:,} of {len(text):,} characters)"


def image_blocks(value: dict[str, Any]) -> list[Block]:
    """The images of a recorded tool result, as blocks of a message."""
    return [{"type": "image_url", "image_url": {"url": url}} for url in value.get("images", ())]


def evidence_to_json(item: Evidence) -> dict[str, Any]:
    """An item of evidence as JSON types, without what is at its default."""
    return item.model_dump(mode="json", exclude_defaults=True)


def settled(reply: Reply, at: Position) -> Reply:
    """The reply as it is kept and handed on.

    Servers put random ids on tool calls; ours follow from the position, so that equal runs are equal. Lone surrogates,
    which JSON can spell and no file can hold, become question marks.
    """
    return reply._replace(
        choices=tuple(choice._replace(message=_settled_message(choice.message, at)) for choice in reply.choices)
    )


def _settled_message(message: Message, at: Position) -> Message:
    settled: Message = {**message}
    content = message["content"]
    if isinstance(content, str):
        settled["content"] = _whole(content)
    calls = settled.pop("tool_calls", None)
    if calls:
        settled["tool_calls"] = [
            tool_call(
                f"{at.node}-{at.visit}-{at.turn}-{number}",
                _whole(call["function"]["name"]),
                _whole(call["function"]["arguments"]),
            )
            for number, call in enumerate(calls)
        ]
    return settled


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
