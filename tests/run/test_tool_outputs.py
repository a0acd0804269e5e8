"""What tools return on its way through Run: sizes, images, blocked hits."""

from __future__ import annotations

import json
from typing import Any

from adjudge import Case, Evidence, Judge, ScriptedModel, ToolContext
from adjudge.models import Choice
from adjudge.tools import Tool, ToolOutput, tool
from adjudge.types import JudgeResult, Message
from adjudge.types.messages import text_of

CASE = Case(id="c", prompt="?", responses=("a", "b"))
VERDICT = json.dumps({"rationale": "", "citations": [], "scores": {"A": 5, "B": 5}})
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def judged(given: Tool, *, eyes: bool = True) -> tuple[JudgeResult, ScriptedModel]:
    """A judgement in which the model calls the tool once."""
    wanted = {"id": "1", "type": "function", "function": {"name": given.name, "arguments": "{}"}}
    script = [Choice({"role": "assistant", "content": "", "tool_calls": [wanted]}), "done", VERDICT]  # type: ignore[list-item]
    abilities = {"chat", "tools", "images"} if eyes else {"chat", "tools"}
    model = ScriptedModel(script, abilities=abilities)  # type: ignore[arg-type]
    changes: dict[str, Any] = {"nodes.gather.tools": [given.name], "orders": "one"}
    changes["nodes.summarize.budget_tokens"] = 1_000_000
    return Judge.load("evidence", model=model, tools=[given], **changes)(CASE), model


def replies(model: ScriptedModel) -> list[Message]:
    return [message for message in model.requests[1].messages if message["role"] in ("tool", "user")]


def test_ten_megabytes_of_text_are_cut_and_the_cut_is_told() -> None:
    @tool
    async def flood() -> str:
        """Return ten megabytes."""
        return "x" * 10_000_000

    result, model = judged(flood)
    shown = text_of(replies(model)[-1]["content"])
    assert len(shown) < 110_000
    assert "the first 100,000 of 10,000,000 characters" in shown
    assert result.scored


def test_an_item_of_evidence_is_cut_too() -> None:
    @tool
    async def find() -> Evidence:
        """Return a megabyte of evidence."""
        return Evidence(excerpt="y" * 1_000_000)

    result, _ = judged(find)
    assert len(result.evidence[0].excerpt) < 21_000
    assert result.evidence[0].excerpt.endswith("of 1,000,000 characters)")


def test_images_follow_the_replies_in_a_user_message_for_a_model_with_eyes() -> None:
    @tool
    async def look(context: ToolContext) -> ToolOutput:
        """Show a page."""
        return ToolOutput("page 1", images=(PIXEL,) if context.eyes else ())

    _, seeing = judged(look)
    assert replies(seeing)[-1] == {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": PIXEL}}],
    }
    _, blind = judged(look, eyes=False)
    assert replies(blind)[-1]["role"] == "tool"


def test_hits_that_a_block_list_kept_out_are_counted() -> None:
    @tool
    async def search() -> ToolOutput:
        """Find nothing but blocked pages."""
        return ToolOutput("No results.", blocked=3)

    result, _ = judged(search)
    assert result.usage.blocked_hits == 3
