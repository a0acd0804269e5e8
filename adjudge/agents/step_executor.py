"""The executor of a plan: one step at a time, with tools and documents, each step from the results before it.

After MACT (Algorithm 1, execution): a step is filled into a template of what is to be done, what is expected, and the
results that it needs; after a flag all steps are done again, with the mistakes in view. With `best_of` several
candidates are drawn for each step, and the best is the base of the next (MACT's test-time scaling of this agent).
`scorer` names who scores them: a judge or a process-reward model given to `Judge(scorers=…)`; or `agreement`, ours: the
candidate whose first line agrees most with those of the others. `adaptive` (ours) draws two, and a further one only
while no majority agrees; candidates that agree are not scored.

For the embedded model, which cannot call tools, one search is made with the goal of each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field

from adjudge.agents import material, seeding
from adjudge.agents.agreement import agreement, first_line, medoid, settled
from adjudge.agents.prompts import prompt
from adjudge.agents.stopped import STOPS, unscored
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.errors import ConfigError
from adjudge.fences import fence, unfenced
from adjudge.models import Sampling
from adjudge.run import Run
from adjudge.types import (
    Message,
    PlanStep,
    Position,
    Process,
    Step,
    StepDone,
    StepOutput,
    ToolCall,
    Trajectory,
    Unscored,
)
from adjudge.types.messages import system, text_of, tool_call, user

AGREEMENT = "agreement"
MOST_TURNS = 1000
_SCORING = MOST_TURNS - 1  # the turn of a step at which its candidates are scored
_LAST = "No further tool can be called. Write the result of the step now."


class StepExecutorSettings(NodeSettings):
    """A node that carries a plan out."""

    tools: tuple[str, ...] = ()
    max_turns: int = Field(
        default=4, ge=1, lt=_SCORING, description="Model calls for each candidate; the last one is without tools."
    )
    best_of: int = Field(default=1, ge=1, le=64, description="Candidates for each step.")
    scorer: str = Field(
        default=AGREEMENT, description="Who scores candidates: a scorer given in Python, or `agreement`."
    )
    adaptive: bool = Field(
        default=False, description="Draw two candidates, and then more, up to `best_of`, only while they disagree."
    )
    instructions: str = Field(default="", description="Your own words, added to the prompt of each step.")


class _Task(NamedTuple):
    """One step to carry out."""

    work: Work
    run: Run
    settings: StepExecutorSettings
    setting: Setting
    process: Process
    step: PlanStep
    number: int
    before: tuple[StepOutput, ...]  # results of the steps before it

    def at(self, *, sample: int = 0, turn: int = 0) -> Position:
        return self.work.at(turn=self.number * MOST_TURNS + turn)._replace(sample=sample)


class _Drawn(NamedTuple):
    """One candidate."""

    text: str  # empty: there is no result
    calls: int = 0  # of tools
    failures: int = 0
    last_error: str = ""


class _Done(NamedTuple):
    """A step, and the tool calls of all its candidates."""

    output: StepOutput
    calls: int
    failures: int
    last_error: str


def step_executor(settings: StepExecutorSettings, setting: Setting) -> Agent:
    """The agent. It reports `done`, or `failed` where no step has a result or not one tool call succeeded.

    What was done before a limit or an outage stopped it is kept in the process.

    Raises:
        ConfigError: The model cannot call tools.
    """
    if settings.tools and "tools" not in setting.info.abilities and not setting.info.embedded:
        raise ConfigError(
            f"the model {setting.info.name!r} cannot call tools",
            key=f"nodes.{setting.node}.tools",
            found=list(settings.tools),
            hint="use another model, or tools: []",
        )

    async def act(work: Work, run: Run) -> Report:
        process = (work.process or Process()).model_copy(update={"outputs": (), "checked": ""})
        if process.plan is None:
            return Report("failed", outcome=Unscored(reason="parse_failure", detail="there is no plan to carry out"))
        done: list[_Done] = []
        stopped = None
        try:
            for number, step in enumerate(process.plan.steps):
                before = tuple(item.output for item in done)
                task = _Task(work, run, settings, setting, process, step, number, before)
                done.append(await _carry_out(task))
                run.emit(StepDone(work.node, step.goal, done[-1].output))
        except STOPS as error:
            stopped = unscored(error)
        process = process.model_copy(update={"outputs": tuple(item.output for item in done)})
        outcome = stopped or _failure(done)
        return Report("done" if outcome is None else "failed", outcome=outcome, process=process)

    return act


def _failure(done: Sequence[_Done]) -> Unscored | None:
    """Why what was done is of no use."""
    calls, failures = sum(item.calls for item in done), sum(item.failures for item in done)
    if failures and failures == calls:
        last = unfenced(next(item.last_error for item in reversed(done) if item.last_error))
        return Unscored(
            reason="tool_failure", detail=f"all {failures} tool calls failed; the last reply: {unfenced(last)}"
        )
    if all(item.output.failed for item in done):
        return Unscored(reason="parse_failure", detail=f"no step has a result: {done[-1].output.failed}")
    return None


async def _carry_out(task: _Task) -> _Done:
    """Candidates one after the other, since evidence is numbered in call order; then the best of them."""
    search = await _search(task) if task.setting.info.embedded else None
    drawn: list[_Drawn] = []
    for sample in range(task.settings.best_of):
        if task.settings.adaptive and settled(_results(drawn), agreement):
            break
        drawn.append(await _candidate(task, sample, search))
    made = [*drawn, search] if search is not None else drawn
    calls, failures = sum(item.calls for item in made), sum(item.failures for item in made)
    last_error = next((item.last_error for item in reversed(made) if item.last_error), "")
    return _Done(await _chosen(task, [item for item in drawn if item.text]), calls, failures, last_error)


async def _chosen(task: _Task, drawn: Sequence[_Drawn]) -> StepOutput:
    """The best of the candidates that have a result."""
    if not drawn:
        return StepOutput(step=task.number, failed="the model wrote no result")
    texts = tuple(item.text for item in drawn)
    scores: tuple[float | None, ...] = (None,) * len(texts)
    agreed = task.settings.adaptive and settled(_results(drawn), agreement)
    if len(texts) > 1 and task.settings.scorer != AGREEMENT and not agreed:
        scores = await _scores(task, texts)
    known = [(score, -place) for place, score in enumerate(scores) if score is not None]
    best = -max(known)[1] if known else medoid(_results(drawn), agreement)
    several = {"candidates": texts, "scores": scores} if len(texts) > 1 else {}
    failed = 0 < drawn[best].calls == drawn[best].failures
    return StepOutput(step=task.number, output=texts[best], tools_failed=failed, **several)


def _results(drawn: Sequence[_Drawn]) -> list[str]:
    return [first_line(item.text) for item in drawn if item.text]


async def _candidate(task: _Task, sample: int, search: _Drawn | None) -> _Drawn:
    setting, offered = task.setting, () if search is not None else task.settings.tools
    messages = _opening(task, search)
    calls = failures = 0
    last_error = ""
    for turn in range(task.settings.max_turns):
        at = task.at(sample=sample, turn=turn)
        tools = offered if turn < task.settings.max_turns - 1 else ()  # the last turn is for the result
        if turn and not tools:
            messages.append(user(_LAST))
        reply = await task.run.chat(at, setting.model, messages, tools=tools, sampling=Sampling(**setting.sampling))
        message = reply.choices[0].message
        called = message.get("tool_calls") or []
        if not called or not tools:
            text = "" if called else text_of(message["content"]).strip()
            return _Drawn(text, calls, failures, last_error)
        messages.append(message)
        made = await _call(task, at, called)
        messages += made.messages
        calls, failures, last_error = calls + len(called), failures + made.failures, made.last_error or last_error
    raise AssertionError("the last turn has no tools")


class _Called(NamedTuple):
    """What came of the calls of one turn."""

    messages: list[Message]
    failures: int
    last_error: str


async def _call(task: _Task, at: Position, calls: Sequence[ToolCall]) -> _Called:
    before = task.run.meter.tool_failures
    eyes = "images" in task.setting.info.abilities
    replies = await task.run.call_tools(at, calls, offered=task.settings.tools, eyes=eyes)
    failures = task.run.meter.tool_failures - before
    last = [text_of(reply["content"]) for reply in replies if reply["role"] == "tool"][-1]
    return _Called(replies, failures, last if failures else "")


async def _search(task: _Task) -> _Drawn:
    """The search that is made for a model that cannot call tools; its `text` is what came back."""
    schemas = {
        tool["function"]["name"]: tool["function"]["parameters"] for tool in task.run.schemas(task.settings.tools)
    }
    name = seeding.search_tool(schemas)
    if name is None:
        return _Drawn("")
    query = seeding.arguments(task.step.goal[: seeding.QUERY_CHARACTERS])
    call = tool_call(f"{task.work.node}-{task.work.visit}-{task.number}", name, query)
    made = await _call(task, task.at(turn=0), [call])
    return _Drawn(text_of(made.messages[0]["content"]), 1, made.failures, made.last_error)


def _opening(task: _Task, search: _Drawn | None) -> list[Message]:
    process = task.process
    assert process.plan is not None
    parts = [
        material.task(task.work.case),
        fence("plan", process.plan.render()),
        _template(task.step, task.number),
        material.outputs(task.before, task.step.uses),
        material.mistakes(process) if process.rounds else "",
        f"A search for it found this:\n\n{search.text}" if search is not None and search.text else "",
        task.settings.instructions,
    ]
    text = "\n\n".join(part for part in parts if part)
    return [system(prompt("step_executor")), user(material.with_images(text, task.work.case))]


def _template(step: PlanStep, number: int) -> str:
    lines = [f"Step {number}: {step.goal}"]
    if step.expected:
        lines.append(f"Expected result: {step.expected}")
    return fence("step to carry out", "\n".join(lines))


async def _scores(task: _Task, texts: Sequence[str]) -> tuple[float | None, ...]:
    """Scores of candidates: steps that continue what was done before."""
    assert task.process.plan is not None
    goals = [step.goal for step in task.process.plan.steps]
    past = tuple(Step(thought=goals[item.step], observation=item.output or item.failed) for item in task.before)
    update = {
        "id": f"{task.work.case.id}-{task.work.node}-{task.work.visit}-{task.number}",
        "trajectory": Trajectory(steps=past) if past else None,
        "candidates": tuple(Step(thought=f"{task.step.goal}\n\n{text}") for text in texts),
        "responses": (),
    }
    score = task.setting.scorers[task.settings.scorer]
    return await score(task.work.case.model_copy(update=update), task.at(turn=_SCORING), task.run)


STEP_EXECUTOR = AgentKind(StepExecutorSettings, step_executor, frozenset({"done", "failed"}))
