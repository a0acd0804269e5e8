"""An MCP server of the library, for tests: `python mcp_library_server.py TRANSPORT PORT`."""

from __future__ import annotations

import sys

from mcp.server.fastmcp import FastMCP

server = FastMCP("t", log_level="ERROR", host="127.0.0.1", port=int((sys.argv[2:] or ["0"])[0]))


@server.tool()
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def runtime(runtime: str) -> str:
    """Has a parameter that the adapter takes for its own."""
    return runtime


server.run(sys.argv[1])  # type: ignore[arg-type]  # one of its names
