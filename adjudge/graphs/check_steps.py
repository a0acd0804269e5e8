"""What is wrong with the judge nodes of a judge file that score steps by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from adjudge.agents.judge import JudgeSettings
from adjudge.agents.trajectory_summarizer import TrajectorySummarizerSettings
from adjudge.graphs.check_process import Mistake
from adjudge.graphs.spec import FRESH, CustomSettings, GraphSpec


def step_mistakes(spec: GraphSpec) -> Iterator[Mistake]:
    """Mistakes that show before anything runs."""
    summed = any(isinstance(node, TrajectorySummarizerSettings | CustomSettings) for node in spec.nodes.values())
    for name, node in spec.nodes.items():
        key = f"nodes.{name}"
        if isinstance(node, TrajectorySummarizerSettings) and spec.mode != "step":
            yield f"{key}.agent", "only a judge of steps has a trajectory to summarize", spec.mode, ("step",), None
        if not isinstance(node, JudgeSettings):
            continue
        if node.each:
            yield from _each(spec, key, node)
        if node.history != "full" and not node.each:
            problem = "what is seen of the steps before matters only where each is judged by itself"
            yield f"{key}.history", problem, node.history, (), "add each: true"
        if node.history == "summary" and not summed:
            hint = "add a node with agent: trajectory_summarizer before the judge"
            yield f"{key}.history", "nobody summarizes the trajectory", node.history, (), hint


def _each(spec: GraphSpec, key: str, node: JudgeSettings) -> Iterator[Mistake]:
    if spec.mode != "step":
        yield f"{key}.each", "only steps are judged each by itself", spec.mode, ("step",), "set mode: step"
    if node.thread != FRESH:
        problem = "a step that is judged by itself has a prompt of its own"
        yield f"{key}.thread", problem, node.thread, (FRESH,), None
    if node.principles:
        problem = "where each step is judged by itself, its criteria are part of the reply"
        yield f"{key}.principles", problem, node.principles, (), "delete it"
