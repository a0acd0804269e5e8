"""From a judge file to a LangGraph `StateGraph`.

Each node wraps an agent: it takes the agent's work from the state and puts its report back. A judge node is forked
with `Send`, once for each order and sample, and its votes are merged in a node of their own; with a single vote there
is nothing to fork, so the node merges by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Protocol

from langgraph.graph import END as LANGGRAPH_END
from langgraph.graph import START as LANGGRAPH_START
from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from adjudge.agents import Report, Work
from adjudge.errors import ConfigError
from adjudge.graphs.entry import Member, cast, guarded, work_of
from adjudge.graphs.merge import merge
from adjudge.graphs.spec import END, START, GraphSpec
from adjudge.graphs.state import State
from adjudge.run import Run
from adjudge.types import Outcome, Unscored

Graph = StateGraph[State, Run, State, State]
Router = Callable[[State], str | list[Send]]


class Node(Protocol):
    """A node as LangGraph calls it."""

    def __call__(self, state: State, *, runtime: Runtime[Run]) -> Awaitable[State]:
        """From the state to an update of it."""
        ...


def build(spec: GraphSpec, members: Mapping[str, Member]) -> Graph:
    """The graph, not yet compiled.

    Args:
        spec: A checked graph.
        members: The agent of each node.
    """
    graph: Graph = StateGraph(State, context_schema=Run)
    for name, member in members.items():
        source = source_of(spec, name)
        routes = _router(spec, name, members)
        if member.forks is None:
            graph.add_node(name, _plain(name, member, source))
            _connect(graph, name, routes, members, spec)
        elif member.forks.single:
            graph.add_node(name, _alone(name, member, source, spec))
            _connect(graph, name, routes, members, spec)
        else:
            merging = f"{name}.merge"
            graph.add_node(name, _fork(name, member, source))
            graph.add_node(merging, _merging(name, spec))
            graph.add_edge(name, merging)
            _connect(graph, merging, routes, members, spec)
    _connect(graph, LANGGRAPH_START, _router(spec, START, members), members, spec)
    return graph


def source_of(spec: GraphSpec, name: str) -> str:
    """The node whose thread a node continues.

    An agent without the setting goes on with its own messages when it is entered again.
    """
    return spec.summarized(name) or str(getattr(spec.nodes[name], "thread", name))


def only_node(spec: GraphSpec, members: Mapping[str, Member]) -> Node | None:
    """The node of a graph that has just one, entered once and never forked; None for every other graph.

    There is nothing to route or to merge then, and calling it directly saves two thirds of the CPU time of a
    judgement (docs/performance.md).
    """
    if len(members) != 1:
        return None
    ((name, member),) = members.items()
    if _is_forked(member) or set(spec.targets(name).values()) != {END}:
        return None
    return _plain(name, member, name) if member.forks is None else _alone(name, member, name, spec)


def _connect(
    graph: Graph,
    place: str,
    router: Router,
    members: Mapping[str, Member],
    spec: GraphSpec,
) -> None:
    source = START if place == LANGGRAPH_START else place.removesuffix(".merge")
    targets = set(spec.targets(source).values())
    if targets == {END}:
        graph.add_edge(place, LANGGRAPH_END)
        return
    only = next(iter(targets))
    if source == START and not _is_forked(members[only]):
        graph.add_edge(place, only)
        return
    path: dict[Hashable, str] = {target: LANGGRAPH_END if target == END else target for target in targets | {END}}
    graph.add_conditional_edges(place, router, path)


def _is_forked(member: Member) -> bool:
    return member.forks is not None and not member.forks.single


def _router(spec: GraphSpec, source: str, members: Mapping[str, Member]) -> Router:
    targets = spec.targets(source)

    def route(state: State) -> Any:
        status = "done" if source == START else state["status"][source]
        target = targets.get(status) or (END if status == "failed" else targets.get("*"))
        if target is None:
            key, allowed = f"edges.{source}", sorted(targets)
            raise ConfigError("the agent reported a status without an edge", key=key, found=status, allowed=allowed)
        if target == END:
            return END
        forks = members[target].forks
        if forks is None or forks.single:
            return target
        return [Send(target, {**state, "order": order, "sample": sample}) for order, sample in forks.of(state["case"])]

    return route


def _plain(name: str, member: Member, source: str) -> Node:
    async def node(state: State, *, runtime: Runtime[Run]) -> State:
        work = work_of(name, state, source, (), 0)
        report = await guarded(member, work, runtime.context)
        return _update(name, work, report, report.outcome, runtime.context) | _anew(source, report)

    return node


def _anew(source: str, report: Report) -> State:
    """What a summary changes: the thread that was summarized begins anew, with the notes."""
    if report.segment is None:
        return {}
    return {"threads": {source: report.segment}, "notes": {source: report.notes or ""}}


def _alone(name: str, member: Member, source: str, spec: GraphSpec) -> Node:
    """A judge with a single vote: nothing to fork, nothing to merge."""

    async def node(state: State, *, runtime: Runtime[Run]) -> State:
        assert member.forks is not None
        ((order, sample),) = member.forks.of(state["case"])
        work = work_of(name, state, source, order, sample)
        report = await guarded(member, work, runtime.context)
        given = cast(work, report, runtime.context)
        outcome = merge([given.vote], spec.on_conflict)
        return {**_update(name, work, report, outcome, runtime.context), "votes": (given,)}

    return node


def _fork(name: str, member: Member, source: str) -> Node:
    async def node(state: State, *, runtime: Runtime[Run]) -> State:
        work = work_of(name, state, source, state["order"], state["sample"])
        report = await guarded(member, work, runtime.context)
        update: State = {"votes": (cast(work, report, runtime.context),), "spent": runtime.context.spent()}
        assert member.forks is not None
        if (work.order, work.sample) == member.forks.of(work.case)[0]:
            update["threads"] = {name: (*work.thread, *report.messages)}
        return update

    return node


def _merging(name: str, spec: GraphSpec) -> Node:
    async def node(state: State, *, runtime: Runtime[Run]) -> State:
        visit = state.get("visits", {}).get(name, 0)
        given = [item.vote for item in state.get("votes", ()) if item.node == name and item.visit == visit]
        votes = sorted(given, key=lambda vote: (vote.order, vote.sample))
        outcome = merge(votes, spec.on_conflict)
        status = "failed" if isinstance(outcome, Unscored) else "done"
        return {"outcome": outcome, "status": {name: status}, "visits": {name: visit + 1}}

    return node


def _update(name: str, work: Work, report: Report, outcome: Outcome | None, run: Run) -> State:
    update: State = {
        "threads": {name: (*work.thread, *report.messages)},
        "status": {name: report.status},
        "visits": {name: work.visit + 1},
        "turns": {name: work.turns + report.turns},
        "spent": run.spent(),
    }
    if outcome is not None:
        update["outcome"] = outcome
    if report.process is not None:
        update["process"] = report.process
    if report.summaries is not None:
        update["summaries"] = report.summaries
    return update
