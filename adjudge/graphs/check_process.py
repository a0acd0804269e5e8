"""What is wrong with the nodes of a judge file that plan, carry out and check."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from adjudge.agents.planner import PlannerSettings
from adjudge.agents.process_judge import ProcessJudgeSettings
from adjudge.agents.step_executor import AGREEMENT, StepExecutorSettings
from adjudge.agents.thinking import MOST_ROUNDS
from adjudge.graphs.spec import CustomSettings, GraphSpec

Mistake = tuple[str, str, object, Iterable[str], str | None]  # key, problem, found, allowed, hint


def process_mistakes(spec: GraphSpec, scorers: Collection[str]) -> Iterator[Mistake]:
    """Mistakes that show before anything runs.

    Args:
        spec: The graph.
        scorers: Names of scorers that are given in Python.
    """
    planned = any(isinstance(node, PlannerSettings | CustomSettings) for node in spec.nodes.values())
    for name, node in spec.nodes.items():
        key = f"nodes.{name}"
        if isinstance(node, StepExecutorSettings | ProcessJudgeSettings) and not planned:
            yield (
                f"{key}.agent",
                "nobody plans what this agent works on",
                node.agent,
                (),
                "add a node with agent: planner",
            )
        if isinstance(node, PlannerSettings):
            yield from _planner(spec, key, node)
        elif isinstance(node, StepExecutorSettings):
            yield from _executor(spec, key, node, scorers)
        elif isinstance(node, ProcessJudgeSettings):
            yield from _judge(spec, key, node)


def _planner(spec: GraphSpec, key: str, node: PlannerSettings) -> Iterator[Mistake]:
    if node.parallel > 1 and not node.examples and _same(spec, node.model):
        problem = "at temperature 0 and without examples all plans are the same"
        yield f"{key}.parallel", problem, node.parallel, (), _warmer(node.model)
    yield from _adaptive(key, "parallel", node.parallel, node.adaptive)


def _executor(spec: GraphSpec, key: str, node: StepExecutorSettings, scorers: Collection[str]) -> Iterator[Mistake]:
    if node.scorer not in (AGREEMENT, *scorers):
        hint = "give it in Python: Judge.load(…, scorers={name: judge or function})"
        yield f"{key}.scorer", "unknown scorer", node.scorer, (AGREEMENT, *sorted(scorers)), hint
    if node.best_of > 1 and _same(spec, node.model):
        problem = "at temperature 0 all candidates of a step are the same"
        yield f"{key}.best_of", problem, node.best_of, (), _warmer(node.model)
    yield from _adaptive(key, "best_of", node.best_of, node.adaptive)
    if node.tools and node.max_turns == 1:
        problem = "the last turn of a step is without tools, so these could never be called"
        yield f"{key}.max_turns", problem, node.max_turns, (), "set it to 2 or more, or tools: []"


def _adaptive(key: str, setting: str, most: int, adaptive: bool) -> Iterator[Mistake]:
    if adaptive and most == 1:
        problem = f"it draws two or more, up to {setting}, and that is 1"
        yield f"{key}.adaptive", problem, adaptive, (), f"set {key}.{setting} above 1, or adaptive: false"


def _judge(spec: GraphSpec, key: str, node: ProcessJudgeSettings) -> Iterator[Mistake]:
    visits = spec.limits.visits
    if visits is not None and visits <= node.corrections:
        problem = f"so many corrections enter nodes {node.corrections + 1} times, and limits.visits is {visits}"
        hint = f"set limits.visits to {node.corrections + 1} or more"
        yield f"{key}.corrections", problem, node.corrections, (), hint
    reply = spec.models[node.model].max_tokens if node.model in spec.models else None
    if reply is not None and node.min_thinking_tokens > MOST_ROUNDS * reply:
        problem = f"it is asked to think {MOST_ROUNDS} times at most, and a reply has {reply} tokens at most"
        hint = f"set models.{node.model}.max_tokens to {-(-node.min_thinking_tokens // MOST_ROUNDS)} or more"
        yield f"{key}.min_thinking_tokens", problem, node.min_thinking_tokens, (), hint
    if node.evidence == "cited" and not any(_may_gather(other) for other in spec.nodes.values()):
        hint = "give the node that carries the plan out tools, or set evidence: none"
        yield f"{key}.evidence", "no node has tools, so there is no evidence to cite", node.evidence, (), hint


def _may_gather(node: object) -> bool:
    return isinstance(node, CustomSettings) or bool(getattr(node, "tools", ()))


def _same(spec: GraphSpec, model: str) -> bool:
    return model in spec.models and spec.models[model].temperature == 0


def _warmer(model: str) -> str:
    return f"set models.{model}.temperature above 0"
