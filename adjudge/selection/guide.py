"""The best next step: an agent that searches is guided by a judge of steps.

    result = guide(agent, Judge.load("information_gain"), n=4)("Who wrote Middlemarch?")
    result.answer, result.trajectory, result.choices

At each step the agent proposes `n` next steps, the judge scores each before any of them runs, and the best one is
carried out (PRInTS, test time: best of n by information gain, with a recursive summary of what was done). Ours: of
equal scores the one proposed first is taken; proposals that say the same are judged once, and one that is alone not at
all; where no proposal has a score the first one is taken, as without a judge, and the choice says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

from adjudge.agents import Scorer
from adjudge.errors import CaseError, ConfigError, JournalError
from adjudge.judge import Judge
from adjudge.judge.portal import shared_portal
from adjudge.selection.graph_agent import GraphAgent
from adjudge.selection.search import Choice, Search, told
from adjudge.types import Case, Step, Trajectory, Usage

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    Graph = CompiledStateGraph[Any, Any, Any, Any]

Stopped = Literal["answered", "no step was proposed", "the agent failed", "max_steps"]
MAX_STEPS = 20
TIMEOUT = 600.0  # seconds


@runtime_checkable
class SearchAgent(Protocol):
    """An agent that can be guided."""

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        """The next step after these: a thought with a tool call, or with none for a final answer; None: it has none.

        Asked again with another seed it may propose another one. It is asked several times side by side.
        """
        ...

    async def execute(self, step: Step) -> str:
        """Carry out the tool call of a step; what came back."""
        ...


class Searched(NamedTuple):
    """What a guided search came to."""

    answer: str | None  # None: it ended without one
    trajectory: Trajectory
    choices: tuple[Choice, ...]
    stopped: Stopped
    usage: Usage  # of the judge
    failures: tuple[str, ...] = ()  # of the agent: proposals that were lost, tools that failed


class Guided:
    """A guided search agent; see `guide`."""

    def __init__(
        self, begin: Callable[[], SearchAgent], judge: Judge | Scorer, n: int, max_steps: int, seed: int, timeout: float
    ) -> None:
        self._begin = begin
        self._judge = judge
        self._n = n
        self._most = max_steps
        self._seed = seed
        self._timeout = timeout

    async def asearch(self, prompt: str, *, case_id: str = "") -> Searched:
        """Search for an answer.

        What the agent raises costs a proposal, or is what came back of a step; only mistakes in the configuration and
        a journal that cannot be used are raised.

        Args:
            prompt: The task.
            case_id: Names the search in the judge's journal; made of the prompt by default.
        """
        search = Search(Case(id=case_id, prompt=prompt), self._judge)
        agent = self._begin()
        failures: list[str] = []
        stopped: Stopped = "max_steps"
        while len(search.steps) < self._most and stopped == "max_steps":
            before = len(failures)
            proposals = await self._proposals(agent, search, failures)
            if not proposals:
                stopped = "the agent failed" if len(failures) > before else "no step was proposed"
                break
            step = proposals[await search.choose(proposals)]
            if step.tool is None:
                stopped = "answered"
            else:
                step = step.model_copy(update={"observation": await self._execute(agent, search, step, failures)})
            search.steps.append(step)
        answer = search.steps[-1].thought if stopped == "answered" else None
        past = Trajectory(steps=tuple(search.steps))
        return Searched(answer, past, tuple(search.choices), stopped, search.usage, tuple(failures))

    async def _proposals(self, agent: SearchAgent, search: Search, failures: list[str]) -> list[Step]:
        number = len(search.steps)
        first = self._seed + number * self._n

        async def one(seed: int) -> Step | None:
            try:
                async with asyncio.timeout(self._timeout):
                    proposed = await agent.propose(search.case.question, tuple(search.steps), seed)
            except Exception as error:  # noqa: BLE001 - whatever somebody else's agent raises costs this proposal
                _raise_what_is_ours(error)
                failures.append(f"step {number}, a proposal: {told(error)}")
                return None
            return None if proposed is None or not proposed.unexecuted().render().strip() else proposed.unexecuted()

        drawn = await asyncio.gather(*map(one, range(first, first + self._n)))
        return [step for step in drawn if step is not None]

    async def _execute(self, agent: SearchAgent, search: Search, step: Step, failures: list[str]) -> str:
        try:
            async with asyncio.timeout(self._timeout):
                return await agent.execute(step)
        except Exception as error:  # noqa: BLE001 - as a tool's failure is told to a model, which may try another
            _raise_what_is_ours(error)
            failures.append(f"step {len(search.steps)}, {step.tool}: {told(error)}")
            return f"(the tool failed) {told(error)}"

    def __call__(self, prompt: str, *, case_id: str = "") -> Searched:
        """`asearch`, and wait for it; the agent then runs in another thread, whose event loop all judges share."""
        return shared_portal().call(lambda: self.asearch(prompt, case_id=case_id))


def _raise_what_is_ours(error: Exception) -> None:
    """Raise what the user or the operator has to mend; a message that cannot be read is the agent's own fault."""
    if isinstance(error, ConfigError | JournalError) and not isinstance(error, CaseError):
        raise error


def _beginning(agent: object) -> Callable[[], SearchAgent]:
    """What makes the agent of a search.

    Raises:
        ConfigError: It is none.
    """
    from langgraph.graph.state import CompiledStateGraph, StateGraph

    if isinstance(agent, CompiledStateGraph):
        GraphAgent(agent)  # so that a state that cannot be guided is told at once
        return lambda: GraphAgent(agent)
    if isinstance(agent, SearchAgent) and not isinstance(agent, type):
        return lambda: agent
    hint = "compile the graph first" if isinstance(agent, StateGraph) else "see docs/guided-search.md"
    allowed = ("an object with async methods propose and execute", "a compiled graph of LangGraph")
    raise ConfigError("this cannot be guided", key="agent", found=type(agent).__name__, allowed=allowed, hint=hint)


def guide(
    agent: SearchAgent | Graph,
    judge: Judge | Scorer,
    n: int = 4,
    *,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
    timeout: float = TIMEOUT,
) -> Guided:
    """Guide an agent by a judge of steps.

    Args:
        agent: Proposes next steps and carries them out; or a compiled graph of LangGraph whose state is a conversation,
            such as `create_agent` makes (see `adjudge.selection.graph_agent`).
        judge: A judge in mode step, such as `information_gain`; or an async function from a case with candidate steps
            to their scores, for a process-reward model of your own or a control.
        n: Proposals at each step, at least 1.
        max_steps: After so many steps the search ends without an answer.
        seed: Of the first proposal; no two proposals of a search have the same.
        timeout: Seconds for each proposal, and for each tool call.

    Raises:
        ConfigError: The judge is of another mode, the agent is none, or a number makes no sense.
    """
    if isinstance(judge, Judge) and judge.spec.mode != "step":
        hint = "use a graph of mode step, such as information_gain"
        raise ConfigError("an agent is guided by a judge of steps", key="mode", found=judge.spec.mode, hint=hint)
    for name, value in (("n", n), ("max_steps", max_steps)):
        if value < 1:
            raise ConfigError("this is a number of at least 1", key=name, found=value)
    return Guided(_beginning(agent), judge, n, max_steps, seed, timeout)
