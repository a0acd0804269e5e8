"""`adjudge mcp`: offer judges to agents, as an MCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server.fastmcp import FastMCP

    from adjudge.judge import Judge

INTERRUPTED = 130


def mcp(
    graphs: Annotated[
        list[str] | None, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file. Repeatable.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="As for `adjudge judge`.")] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", "-c", help="What to search: a JSONL file, a document or a folder.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the graphs: --set limits.seconds=60. Repeatable."),
    ] = None,
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="[HOST:]PORT",
            help="Serve http://HOST:PORT/mcp instead of standard input and output. Default host: 127.0.0.1.",
        ),
    ] = None,
) -> None:
    """Offer judges as an MCP server: one tool a graph, `judge_<name>`.

    \b
    adjudge mcp --graph evidence --corpus corpus.jsonl
    adjudge mcp --graph direct --graph rubric --model http://127.0.0.1:8000/v1
    adjudge mcp --http 8765

    Standard output carries the protocol only. There is no authentication:
    over HTTP, whoever reaches the port can spend your model.
    """
    import asyncio

    from adjudge.cli.opening import open_judges, side_by_side
    from adjudge.cli.screen import Screen
    from adjudge.mcp_server import AT_ONCE, LOOPBACK, mcp_server

    place = Place("127.0.0.1", 8000) if http is None else parse_place(http)
    judges = open_judges(graphs or ["evidence"], model, corpus, settings or ())
    at_once = min(AT_ONCE, *(side_by_side(judge) for judge in judges))
    server = mcp_server(judges, host=place.host, port=place.port, at_once=at_once)
    screen = Screen()
    names = ", ".join(judge.spec.name for judge in judges)
    if http is None:
        screen.note(("mcp     ", "bold"), f"{names} on standard input and output")
    else:
        screen.note(("mcp     ", "bold"), f"{names} at http://{place.shown}/mcp")
        if place.host not in LOOPBACK:
            screen.warning(f"{place.host} is not a loopback address: whoever reaches it can spend your model")
    try:
        asyncio.run(_serve(server, judges, http is not None))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


class Place(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    @property
    def shown(self) -> str:
        """As part of a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_place(text: str) -> Place:
    """`PORT`, `HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        ConfigError: It is none of these.
    """
    from adjudge.errors import ConfigError

    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigError("--http takes PORT or HOST:PORT", found=text, hint="for example --http 127.0.0.1:8765")
    return Place(host.strip("[]") or "127.0.0.1", int(port))


async def _serve(server: FastMCP, judges: Sequence[Judge], over_http: bool) -> None:
    from adjudge.mcp_server import closing, serve_http, serve_stdio

    async with closing(judges):
        await (serve_http(server) if over_http else serve_stdio(server))
