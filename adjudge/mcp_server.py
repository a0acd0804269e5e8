"""Judges as an MCP server: one tool a judge, for agents that want their answers checked.

    serve_stdio(mcp_server([Judge.load("evidence")]))     # what `adjudge mcp --graph evidence` does

A tool takes text only: no paths, no URLs that are fetched, no images. Its result is that of `adjudge judge --json`. A
judgement that could not be made is a result too (`judgement.type` is `unscored`, with the reason); what a caller got
wrong is an MCP tool error. There is no authentication: whoever reaches the server can spend the models behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adjudge import __version__
from adjudge.errors import ConfigError, MissingPackage
from adjudge.judge import Judge
from adjudge.tools.langchain import safe_name
from adjudge.types import Case, Criterion, Mode

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

MAX_CHARS = 4_000_000  # of one case, as JSON
AT_ONCE = 4  # judgements side by side, over all judges
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ASKED: dict[Mode, str] = {
    "pairwise": "Compares two responses to a prompt: pass exactly two.",
    "listwise": "Ranks several responses to a prompt: pass two or more.",
    "pointwise": "Scores one response to a prompt: pass exactly one.",
    "answer": "Answers a prompt from evidence; there are no responses to pass.",
}
_RETURNS = (
    "Returns JSON: `judgement` (type `verdict` or `answer` with rationale and citations such as E1; or type `unscored` "
    "with the reason, which says nothing about the responses), `votes`, the `evidence` that was found, and `usage`."
)


class InlineDocument(BaseModel):
    """A document for the judge to search and cite."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="The document itself. Paths and URLs are refused.")
    id: str = Field(default="", description="How citations name it; by default document-1, document-2, …")
    title: str = ""

    @model_validator(mode="before")
    @classmethod
    def _no_paths(cls, value: Any) -> Any:
        if isinstance(value, dict) and "path" in value:
            raise ValueError("paths are refused here: send the document inline, as `text`")
        return {"text": value} if isinstance(value, str) else value


Prompt = Annotated[str, Field(description="The question or task that the responses answer.")]
Responses = Annotated[list[str], Field(min_length=1, description="The responses, in full.")]
# Text only, with "" for none: of any other type, FastMCP would read a reference that is JSON as what it means.
Reference = Annotated[str, Field(description="A correct answer, where one is known.")]
Rubric = Annotated[str | list[Criterion] | None, Field(description="What to judge by: text, or weighted criteria.")]
Documents = Annotated[list[InlineDocument], Field(description="Documents to search, inline.")]
Judging = Callable[..., Awaitable[dict[str, Any]]]


def mcp_server(
    judges: Sequence[Judge], *, host: str = "127.0.0.1", port: int = 8000, at_once: int = AT_ONCE
) -> FastMCP:
    """A server that offers judges.

    Args:
        judges: Each becomes the tool `judge_<name>`. Those of mode `step` cannot be offered.
        host: Where it listens when served over HTTP. On a loopback address, requests that name another host or come
            from another origin are refused, so that no web page can reach it.
        port: The same, 1 to 65535.
        at_once: Judgements side by side.

    Raises:
        ConfigError: Two judges have the same name, or one scores steps.
        MissingPackage: The package `mcp` is not installed.
    """
    try:
        from mcp.server.fastmcp import FastMCP
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise MissingPackage("mcp", needed_for="the MCP server", install='pip install "adjudge[mcp]"') from error

    server = FastMCP(
        "adjudge", instructions="Judges that gather evidence and cite it.", host=host, port=port, log_level="WARNING"
    )
    server._mcp_server.version = __version__  # FastMCP would tell its own
    gate = asyncio.Semaphore(at_once)
    names: set[str] = set()
    for judge in judges:
        name = safe_name(f"judge_{judge.spec.name}")
        if name in names:
            raise ConfigError("two judges have the same name", found=judge.spec.name, hint="rename one in its file")
        names.add(name)
        server.add_tool(
            _judging(judge, gate),
            name=name,
            description=_description(judge),
            annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=bool(judge.tools)),
        )
    return server


