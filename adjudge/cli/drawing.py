"""A judge file's graph as text: in ASCII by ourselves, in mermaid by LangGraph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adjudge.agents import KINDS, Report, Work
from adjudge.agents.deciding import sees_order
from adjudge.agents.executor import ExecutorSettings
from adjudge.agents.judge import JudgeSettings
from adjudge.agents.planner import PlannerSettings
from adjudge.agents.process_judge import ProcessJudgeSettings
from adjudge.agents.step_executor import StepExecutorSettings
from adjudge.errors import ConfigError
from adjudge.graphs import START, Forks, GraphSpec, Member, build
from adjudge.run import Run


def draw(spec: GraphSpec) -> str:
    """Nodes with what they do, and under each the statuses it reports with where they lead; pure ASCII."""
    lines = [START, *_arrows(spec.targets(START))]
    for name, node in spec.nodes.items():
        facts = "; ".join((node.agent, *_facts(spec, node)))
        lines += ["", f"[{name}]  {facts}", *_arrows(spec.targets(name))]
    return "\n".join(lines)


def mermaid_of(spec: GraphSpec) -> str:
    """The compiled graph as mermaid text. Votes are forked as for a model whose verdict can depend on the order."""
    members = {name: _member(spec, name, node) for name, node in spec.nodes.items()}
    return build(spec, members).compile().get_graph().draw_mermaid().rstrip()


def _arrows(targets: dict[str, str]) -> list[str]:
    return [f"  |--{'' if status == '*' else f' {status} --'}> {target}" for status, target in targets.items()]


def _facts(spec: GraphSpec, node: Any) -> Iterator[str]:
    if len(spec.models) > 1:
        yield f"model {node.model}"
    if isinstance(node, PlannerSettings) and node.parallel > 1:
        yield f"{'up to ' if node.adaptive else ''}{node.parallel} plans"
    if isinstance(node, ExecutorSettings | StepExecutorSettings):
        yield f"tools {', '.join(node.tools) or 'none'}"
        yield f"up to {node.max_turns} turns"
    if isinstance(node, StepExecutorSettings) and node.best_of > 1:
        yield f"best of {'up to ' if node.adaptive else ''}{node.best_of} by {node.scorer}"
    if isinstance(node, ProcessJudgeSettings):
        yield f"up to {node.corrections} corrections"
        if node.min_thinking_tokens:
            yield f"thinks {node.min_thinking_tokens} tokens or more"
        if node.evidence == "cited":
            yield "sees what the results cite"
    if isinstance(node, JudgeSettings):
        yield f"decides by {node.decide}"
        if node.thread != "fresh":
            yield f"continues {node.thread}"
        if spec.mode in ("pairwise", "listwise", "step"):
            yield "both orders" if spec.orders == "both" else "one order"
        if spec.samples > 1:
            yield f"{spec.samples} samples"


def _member(spec: GraphSpec, name: str, node: Any) -> Member:
    kind = KINDS.get(node.agent)
    if kind is None or not kind.forked:
        return Member(_never, node.agent, None)
    both = spec.orders == "both" and sees_order(node.decide, spec.mode, each=node.each)
    return Member(_never, node.agent, Forks(name, spec.mode, both, spec.samples, spec.seed))


async def _never(work: Work, run: Run) -> Report:
    raise ConfigError("this graph was built to be drawn and cannot run")
