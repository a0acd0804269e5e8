"""Checks of a judge file that need the whole of it: names that exist, edges that lead somewhere, loops that end."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from adjudge.agents import KINDS
from adjudge.agents.executor import ExecutorSettings
from adjudge.agents.judge import JudgeSettings
from adjudge.agents.step_executor import StepExecutorSettings
from adjudge.agents.summarizer import SummarizerSettings
from adjudge.config import InvalidDocument
from adjudge.errors import ConfigError
from adjudge.graphs.check_process import Mistake, process_mistakes
from adjudge.graphs.check_steps import step_mistakes
from adjudge.graphs.spec import END, FRESH, START, CustomSettings, GraphSpec
from adjudge.types import TIE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # LangGraph keeps some signs for itself, and we the full stop
Where = Callable[[str], tuple[str | None, int | None]]


def nowhere(key: str) -> tuple[str | None, int | None]:
    """The place of a key in a graph that was built in Python: none."""
    return None, None


def check(
    spec: GraphSpec,
    *,
    tools: Collection[str] = (),
    agents: Collection[str] = (),
    scorers: Collection[str] = (),
    where: Where = nowhere,
) -> None:
    """Refuse a graph that cannot run.

    Args:
        spec: The graph.
        tools: Names of tools that are given in Python besides those of the file.
        agents: Names of agents that are given in Python.
        scorers: Names of scorers that are given in Python.
        where: File and line of a key path, for messages.

    Raises:
        ConfigError: Every mistake, with all that is known about its place; the attributes are those of the first.
    """
    errors = []
    mistakes = _mistakes(spec, {*spec.tools, *tools}, {*KINDS, *agents}, scorers)
    for key, problem, found, allowed, hint in mistakes:
        file, line = where(key)
        errors.append(ConfigError(problem, file=file, line=line, key=key, found=found, allowed=allowed, hint=hint))
    if errors:
        raise errors[0] if len(errors) == 1 else InvalidDocument(errors)


def _mistakes(
    spec: GraphSpec, tools: Collection[str], agents: Collection[str], scorers: Collection[str]
) -> Iterator[Mistake]:
    named = [*_nodes(spec, tools, agents), *_decisions(spec), *_edges(spec, agents), *_summarizers(spec)]
    named += [*process_mistakes(spec, scorers), *step_mistakes(spec)]
    yield from named
    if not named:  # what follows would stumble over names that do not exist, or tell the same mistake again
        yield from _paths(spec)
        yield from _scale(spec)


def _nodes(spec: GraphSpec, tools: Collection[str], agents: Collection[str]) -> Iterator[Mistake]:
    for name, node in spec.nodes.items():
        key = f"nodes.{name}"
        if name in (START, END, FRESH) or not _NAME.fullmatch(name):
            hint = f"use letters, digits, - and _, and none of {START}, {END} and {FRESH}"
            yield key, "a node may not be called this", name, (), hint
        if isinstance(node, CustomSettings) and node.agent not in agents:
            yield f"{key}.agent", "unknown agent", node.agent, sorted(agents), None
        if node.model not in spec.models:
            yield f"{key}.model", "unknown model", node.model, sorted(spec.models), None
        if isinstance(node, ExecutorSettings | StepExecutorSettings):
            for position, tool in enumerate(node.tools):
                if tool not in tools:
                    yield f"{key}.tools.{position}", "unknown tool", tool, sorted(tools), None
        thread = getattr(node, "thread", FRESH)
        if thread != FRESH and (thread not in spec.nodes or thread == name):
            allowed = [FRESH, *(other for other in spec.nodes if other != name)]
            yield f"{key}.thread", "unknown thread", thread, allowed, None


def _edges(spec: GraphSpec, agents: Collection[str]) -> Iterator[Mistake]:
    if START not in spec.edges:
        yield "edges", "no edge says where the graph begins", None, (), f"add `{START}: NODE`"
    for source in spec.edges:
        if source not in (START, *spec.nodes):
            yield f"edges.{source}", "an edge from a node that does not exist", source, (START, *spec.nodes), None
            continue
        if source == START and not isinstance(spec.edges[START], str):
            yield f"edges.{START}", "the start has no status", spec.edges[START], sorted(spec.nodes), None
        for status, target in spec.targets(source).items():
            key = f"edges.{source}" if status == "*" else f"edges.{source}.{status}"
            if status != "*" and source != START:
                statuses = _statuses(spec, source)
                if statuses and status not in statuses:
                    yield key, f"the agent of {source!r} never reports this status", status, sorted(statuses), None
            if target not in (END, *spec.nodes) or (source == START and target == END):
                yield key, "an edge to nowhere", target, (*spec.nodes, END), None
    for name in spec.nodes:
        if name not in spec.edges:
            hint = f"add `{name}: {END}` or name the next node"
            yield "edges", f"no edge leads on from the node {name!r}", None, (), hint
        missing = _statuses(spec, name) - {"failed", "over_budget"} - set(spec.targets(name))
        if missing and "*" not in spec.targets(name) and name in spec.edges:
            yield f"edges.{name}", f"no target for the status {min(missing)!r}", None, (), f"add `{min(missing)}: NODE`"


def _summarizers(spec: GraphSpec) -> Iterator[Mistake]:
    keepers = [name for name, node in spec.nodes.items() if isinstance(node, SummarizerSettings)]
    for name in spec.nodes:
        target = spec.targets(name).get("over_budget")
        if target is not None and target not in keepers:
            yield f"edges.{name}.over_budget", "this status leads to a summarizer", target, keepers, None
    for name in keepers:
        sources = [other for other in spec.nodes if spec.targets(other).get("over_budget") == name]
        if len(sources) != 1:
            hint = f"add `NODE: {{over_budget: {name}, done: …}}` for one executor, and a summarizer for each other"
            yield f"nodes.{name}", "a summarizer keeps the thread of exactly one node short", sources, (), hint
        elif set(spec.targets(name).values()) - {END} != {sources[0]}:
            problem, hint = "a summarizer leads back to the node that it summarizes", f"write `{name}: {sources[0]}`"
            yield f"edges.{name}", problem, spec.edges.get(name), (), hint


def _decisions(spec: GraphSpec) -> Iterator[Mistake]:
    deciding = sorted(name for name, kind in KINDS.items() if kind.decides)
    if not any(node.agent not in KINDS or node.agent in deciding for node in spec.nodes.values()):
        yield "nodes", "no node gives a verdict", None, deciding, "add a node with one of these agents"


def _statuses(spec: GraphSpec, node: str) -> frozenset[str]:
    """The statuses that a node can report; none where it is the user's own and may report any."""
    agent = spec.nodes[node].agent
    return KINDS[agent].statuses if agent in KINDS else frozenset()


