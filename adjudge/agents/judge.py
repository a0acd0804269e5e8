"""The judge: decides on the responses of a case, by the method that its setting `decide` names."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adjudge.agents.deciding import NEEDS, Decide, resolve
from adjudge.agents.deciding.each import score_each
from adjudge.agents.deciding.generate import generate
from adjudge.agents.deciding.likelihood import read_likelihood
from adjudge.agents.deciding.logprobs import check_scale, read_logprobs
from adjudge.agents.deciding.question import Question, Seen
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.errors import ConfigError
from adjudge.run import Run


class JudgeSettings(NodeSettings):
    """A judge node.

    `thread` names the node whose messages the judge continues; `fresh` gives it a prompt of its own with the evidence.
    """

    decide: Decide = "auto"
    thread: str = "fresh"
    repair: int = Field(default=2, ge=0, le=10, description="Times an unreadable verdict is sent back.")
    max_evidence: int = Field(default=8, ge=1, description="Items that a likelihood method reads.")
    max_citations: int = Field(default=2, ge=0, description="Items that a likelihood method cites; 0 is quicker.")
    principles: bool = Field(
        default=False, description="`generate` only: the judge first writes criteria of its own, with weights."
    )
    each: bool = Field(default=False, description="Steps only: each is judged by itself, before its result is known.")
    history: Literal["full", "last", "summary"] = Field(
        default="full",
        description="With `each`, what is seen of the steps before: all, the last `last`, or the trajectory "
        "summarizer's summary with the last result.",
    )
    last: int = Field(default=2, ge=1, description="Steps that `history: last` shows.")
    brief: bool = Field(default=False, description="A prompt of two sentences, for a small model trained with it.")
    instructions: str = Field(default="", description="Your own words on what counts, added to the prompt.")


def judge(settings: JudgeSettings, setting: Setting) -> Agent:
    """The judge as an agent.

    Raises:
        ConfigError: The model cannot do what the method needs, or the method does not fit the mode or the scale.
    """
    decide = resolve(settings.decide, setting.mode, setting.info)
    _check(decide, setting)

    async def act(work: Work, run: Run) -> Report:
        seen = Seen(settings.history, settings.last) if settings.each else None
        question = Question(work, run, setting, settings.instructions, settings.principles, seen, settings.brief)
        if settings.each and decide == "generate":
            return await score_each(question, settings.repair)
        if decide == "generate":
            return await generate(question, settings.repair)
        if decide == "logprobs":
            return await read_logprobs(question)
        return await read_likelihood(
            question,
            gain=decide == "likelihood_gain",
            max_evidence=settings.max_evidence,
            citations=settings.max_citations,
        )

    return act


def _check(decide: Decide, setting: Setting) -> None:
    key = f"nodes.{setting.node}.decide"
    lacking = sorted(NEEDS[decide] - setting.info.abilities)
    if lacking:
        can = [name for name, needs in NEEDS.items() if needs <= setting.info.abilities]
        raise ConfigError(
            f"the model {setting.info.name!r} ({setting.info.provider}) cannot do what this method needs: "
            + ", ".join(lacking),
            key=key,
            found=decide,
            allowed=can,
        )
    if decide in ("likelihood", "likelihood_gain") and setting.mode not in ("pairwise", "listwise"):
        raise ConfigError(
            f"a likelihood has no place on the scale of a {setting.mode} judge",
            key=key,
            found=decide,
            allowed=("generate", "logprobs"),
        )
    if decide == "logprobs" and setting.mode in ("pointwise", "step"):
        check_scale(setting.scale, key)


JUDGE = AgentKind(JudgeSettings, judge, frozenset({"done", "failed"}), decides=True, forked=True)
