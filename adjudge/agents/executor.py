"""The executor: gathers evidence with tools, in turns, several calls side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from adjudge.agents import material, seeding
from adjudge.agents.budget import tokens_in
from adjudge.agents.prompts import prompt
from adjudge.agents.summarizer import OPENING
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.errors import ConfigError
from adjudge.fences import unfenced
from adjudge.models import ModelInfo, Sampling
from adjudge.run import Run
from adjudge.types import Message, ToolCall, Unscored
from adjudge.types.messages import assistant, system, text_of, tool_call, user


class ExecutorSettings(NodeSettings):
    """An executor node."""

    tools: tuple[str, ...] = ()
    max_turns: int = Field(default=6, ge=0, description="Model calls, all visits; 0: the seed queries only.")
    seed_queries: bool | Literal["auto"] = Field(
        default="auto",
        description="Search with the prompt, and with each response when that finds little, before the first turn. "
        "`auto`: only for the embedded model, which then takes no turns of its own.",
    )
    brief: bool = Field(
        default=False,
        description="A prompt of two sentences and the task, without the responses: for a small model trained with it.",
    )
    instructions: str = Field(default="", description="Your own words on what to look for, added to the prompt.")


def executor(settings: ExecutorSettings, setting: Setting) -> Agent:
    """The executor as an agent.

    It reports `done`, `failed` when not one of its tool calls succeeded, or `over_budget` when its conversation has
    outgrown the budget of the summarizer to which that status leads.

    Raises:
        ConfigError: The model cannot call tools and no seed queries are made for it.
    """
    seeded = _alone(settings, setting.info) or settings.seed_queries is True
    turns = turns_of(settings, setting.info)
    if turns and "tools" not in setting.info.abilities:
        raise ConfigError(
            f"the model {setting.info.name!r} ({setting.info.provider}) cannot call tools",
            key=f"nodes.{setting.node}.max_turns",
            found=turns,
            hint="set max_turns: 0 and seed_queries: true, so that the searches are made for it",
        )

    async def act(work: Work, run: Run) -> Report:
        opening = _opening(work, settings)
        added: list[Message] = list(opening)
        failures_before, calls_before = run.meter.tool_failures, run.meter.tool_calls
        first = 0
        if seeded:
            rounds = await _seed(work, run, settings.tools)
            added += [message for turn in rounds for message in turn]
            first = len(rounds)
        used, eyes = 0, "images" in setting.info.abilities
        for turn in range(first, first + turns - work.turns):
            if _outgrown(setting, work, added):
                break
            used += 1
            reply = await run.chat(
                work.at(turn=turn),
                setting.model,
                [*work.thread, *added],
                tools=settings.tools,
                sampling=Sampling(**setting.sampling),
            )
            message = reply.choices[0].message
            added.append(message)
            calls = message.get("tool_calls") or []
            if not calls:
                break
            added += await run.call_tools(work.at(turn=turn), calls, offered=settings.tools, eyes=eyes)
        failures = run.meter.tool_failures - failures_before
        if failures and failures == run.meter.tool_calls - calls_before:
            told = next(text_of(m["content"]) for m in reversed(added) if m["role"] == "tool")
            detail = f"all {failures} tool calls failed; the last reply: {unfenced(told)}"
            return Report("failed", tuple(added), Unscored(reason="tool_failure", detail=detail))
        over = turns > 0 and _outgrown(setting, work, added)
        return Report("over_budget" if over else "done", tuple(added), turns=used)

    return act


def turns_of(settings: ExecutorSettings, info: ModelInfo) -> int:
    """Most model calls of an executor; none where the searches are made for it and that is all."""
    return 0 if _alone(settings, info) or not settings.tools else settings.max_turns


def _alone(settings: ExecutorSettings, info: ModelInfo) -> bool:
    return settings.seed_queries == "auto" and info.embedded


def _outgrown(setting: Setting, work: Work, added: Sequence[Message]) -> bool:
    return setting.budget is not None and tokens_in([*work.thread, *added][OPENING:]) > setting.budget


def _opening(work: Work, settings: ExecutorSettings) -> list[Message]:
    if work.thread:
        return []
    case = work.case
    shown = "" if settings.brief else material.unlettered(case)
    parts = (material.task(case), shown, settings.instructions)
    text = "\n\n".join(part for part in parts if part)
    return [system(prompt("executor_brief" if settings.brief else "executor")), user(material.with_images(text, case))]


async def _seed(work: Work, run: Run, tools: tuple[str, ...]) -> list[list[Message]]:
    """The searches made for the model, as turns of a conversation."""
    name = seeding.search_tool(
        {schema["function"]["name"]: schema["function"]["parameters"] for schema in run.schemas(tools)}
    )
    if name is None or work.visit:
        return []
    rounds = [await _search(work, run, name, 0, [seeding.prompt_query(work.case)])]
    if seeding.finds_little(work.case, run.evidence.values()):
        left = run.meter.limits.tool_calls - run.meter.tool_calls
        queries = seeding.response_queries(work.case, left)
        if queries:
            rounds.append(await _search(work, run, name, 1, queries))
    return rounds


async def _search(work: Work, run: Run, tool: str, turn: int, queries: list[str]) -> list[Message]:
    calls: list[ToolCall] = [
        tool_call(f"{work.node}-{work.visit}-{turn}-{number}", tool, seeding.arguments(query))
        for number, query in enumerate(queries)
    ]
    return [assistant("", calls), *await run.call_tools(work.at(turn=turn), calls)]


EXECUTOR = AgentKind(ExecutorSettings, executor, frozenset({"done", "over_budget", "failed"}))
