"""From a judge file to a LangGraph `StateGraph`.

Each node wraps an agent: it takes the agent's work from the state and puts its report back. A judge node is forked
with `Send`, once for each order and sample, and its votes are merged in a node of their own; with a single vote there
is nothing to fork, so the node merges by itself. Nodes never raise for a model, a tool or a limit: the failure becomes
an `Unscored` outcome, and one branch does not cancel its siblings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, NamedTuple, Protocol

from langgraph.graph import END as LANGGRAPH_END
from langgraph.graph import START as LANGGRAPH_START
from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from adjudge.agents import Agent, Report, Work
from adjudge.errors import ConfigError, LimitExceeded, ModelError, ToolError
from adjudge.fences import clean
from adjudge.graphs.merge import merge, restore
from adjudge.graphs.orders import Forks
from adjudge.graphs.spec import END, FRESH, START, GraphSpec
from adjudge.graphs.state import Cast, State
from adjudge.run import Run
from adjudge.types import NodeStarted, Outcome, Reason, Unscored, Vote, VoteCast

Graph = StateGraph[State, Run, State, State]
Router = Callable[[State], str | list[Send]]


class Node(Protocol):
    """A node as LangGraph calls it."""

    def __call__(self, state: State, *, runtime: Runtime[Run]) -> Awaitable[State]:
        """From the state to an update of it."""
        ...


class Member(NamedTuple):
    """An agent in its place in a graph."""

    agent: Agent
    kind: str
    forks: Forks | None  # how its work is forked; None for an agent that is not


def build(spec: GraphSpec, members: Mapping[str, Member]) -> Graph:
    """The graph, not yet compiled.

    Args:
        spec: A checked graph.
        members: The agent of each node.
    """
    graph: Graph = StateGraph(State, context_schema=Run)
    for name, member in members.items():
        # An agent without the setting goes on with its own messages when it is entered again.
        source = spec.summarized(name) or str(getattr(spec.nodes[name], "thread", name))
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
        work = _work(name, state, source, (), 0)
        report = await _guarded(member, work, runtime.context)
        return _update(name, work, report, report.outcome) | _anew(source, report)

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
        work = _work(name, state, source, order, sample)
        report = await _guarded(member, work, runtime.context)
        cast = _cast(work, report, runtime.context)
        outcome = merge([cast.vote], spec.on_conflict)
        return {**_update(name, work, report, outcome), "votes": (cast,)}

    return node


def _fork(name: str, member: Member, source: str) -> Node:
    async def node(state: State, *, runtime: Runtime[Run]) -> State:
        work = _work(name, state, source, state["order"], state["sample"])
        report = await _guarded(member, work, runtime.context)
        update: State = {"votes": (_cast(work, report, runtime.context),)}
        assert member.forks is not None
        if (work.order, work.sample) == member.forks.of(work.case)[0]:
            update["threads"] = {name: (*work.thread, *report.messages)}
        return update

    return node


def _merging(name: str, spec: GraphSpec) -> Node:
    async def node(state: State, *, runtime: Runtime[Run]) -> State:
        visit = state.get("visits", {}).get(name, 0)
        cast = [item.vote for item in state.get("votes", ()) if item.node == name and item.visit == visit]
        votes = sorted(cast, key=lambda vote: (vote.order, vote.sample))
        outcome = merge(votes, spec.on_conflict)
        status = "failed" if isinstance(outcome, Unscored) else "done"
        return {"outcome": outcome, "status": {name: status}, "visits": {name: visit + 1}}

    return node


def _work(name: str, state: State, source: str, order: tuple[int, ...], sample: int) -> Work:
    return Work(
        node=name,
        case=state["case"],
        thread=state.get("threads", {}).get(source, ()),
        order=order,
        sample=sample,
        visit=state.get("visits", {}).get(name, 0),
        turns=state.get("turns", {}).get(name, 0),
        notes=_notes(state.get("notes", {}), source),
    )


def _notes(notes: Mapping[str, str], source: str) -> str:
    """The notes on a thread; an agent with a fresh prompt gets those of all threads."""
    return "\n\n".join(notes.values()) if source == FRESH else notes.get(source, "")


def _update(name: str, work: Work, report: Report, outcome: Outcome | None) -> State:
    update: State = {
        "threads": {name: (*work.thread, *report.messages)},
        "status": {name: report.status},
        "visits": {name: work.visit + 1},
        "turns": {name: work.turns + report.turns},
    }
    if outcome is not None:
        update["outcome"] = outcome
    return update


def _cast(work: Work, report: Report, run: Run) -> Cast:
    outcome = report.outcome
    if outcome is None:
        outcome = Unscored(reason="model_failure", detail=f"the agent of {work.node!r} reported no outcome")
    seed = work.at().seed(run.seed)
    vote = Vote(order=work.order, sample=work.sample, seed=seed, outcome=restore(outcome, work.order))
    run.emit(VoteCast(work.node, vote))
    return Cast(work.node, work.visit, vote)


async def _guarded(member: Member, work: Work, run: Run) -> Report:
    """The agent's report, or the typed failure that stopped it."""
    run.emit(NodeStarted(work.node, member.kind))
    try:
        run.enter(work.at(), work.visit)
        return await member.agent(work, run)
    except LimitExceeded as error:
        return _failed("limit", error)
    except ModelError as error:
        return _failed(_reason(error), error, transient=error.retryable)
    except ToolError as error:
        return _failed("tool_failure", error)


def _failed(reason: Reason, error: Exception, *, transient: bool = False) -> Report:
    return Report("failed", outcome=Unscored(reason=reason, detail=clean(str(error)), transient=transient))


def _reason(error: ModelError) -> Reason:
    if error.kind == "refused":
        return "refused"
    return "limit" if error.kind == "too_long" else "model_failure"
