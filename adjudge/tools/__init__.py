"""Tools that a judge may call: one file each, plain async functions with full docstrings.

    tool = build_tool(CorpusSettings(kind="corpus_search", path="corpus.jsonl"), base=Path("graphs"))

`KINDS` lists the built-in tools that a graph file can name; in Python any `Tool` will do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from adjudge.tools import corpus, evidence
from adjudge.tools.base import Tool, ToolContext, ToolOutput, tool
from adjudge.tools.corpus import CorpusSettings, corpus_search
from adjudge.tools.evidence import ReadEvidenceSettings, read_evidence

ToolSpec = Annotated[CorpusSettings | ReadEvidenceSettings, Field(discriminator="kind")]

KINDS: dict[str, Callable[[Any, Path], Tool]] = {
    "corpus_search": corpus.build,
    "read_evidence": evidence.build,
}


def build_tool(spec: ToolSpec, base: Path) -> Tool:
    """The tool that a graph file asks for.

    Args:
        spec: The settings of a built-in kind.
        base: Folder of the graph file, for relative paths.

    Raises:
        ConfigError: What the settings name does not exist or cannot be used.
    """
    return KINDS[spec.kind](spec, base)


__all__ = [
    "KINDS",
    "CorpusSettings",
    "ReadEvidenceSettings",
    "Tool",
    "ToolContext",
    "ToolOutput",
    "ToolSpec",
    "build_tool",
    "corpus_search",
    "read_evidence",
    "tool",
]
