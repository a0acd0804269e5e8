"""The tools of a judge: those of its graph, and those that were given besides them or in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from adjudge.agents.executor import ExecutorSettings
from adjudge.agents.step_executor import StepExecutorSettings
from adjudge.errors import ConfigError
from adjudge.graphs import GraphSpec
from adjudge.tools import Tool, build_tools, from_langchain, is_langchain_tool, tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

AnyTool: TypeAlias = "Tool | Callable[..., Any] | BaseTool"  # text: LangChain is imported only when one is given


class Toolbox(NamedTuple):
    """Tools by name, and what an entry of the graph that gives several tools stands for."""

    tools: dict[str, Tool]
    groups: dict[str, tuple[str, ...]]


def named(tools: Iterable[AnyTool] | Mapping[str, AnyTool]) -> dict[str, Tool]:
    """Tools that were given in Python: ours, async functions or LangChain's, by name."""
    pairs = tools.items() if isinstance(tools, Mapping) else ((None, item) for item in tools)
    made = [(name, _made(item, name)) for name, item in pairs]
    return {name or item.name: item for name, item in made}


def _made(item: Any, name: str | None) -> Tool:
    if isinstance(item, Tool):
        return item
    return from_langchain(item, name=name) if is_langchain_tool(item) else tool(item, name=name)


def open_tools(spec: GraphSpec, given: Mapping[str, Tool], base: Path) -> Toolbox:
    """The tools of a graph, and those given.

    Raises:
        ConfigError: One cannot be built, or two entries give tools of the same name.
    """
    tools: dict[str, Tool] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for name, entry in spec.tools.items():
        if name in given:
            continue
        made = build_tools(name, entry, base)
        for twice in made.keys() & (tools.keys() | spec.tools.keys() - {name}):
            raise ConfigError(
                "two entries give a tool of this name", key=f"tools.{name}", found=twice, hint="rename one"
            )
        tools |= made
        if list(made) != [name]:
            groups[name] = tuple(made)
    return Toolbox({**tools, **given}, groups)


def expanded(spec: GraphSpec, groups: Mapping[str, tuple[str, ...]]) -> GraphSpec:
    """The graph with the tools that its entries stand for, and without those entries."""
    if not groups:
        return spec
    nodes = dict(spec.nodes)
    for name, node in nodes.items():
        if isinstance(node, ExecutorSettings | StepExecutorSettings):
            members = [member for tool in node.tools for member in groups.get(tool, (tool,))]
            nodes[name] = node.model_copy(update={"tools": tuple(dict.fromkeys(members))})
    tools = {name: entry for name, entry in spec.tools.items() if name not in groups}
    return spec.model_copy(update={"nodes": nodes, "tools": tools})
