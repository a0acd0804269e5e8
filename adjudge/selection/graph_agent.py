"""An agent of LangGraph as one that `guide` leads: its graph is run node by node.

    guide(create_agent(model, tools=[search]), Judge.load("information_gain"), n=4)("Who wrote Middlemarch?")

Its state has to be a conversation under `messages`, and a message of the assistant without a tool call is the answer.
A proposal is a branch: the graph from where the search stands, up to the next message of the assistant. The branch of
the chosen step is run on until its calls have their results, and the others are dropped; so tools run once, and
whatever other nodes do happens in every branch. Each branch gets its seed as `config["configurable"]["seed"]`. A graph
that waits for a person cannot be guided in this way. All this is ours.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from langgraph.checkpoint.memory import InMemorySaver

from adjudge.cases.foreign import Part, Turn, turns_of
from adjudge.config import Document
from adjudge.errors import ConfigError
from adjudge.selection.search import step_of
from adjudge.types import Role, Step

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import StateSnapshot

    Graph = CompiledStateGraph[Any, Any, Any, Any]

MOST_NODES = 100  # nodes, one after the other, between two messages of the assistant
_STATE = "messages"


class _Branch(NamedTuple):
    """A proposal, and the thread whose next node carries it out."""

    thread: str
    said: dict[str, Any]


class GraphAgent:
    """One search of a graph, for `guide`.

    Args:
        graph: Compiled; its own checkpointer is not used.

    Raises:
        ConfigError: Its state is no conversation.
    """

    def __init__(self, graph: Graph) -> None:
        if _STATE not in graph.channels:
            hint = "guide an agent of your own, with `propose` and `execute`, that runs the graph"
            found = ", ".join(sorted(name for name in graph.channels if not name.startswith(("_", "branch:"))))
            problem = "a graph that is guided has a conversation in its state"
            raise ConfigError(problem, key=_STATE, found=found, hint=hint)
        self._saver = InMemorySaver()
        self._graph = graph.copy(update={"checkpointer": self._saver})
        self._here: str | None = None  # the thread of the search; None: it has not begun
        self._branches: dict[str, _Branch] = {}  # of the step that is being chosen

    async def propose(self, prompt: str, steps: Sequence[Step], seed: int) -> Step | None:
        """The next message of the assistant as a step; None where the graph ends without one.

        Raises:
            RuntimeError: The graph waits for a person, or goes round in circles.
        """
        thread = uuid.uuid4().hex
        given = None if self._here is not None else {_STATE: [{"role": "user", "content": prompt}]}
        if self._here is not None:
            await self._copy(self._here, thread)
        said = await self._run(thread, given, seed, lambda roles: "assistant" in roles)
        own = [message for message in said if _turn(message).role == "assistant"]
        if not own:
            return None
        step = step_of(own[-1:])
        self._branches[_key(step)] = _Branch(thread, own[-1])
        return step

    async def execute(self, step: Step) -> str:
        """What the graph's tools reply to a step that it has proposed.

        Raises:
            RuntimeError: The graph goes on without a result, or waits for a person.
        """
        branch = self._branches[_key(step)]
        for other in self._branches.values():
            if other.thread != branch.thread:
                await self._saver.adelete_thread(other.thread)
        self._here, self._branches = branch.thread, {}
        calls = len(_turn(branch.said).calls)

        def replied(roles: Sequence[Role]) -> bool:
            return roles.count("tool") >= calls or "assistant" in roles

        said = await self._run(branch.thread, None, 0, replied)
        results = [message for message in said if _turn(message).role == "tool"]
        observation = step_of([branch.said, *results]).observation
        if observation is None:
            raise RuntimeError("the graph has no result of this call")
        return observation

    async def _copy(self, thread: str, copy: str) -> None:
        """A thread that stands where another one does."""
        known = await self._saver.aget_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
        assert known is not None
        config: Any = {"configurable": {"thread_id": copy, "checkpoint_ns": ""}}
        await self._saver.aput(config, known.checkpoint, known.metadata, known.checkpoint["channel_versions"])

    async def _run(
        self, thread: str, given: Any, seed: int, enough: Callable[[Sequence[Role]], bool]
    ) -> list[dict[str, Any]]:
        """Run node after node until those have spoken that should, or to the end; what was said, as plain JSON."""
        config: Any = {"configurable": {"thread_id": thread, "seed": seed}}
        before = _messages(await self._graph.aget_state(config))
        for _ in range(MOST_NODES):
            await self._graph.ainvoke(given, config, interrupt_after="*", durability="sync")
            state = await self._graph.aget_state(config)
            said = _new(before, _messages(state))
            if enough([_turn(message).role for message in said]) or not state.next:
                return said
            if any(task.interrupts for task in state.tasks):
                raise RuntimeError(f"the graph waits for a person at {', '.join(state.next)}")
            given = None
        raise RuntimeError(f"the graph went through {MOST_NODES} nodes and came to nothing")


def _messages(state: StateSnapshot) -> list[dict[str, Any]]:
    found = state.values.get(_STATE, []) if isinstance(state.values, dict) else getattr(state.values, _STATE, [])
    return [message.model_dump() if hasattr(message, "model_dump") else dict(message) for message in found]


def _new(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages that were added; older ones may have been removed, which only ids can tell."""
    known = {message["id"] for message in before if message.get("id")}
    return [
        message
        for place, message in enumerate(after)
        if (message["id"] not in known if message.get("id") else place >= len(before))
    ]


def _turn(message: dict[str, Any]) -> Turn:
    return turns_of(Part.whole(Document([message], "<messages>")))[0]


def _key(step: Step) -> str:
    return step.unexecuted().model_dump_json()
