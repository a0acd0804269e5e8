"""The tools that one entry of a judge file gives."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import json
import logging
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adjudge.errors import ConfigError
from adjudge.tools.base import Tool, ToolContext, ToolOutput
from adjudge.tools.langchain import from_langchain, safe_names, shorten_end
from adjudge.tools.mcp.connection import GRACE_SECONDS, Connection, Unreachable
from adjudge.tools.mcp.loop import in_loop, tell_loop
from adjudge.tools.mcp.settings import McpSettings, folder_of
from adjudge.tools.mcp.transport import require_packages

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

logger = logging.getLogger(__name__)

MOST_TOOLS = 128  # OpenAI's limit for one request
DESCRIPTION_CHARS = 4_000  # kept of a tool's description
SCHEMA_CHARS = 64_000  # of a tool's schema as JSON


class _Server:
    """Holds a connection for as long as a tool of it is in use."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        weakref.finalize(self, tell_loop, connection.close_soon).atexit = False  # the loop sees to that


def build(name: str, settings: McpSettings, base: Path) -> dict[str, Tool]:
    """Connect to a server and take its tools.

    Args:
        name: The entry's name in the graph, with which the names of its tools begin.
        settings: The entry.
        base: Folder of the graph file, in which a command is started.

    Raises:
        ConfigError: The server cannot be started or reached, does not answer in time, or lacks a tool that is named.
        MissingPackage: The packages for MCP are not installed.
    """
    require_packages()
    connection = Connection(name, settings, base)
    found = _listed(name, settings, base, connection)
    server = _Server(connection)
    chosen = _chosen(name, settings, found)
    shown = safe_names(f"{name}_{tool}" for tool in chosen)
    return {
        shown[f"{name}_{tool}"]: _tool(name, shown[f"{name}_{tool}"], made, settings, server)
        for tool, made in chosen.items()
    }


def _listed(name: str, settings: McpSettings, base: Path, connection: Connection) -> list[BaseTool]:
    asked = in_loop(connection.tools())
    try:
        return asked.result(settings.start_timeout + 3 * GRACE_SECONDS)
    except (Unreachable, concurrent.futures.TimeoutError) as error:
        if settings.url is None:
            hint = f"see that the command runs by hand in {folder_of(base)}; it gets PATH, HOME and `env` only"
        else:
            hint = "see that the server runs, and that the URL is that of its MCP endpoint (often it ends in /mcp)"
        raise ConfigError(
            f"the MCP server {name!r} cannot be used: {error}", key=f"tools.{name}", found=settings.shown(), hint=hint
        ) from error
    except BaseException:  # an interrupt: nothing may stay behind
        asked.cancel()
        tell_loop(connection.close_soon)
        raise


def _chosen(name: str, settings: McpSettings, found: Iterable[BaseTool]) -> dict[str, BaseTool]:
    offered: dict[str, BaseTool] = {}
    for tool in found:
        if tool.name in offered:
            logger.warning("the MCP server %r lists the tool %r twice; the first is used", name, tool.name)
        offered.setdefault(tool.name, tool)
    key = f"tools.{name}.tools"
    for wanted in settings.tools or ():
        if wanted not in offered:
            raise ConfigError("the MCP server has no such tool", key=key, found=wanted, allowed=sorted(offered))
    chosen = offered if settings.tools is None else {wanted: offered[wanted] for wanted in settings.tools}
    if not chosen:
        raise ConfigError(f"the MCP server {name!r} offers no tools", key=f"tools.{name}", hint="remove this entry")
    if len(chosen) > MOST_TOOLS:
        hint = f"name those that the judge needs under {key}"
        raise ConfigError(f"more than {MOST_TOOLS} tools", key=key, found=len(chosen), hint=hint)
    return chosen


def _tool(entry: str, name: str, made: BaseTool, settings: McpSettings, server: _Server) -> Tool:
    own, schema = made.name, from_langchain(made).parameters
    if len(json.dumps(schema)) > SCHEMA_CHARS:
        raise ConfigError(
            f"the schema of the MCP server's tool {own!r} is longer than {SCHEMA_CHARS} characters",
            key=f"tools.{entry}.tools",
            hint="name the other tools here, without it",
        )
    description = shorten_end(made.description or f"The tool {own}.", DESCRIPTION_CHARS)

    async def call(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        return await asyncio.wrap_future(in_loop(server.connection.call(own, name, arguments, context)))

    return Tool(name, description, schema, _fingerprint(own, description, schema, settings), call)


def _fingerprint(own: str, description: str, schema: Mapping[str, Any], settings: McpSettings) -> str:
    content = [settings.shown(), own, description, schema, settings.evidence, settings.max_chars]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16]
