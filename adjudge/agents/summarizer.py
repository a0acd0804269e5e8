"""The summarizer: keeps a gatherer's conversation within a budget of tokens.

Recursive, ours: `notes_i = f(task, notes_{i-1}, piece_i)` over the pieces of what came since the last summary, each
piece at most half of the budget, so that no prompt of the summarizer exceeds the budget either, however long a tool's
reply was. The gatherer's conversation is then begun anew (a new segment): its opening, the notes, and the names of the
evidence, which can be read again by id. A name that the notes invent is struck out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field

from adjudge.agents import material
from adjudge.agents.budget import pieces, tokens_of
from adjudge.agents.prompts import fill, prompt
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.fences import fence
from adjudge.models import Sampling
from adjudge.run import Run
from adjudge.types import Message, Unscored
from adjudge.types.messages import system, text_of, user

OPENING = 2  # messages that every segment begins with: the system prompt, and the task with the responses
_NAME = re.compile(r"\bE\d+\b")
_WORDS_PER_TOKEN = 0.6


class SummarizerSettings(NodeSettings):
    """A summarizer node."""

    budget_tokens: int = Field(
        default=6000, ge=400, description="Most tokens of a conversation beyond its opening; counted from above."
    )


def summarizer(settings: SummarizerSettings, setting: Setting) -> Agent:
    """The summarizer as an agent. Its work is the thread of the node that sent it, which it begins anew."""
    most = settings.budget_tokens // 4  # tokens of the notes

    async def act(work: Work, run: Run) -> Report:
        opening, since = work.thread[:OPENING], work.thread[OPENING:]
        if work.notes:
            since = since[1:]  # the message that carried the notes so far
        notes = work.notes
        instructions = fill(prompt("summarizer"), words=str(int(most * _WORDS_PER_TOKEN)))
        sampling = Sampling(**{**setting.sampling, "max_tokens": min(most, setting.sampling["max_tokens"])})
        for turn, piece in enumerate(pieces(transcript(since), settings.budget_tokens // 2)):
            asked = [system(instructions), user(_question(work, notes, piece))]
            reply = await run.chat(work.at(turn=turn), setting.model, asked, sampling=sampling)
            written = text_of(reply.choices[0].message["content"]).strip()
            if not written:
                return Report("failed", outcome=Unscored(reason="parse_failure", detail="the summary came back empty"))
            notes = _checked(pieces(written, most)[0], run)
        segment = (*opening, user(_segment(notes, run, most)))
        return Report("done", notes=notes, segment=segment)

    return act


def _question(work: Work, notes: str, piece: str) -> str:
    parts = [material.task(work.case), material.unlettered(work.case)]
    if notes:
        parts.append(fence("notes so far", notes))
    parts.append(fence("new material", piece))
    return "\n\n".join(part for part in parts if part)


def transcript(messages: Sequence[Message]) -> str:
    """Messages as plain text: who said what, which tools were called, what came back."""
    lines = []
    for message in messages:
        said = text_of(message["content"])
        if message["role"] == "tool":
            lines.append(f"{message.get('name', 'tool')} replied:\n{said}")
        elif said:
            lines.append(f"{message['role']} wrote:\n{said}")
        for call in message.get("tool_calls") or ():
            lines.append(f"called {call['function']['name']} with {call['function']['arguments']}")
    return "\n\n".join(lines)


def _checked(notes: str, run: Run) -> str:
    """Notes without names of evidence that does not exist."""

    def known(match: re.Match[str]) -> str:
        if match.group() in run.evidence:
            return match.group()
        run.meter.dropped_citations += 1
        return "(no such item)"

    return _NAME.sub(known, notes)


def _segment(notes: str, run: Run, most: int) -> str:
    """What the gatherer goes on from."""
    listed: list[str] = []
    spent = 0
    named = _NAME.findall(notes)
    rest = [name for name in reversed(list(run.evidence)) if name not in named]  # what was found last comes first
    for name in dict.fromkeys([*named, *rest]):
        if name not in run.evidence:
            continue
        line = f"{name} {run.evidence[name].title or run.evidence[name].excerpt[:60]}"[:120]
        spent += tokens_of(line)
        if spent > most:
            break
        listed.append(line)
    known = fence("items found so far, which read_evidence shows again", "\n".join(listed) or "none")
    return f"Notes on what was done and found so far:\n\n{fence('notes', notes)}\n\n{known}\n\nGo on from here."


SUMMARIZER = AgentKind(SummarizerSettings, summarizer, frozenset({"done", "failed"}))