def _paths(spec: GraphSpec) -> Iterator[Mistake]:
    reached = _reach(spec, START)
    for name in spec.nodes:
        if name not in reached:
            yield f"nodes.{name}", "no edge leads to this node", name, (), "add an edge to it or delete it"
    for name in spec.nodes:
        if END not in _reach(spec, name):
            yield f"edges.{name}", f"no path leads from here to {END!r}", spec.edges.get(name), (), None
        if name in _reach(spec, name) and spec.limits.visits is None:
            hint = "set limits.visits to the number of times that a node may be entered"
            yield f"edges.{name}", "a loop without a bound", spec.edges.get(name), (), hint


def _reach(spec: GraphSpec, source: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(spec.targets(source).values())
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += spec.targets(node).values()
    return seen


def _scale(spec: GraphSpec) -> Iterator[Mistake]:
    if spec.mode == "pairwise" and spec.scale.labels and set(spec.scale.labels) - {TIE} != {"A", "B"}:
        yield (
            "scale.labels",
            "the labels of a pairwise judge are A and B, with or without tie",
            list(spec.scale.labels),
            (),
            None,
        )
    if spec.mode == "step" and spec.scale.labels:
        yield "scale.labels", "a step judge gives numbers", list(spec.scale.labels), (), "use {min: …, max: …}"
    judges = [name for name, node in spec.nodes.items() if isinstance(node, JudgeSettings)]
    if spec.mode == "answer" and judges:
        yield f"nodes.{judges[0]}", "a judge cannot decide in mode answer", spec.mode, (), "use the agent answerer"
    for name in judges:
        if spec.samples > 1 and spec.models[spec.nodes[name].model].temperature == 0:
            hint = f"set models.{spec.nodes[name].model}.temperature above 0"
            yield "samples", "at temperature 0 all votes of an order are the same", spec.samples, (), hint