def _description(judge: Judge) -> str:
    return "\n\n".join(part for part in (judge.spec.description, _ASKED[judge.spec.mode], _RETURNS) if part)


def _judging(judge: Judge, gate: asyncio.Semaphore) -> Judging:
    """The function whose signature the tool's schema is read from."""

    async def judged(**fields: Any) -> dict[str, Any]:
        case = _case(**fields)
        async with gate:
            return (await judge.ajudge(case)).to_dict()

    async def compare(
        prompt: Prompt,
        responses: Responses,
        reference: Reference = "",
        rubric: Rubric = None,
        documents: Documents = [],  # noqa: B006  # read, never changed; the schema shows it
    ) -> dict[str, Any]:
        known = {"responses": responses, "reference": reference or None, "rubric": rubric}
        return await judged(prompt=prompt, documents=documents, **known)

    async def answer(
        prompt: Prompt,
        rubric: Rubric = None,
        documents: Documents = [],  # noqa: B006  # as above
    ) -> dict[str, Any]:
        return await judged(prompt=prompt, rubric=rubric, documents=documents)

    if judge.spec.mode not in _ASKED:
        raise ConfigError(
            f"the judge {judge.spec.name!r} scores steps of an agent, which this server does not offer",
            found=judge.spec.mode,
            allowed=tuple(_ASKED),
        )
    return answer if judge.spec.mode == "answer" else compare


def _case(*, documents: Sequence[InlineDocument], **fields: Any) -> Case:
    """A case of what a caller passed.

    Raises:
        ConfigError: It is too long.
    """
    rows = [
        {"id": item.id or f"document-{number}", "title": item.title, "text": item.text}
        for number, item in enumerate(documents, start=1)
    ]
    given = {key: value for key, value in fields.items() if value is not None}
    case = Case.model_validate({**given, "documents": rows})
    if (length := len(case.model_dump_json())) > MAX_CHARS:
        raise ConfigError(f"the case is longer than {MAX_CHARS:,} characters", found=length, hint="send less text")
    return case


async def serve_stdio(server: FastMCP) -> None:
    """Serve on standard input and output until the input ends.

    Both are kept for the protocol: whatever else writes to standard output, in Python or below, goes to standard error,
    and whatever else reads standard input finds it empty.
    """
    import anyio

    with _kept_streams() as (asked, told):
        await _serve(server, _lines(asked), anyio.wrap_file(told))


@contextmanager
def _kept_streams() -> Iterator[tuple[int, TextIO]]:
    """Standard input, as a descriptor that its reader closes, and standard output, out of everybody else's reach."""
    asked = os.dup(0)
    with os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n") as told:
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        shown, sys.stdout = sys.stdout, sys.stderr
        try:
            yield asked, told
        finally:
            sys.stdout = shown


async def _serve(server: FastMCP, asked: Any, told: Any) -> None:
    from mcp.server.stdio import stdio_server

    inner = server._mcp_server  # FastMCP.run_stdio_async takes no streams of one's own
    async with stdio_server(asked, told) as (reading, writing):
        await inner.run(reading, writing, inner.create_initialization_options())


async def _lines(descriptor: int) -> AsyncIterator[str]:
    """Lines of an open file, read in a thread that nobody waits for: a read cannot be interrupted, the server can."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            with os.fdopen(descriptor, "rb") as file:
                for line in file:
                    loop.call_soon_threadsafe(queue.put_nowait, line.decode("utf-8", "replace"))
            loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="adjudge-mcp-stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


async def serve_http(server: FastMCP) -> None:
    """Serve streamable HTTP at `/mcp` until interrupted."""
    await server.run_streamable_http_async()


@asynccontextmanager
async def closing(judges: Sequence[Judge]) -> AsyncIterator[None]:
    """Close judges at the end."""
    try:
        yield
    finally:
        for judge in judges:
            await judge.aclose()
