"""Tools that a judge may call: one file each, plain async functions with full docstrings.

    tool = build_tool(CorpusSettings(kind="corpus_search", path="corpus.jsonl"), base=Path("graphs"))

`KINDS` lists the built-in tools that a graph file can name; in Python any `Tool` will do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from adjudge.errors import ConfigError
from adjudge.tools import corpus, evidence
from adjudge.tools.base import Tool, ToolContext, ToolOutput, tool
from adjudge.tools.corpus import CorpusSettings, corpus_search
from adjudge.tools.documents import (
    ReadDocumentSettings,
    ViewPageSettings,
    build_read_document,
    build_view_page,
    read_document,
    view_page,
)
from adjudge.tools.evidence import ReadEvidenceSettings, read_evidence
from adjudge.tools.langchain import from_langchain, is_langchain_tool
from adjudge.tools.mcp import McpSettings
from adjudge.tools.mcp import build as build_mcp
from adjudge.tools.python import PythonSettings, python
from adjudge.tools.python import build as build_python
from adjudge.tools.web import FetchSettings, Hit, WebSearchSettings, fetch, web_search
from adjudge.tools.web.fetch import build as build_fetch
from adjudge.tools.web.search import build as build_web_search

ToolSpec = Annotated[
    CorpusSettings
    | ReadEvidenceSettings
    | FetchSettings
    | WebSearchSettings
    | PythonSettings
    | ReadDocumentSettings
    | ViewPageSettings
    | McpSettings,
    Field(discriminator="kind"),
]

KINDS: dict[str, Callable[[Any, Path], Tool]] = {
    "corpus_search": corpus.build,
    "read_evidence": evidence.build,
    "fetch": build_fetch,
    "web_search": build_web_search,
    "python": build_python,
    "read_document": build_read_document,
    "view_page": build_view_page,
}


GROUPS: dict[str, Callable[[str, Any, Path], dict[str, Tool]]] = {"mcp": build_mcp}  # kinds that give several tools


def build_tool(spec: ToolSpec, base: Path) -> Tool:
    """The tool that a graph file asks for.

    Args:
        spec: The settings of a built-in kind.
        base: Folder of the graph file, for relative paths.

    Raises:
        ConfigError: What the settings name does not exist or cannot be used, or the kind gives several tools.
    """
    if spec.kind in GROUPS:
        raise ConfigError("this kind gives several tools", key="kind", found=spec.kind, hint="use `build_tools`")
    return KINDS[spec.kind](spec, base)


def build_tools(name: str, spec: ToolSpec, base: Path) -> dict[str, Tool]:
    """The tools that one entry of a graph file gives, by the names under which a model is offered them.

    Args:
        name: The entry's name. One tool has the same; several have names that begin with it.
        spec: The settings of a built-in kind.
        base: Folder of the graph file, for relative paths.

    Raises:
        ConfigError: What the settings name does not exist or cannot be used.
    """
    if spec.kind in GROUPS:
        return GROUPS[spec.kind](name, spec, base)
    return {name: build_tool(spec, base)}


__all__ = [
    "GROUPS",
    "KINDS",
    "CorpusSettings",
    "FetchSettings",
    "Hit",
    "McpSettings",
    "PythonSettings",
    "ReadDocumentSettings",
    "ReadEvidenceSettings",
    "Tool",
    "ToolContext",
    "ToolOutput",
    "ToolSpec",
    "ViewPageSettings",
    "WebSearchSettings",
    "build_tool",
    "build_tools",
    "corpus_search",
    "fetch",
    "from_langchain",
    "is_langchain_tool",
    "python",
    "read_document",
    "read_evidence",
    "tool",
    "view_page",
    "web_search",
]
