"""The trajectory summarizer: what is known, tried and open after each step of a long search.

After PRInTS (its summary prompt): `h_t = f(q, h_{t-1}, o_{t-1}, s_t)` with `h_0` empty, where `s_t` is the thought and
tool call of step t and `o_{t-1}` the result of the step before, which is folded in now. A summary has the published six
headings. Keys that are missing, or text beyond the budget, are sent back; what is too long even then is cut at its
longest headings, and each cut is marked (ours, as is the prompt).

The embedded model is too small to write one. For it a summary is the end of what was said and found, cut to the budget,
without any model call (ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from adjudge.agents import material
from adjudge.agents.asking import ask
from adjudge.agents.budget import pieces, tokens_of
from adjudge.agents.form import Unreadable, text_at
from adjudge.agents.prompts import fill, prompt
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.fences import fence
from adjudge.run import Run
from adjudge.types import Step, Unscored
from adjudge.types.messages import system, user

HEADINGS = {
    "confirmed_knowledge": "Confirmed knowledge",
    "uncertainty": "Uncertainty",
    "previous_hypotheses": "Previous hypotheses",
    "previous_action": "Previous action",
    "current_hypothesis": "Current hypothesis",
    "current_action": "Current action",
}
_SCHEMA = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in HEADINGS},
    "required": list(HEADINGS),
    "additionalProperties": False,
}
_WORDS_PER_TOKEN = 0.4  # as `tokens_of` counts from above, a word with its space is two tokens and more
_ASKED = (
    "Write the whole summary anew, with this step in it. Reply with one JSON object and nothing else. Its keys, each a "
    f"text: {', '.join(HEADINGS)}."
)


class TrajectorySummarizerSettings(NodeSettings):
    """A trajectory summarizer node."""

    budget_tokens: int = Field(default=800, ge=100, description="Most tokens of a summary, counted from above.")
    result_tokens: int = Field(default=2000, ge=100, description="Most tokens of a step or of a result that are read.")
    repair: int = Field(default=2, ge=0, le=10, description="Times an unreadable summary is sent back.")


def trajectory_summarizer(settings: TrajectorySummarizerSettings, setting: Setting) -> Agent:
    """The agent. It reports `done` with a summary for each step, or `failed`, with those before, where one is not.

    Steps whose summaries the case brings along are not summarized again; nor is the last step of a trajectory after
    which nothing is judged.
    """

    async def act(work: Work, run: Run) -> Report:
        steps = work.case.trajectory.steps if work.case.trajectory is not None else ()
        made = list(work.case.summaries[: len(steps)])
        for number in range(len(made), len(steps) - (not work.case.candidates)):
            before = made[-1] if made else ""
            if setting.info.embedded:
                made.append(_cut(before, steps, number, settings.budget_tokens))
                continue
            found = await _next(work, run, settings, setting, before, steps, number)
            if found is None:
                detail = f"the summary of step {number} cannot be read"
                failure = Unscored(reason="parse_failure", detail=detail)
                return Report("failed", outcome=failure, summaries=tuple(made))
            made.append(found)
        return Report(summaries=tuple(made))

    return act


async def _next(
    work: Work,
    run: Run,
    settings: TrajectorySummarizerSettings,
    setting: Setting,
    before: str,
    steps: tuple[Step, ...],
    number: int,
) -> str | None:
    parts = [fence("task", work.case.question)]
    parts.append(fence("summary so far", before) if before else "There is no summary yet: this is the first step.")
    if number:
        parts.append(material.result(steps[number - 1], settings.result_tokens))
    parts += [material.step(steps[number], settings.result_tokens), _ASKED]
    words = str(int(settings.budget_tokens * _WORDS_PER_TOKEN))
    shown = material.with_images("\n\n".join(parts), work.case)
    messages = [system(fill(prompt("trajectory_summarizer"), words=words)), user(shown)]
    sampling = {**setting.sampling, "json_schema": setting.enforced(_SCHEMA)}

    most = settings.budget_tokens
    last: list[dict[str, str]] = []  # what was readable but too long

    def read(found: dict[str, Any]) -> tuple[str]:
        told = {key: text_at(found[key], key).strip() or "–" for key in HEADINGS}
        excess = tokens_of(_render(told)) - most
        if excess > 0:
            last.append(told)
            raise Unreadable(f"the summary is too long by about {excess} tokens; keep what the next action needs")
        return (_render(told),)

    at = work.at(turn=number)
    found = await ask(run, at, setting.model, messages, sampling, read, set(HEADINGS), settings.repair)
    if not isinstance(found, str):
        return found[0]
    return _shortened(last[-1], most) if last else None


def _render(told: Mapping[str, str]) -> str:
    return "\n".join(f"{title}: {told[key]}" for key, title in HEADINGS.items())


def _shortened(told: dict[str, str], most: int) -> str:
    """A summary within its budget: the longest of its headings lose their ends."""
    sizes = {key: tokens_of(text) for key, text in told.items()}
    spare = most - tokens_of(_render(dict.fromkeys(told, "…")))
    share = next(size for size in range(spare, -1, -1) if sum(min(size, one) for one in sizes.values()) <= spare)
    cut = {key: text if sizes[key] <= share else f"{_head(text, share)}…" for key, text in told.items()}
    return _render(cut)


def _head(text: str, most: int) -> str:
    return pieces(text, most)[0].rstrip() if most else ""


def _cut(before: str, steps: tuple[Step, ...], number: int, most: int) -> str:
    """The end of what was said and found so far, within the budget."""
    result = (steps[number - 1].observation or "") if number else ""
    told = "\n".join(part for part in (before, result, steps[number].unexecuted().render()) if part)
    kept: list[str] = []
    for piece in reversed(pieces(told, max(1, most // 8))):
        if tokens_of("".join([piece, *kept])) > most:
            break
        kept.insert(0, piece)
    return "".join(kept)


TRAJECTORY_SUMMARIZER = AgentKind(TrajectorySummarizerSettings, trajectory_summarizer, frozenset({"done", "failed"}))
