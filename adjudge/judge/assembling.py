"""The agents of a graph, each in its place with its model and its forks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adjudge.agents import KINDS, Agent, Setting, StepScorer
from adjudge.agents.deciding import resolve, sees_order
from adjudge.agents.executor import ExecutorSettings, turns_of
from adjudge.agents.judge import JudgeSettings
from adjudge.graphs import Forks, GraphSpec, Member
from adjudge.models import ChatModel


def assemble(
    spec: GraphSpec,
    models: Mapping[str, ChatModel],
    agents: Mapping[str, Agent],
    scorers: Mapping[str, StepScorer] = {},
) -> dict[str, Member]:
    """The agent of each node.

    Args:
        spec: The graph, checked.
        models: Its models by name.
        agents: Agents given in Python, by the name that nodes use.
        scorers: Who scores candidate steps, by the name that nodes use.

    Raises:
        ConfigError: A model cannot do what an agent needs.
    """
    members = {}
    for name, node in spec.nodes.items():
        if node.agent in agents:
            members[name] = Member(agents[node.agent], node.agent, None)
            continue
        kind, model = KINDS[node.agent], spec.models[node.model]
        sampling = {"temperature": model.temperature, "top_p": model.top_p, "max_tokens": model.max_tokens}
        info = models[node.model].info
        setting = Setting(
            name,
            spec.mode,
            spec.scale,
            node.model,
            info,
            sampling,
            spec.budget(name),
            scorers,
            thread_tools(spec, name, models),
        )
        forks = _forks(spec, name, node, setting) if kind.forked else None
        members[name] = Member(kind.build(node, setting), node.agent, forks)
    return members


def thread_tools(spec: GraphSpec, name: str, models: Mapping[str, ChatModel]) -> tuple[str, ...]:
    """Tools that the model of the thread which a node continues was offered; none where it takes no turns.

    The same model goes on: another one's prompt shares nothing with that thread.
    """
    source, node = spec.nodes.get(getattr(spec.nodes[name], "thread", "")), spec.nodes[name]
    if not isinstance(source, ExecutorSettings) or source.model != node.model:
        return ()
    return source.tools if turns_of(source, models[source.model].info) else ()


def _forks(spec: GraphSpec, name: str, node: Any, setting: Setting) -> Forks:
    """A method that nothing is drawn for (no token is sampled, no order matters) is run once."""
    decide = resolve(node.decide, spec.mode, setting.info)
    swayed = sees_order(decide, spec.mode, each=node.each)
    samples = spec.samples if decide == "generate" else 1
    return Forks(
        name, spec.mode, swayed and spec.orders == "both", samples, spec.seed, shuffled=swayed and spec.orders == "one"
    )


def methods(spec: GraphSpec, models: Mapping[str, ChatModel]) -> dict[str, str]:
    """How each judge node decides, once `auto` is resolved."""
    judges = {name: node for name, node in spec.nodes.items() if isinstance(node, JudgeSettings)}
    return {name: resolve(node.decide, spec.mode, models[node.model].info) for name, node in judges.items()}
