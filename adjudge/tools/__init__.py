"""Tools that a judge may call: one file each, plain async functions with full docstrings."""

from adjudge.tools.base import Tool, ToolContext, ToolOutput, tool

__all__ = ["Tool", "ToolContext", "ToolOutput", "tool"]
