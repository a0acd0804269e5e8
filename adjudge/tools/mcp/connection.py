"""A connection with an MCP server that is opened when needed, and opened again when it broke.

Everything here runs on the loop of `loop.py`. One task holds a session from its beginning to its end, because its
scopes must be left by the task that entered them. A call races against that task: what ends a session ends its calls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from adjudge.errors import ToolError
from adjudge.tools.base import ToolContext, ToolOutput
from adjudge.tools.langchain import ERROR_CHARS, from_langchain, shorten_end
from adjudge.tools.mcp.loop import close_at_exit, closed
from adjudge.tools.mcp.results import as_text
from adjudge.tools.mcp.settings import McpSettings
from adjudge.tools.mcp.transport import Opener, Tail, openers

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from mcp import ClientSession

T = TypeVar("T")
PING_SECONDS = 2.0  # to show, after a call took too long, that the server is alive
GRACE_SECONDS = 6.0  # for a session to end by itself; the MCP library takes 4 to terminate and kill a process
LONGEST_PAUSE = 60.0  # seconds between attempts to reach a server that is down


class Unreachable(Exception):
    """A server could not be reached; the text says why."""


class _Lost(Exception):
    """A session ended while it was needed."""


class _Session:
    """One session, alive until it breaks or is ended."""

    def __init__(self, settings: McpSettings, base: Path) -> None:
        self._settings = settings
        self._tail = Tail()
        self._ways = openers(settings, base, self._tail)
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client: ClientSession | None = None
        self.tools: list[BaseTool] = []
        self.task = asyncio.create_task(self._live())

    @property
    def alive(self) -> bool:
        return not self.task.done() and not self._stop.is_set()

    async def opened(self) -> None:
        """Wait until it is open.

        Raises:
            Unreachable: It is not, within the time for it.
        """
        try:
            async with asyncio.timeout(self._settings.start_timeout):
                await asyncio.shield(self._ready)
        except TimeoutError as error:
            await self.end()
            raise Unreachable(
                self._why(f"it did not answer within {self._settings.start_timeout:g} seconds")
            ) from error
        except BaseException:
            await self.end()
            raise

    async def race(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the session.

        Raises:
            _Lost: The session ended before.
        """
        doing = asyncio.ensure_future(work)
        try:
            await asyncio.wait({doing, self.task}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise _Lost("the session ended")
            return doing.result()
        finally:
            doing.cancel()

    async def answers(self) -> bool:
        """Whether the server is alive and listening."""
        if self._client is None:
            return False
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.race(self._client.send_ping())
        except Exception:  # noqa: BLE001  # whatever it is, it is no answer
            return False
        return True

    async def end(self) -> None:
        """Leave the session; a process is terminated, and killed when that does not help."""
        self._stop.set()
        if not self._ready.done():
            self.task.cancel()
        for _ in range(2):
            await asyncio.wait({self.task}, timeout=GRACE_SECONDS)
            self.task.cancel()  # no effect on a task that is done

    async def _live(self) -> None:
        failures = []
        for way in self._ways:
            try:
                await self._live_through(way)
            except Exception as error:  # noqa: BLE001  # a transport raises whatever its libraries do, in groups
                failures.append(_reason(error))
            if self._ready.done():
                return
        if not self._ready.done():
            self._ready.set_exception(Unreachable(self._why("; ".join(dict.fromkeys(failures)))))

    async def _live_through(self, way: Opener) -> None:
        from langchain_mcp_adapters.tools import load_mcp_tools

        async with way() as client:
            await client.initialize()
            self.tools = await load_mcp_tools(client, tool_interceptors=[as_text], handle_tool_errors=False)
            self._client = client
            self._ready.set_result(None)
            await self._stop.wait()

    def _why(self, reason: str) -> str:
        said = self._tail.text
        return self._settings.redacted(f"{reason}; it wrote: …{said[-500:]}" if said else reason)


class Connection:
    """What is known of a server, and the session with it, where there is one."""

    def __init__(self, name: str, settings: McpSettings, base: Path) -> None:
        self._name = name
        self._settings = settings
        self._base = base
        self._session: _Session | None = None
        self._opening: asyncio.Task[_Session] | None = None
        self._failures = 0
        self._not_before = 0.0  # on the loop's clock
        self._background: set[asyncio.Task[None]] = set()

    async def tools(self) -> list[BaseTool]:
        """The server's tools.

        Raises:
            Unreachable: They cannot be had.
        """
        return list((await self._connected()).tools)

    async def call(self, tool: str, name: str, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        """Call a tool once; a failed call is never repeated, it may have had effects.

        Args:
            tool: Its name on the server.
            name: Its name for the model.
            arguments: What the model passes.
            context: Of the judgement; it does not leave this process.

        Raises:
            ToolError: The tool failed, was too slow, or its server cannot be reached.
        """
        from mcp import McpError

        session: _Session | None = None
        try:
            async with asyncio.timeout(self._settings.timeout):
                session = await self._connected()
                return await session.race(self._made(session, tool, name).call(arguments, context))
        except TimeoutError as error:
            if session is not None:
                self._later(self._drop_if_silent(session))
            raise ToolError(f"{name} did not answer within {self._settings.timeout:g} seconds") from error
        except Unreachable as error:
            raise ToolError(f"the server of {name} cannot be reached: {error}") from error
        except McpError as error:
            if session is not None and not await session.answers():
                self._later(self._drop(session))
                raise ToolError(self._broken(name)) from error
            raise ToolError(shorten_end(f"{name} failed: {error}", ERROR_CHARS)) from error
        except ToolError:
            raise
        except Exception as error:  # a boundary: a broken transport raises whatever its libraries do
            if session is not None:
                self._later(self._drop(session))
            raise ToolError(self._broken(name)) from error

    async def close(self) -> None:
        """End the session."""
        closed(self.close)
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._session is not None:
            await self._session.end()

    def close_soon(self) -> None:
        """Start to end the session."""
        self._later(self.close())

    def _made(self, session: _Session, tool: str, name: str) -> Any:
        found = next((item for item in session.tools if item.name == tool), None)
        if found is None:
            raise ToolError(f"its server no longer offers {name}")
        kept = self._settings
        return from_langchain(found, name=name, evidence=kept.evidence, max_chars=kept.max_chars)

    async def _connected(self) -> _Session:
        """The session, opened where there is none; side by side, all wait for the same attempt."""
        if self._session is not None and self._session.alive:
            return self._session
        if self._opening is None:
            wait = self._not_before - asyncio.get_running_loop().time()
            if wait > 0:
                raise Unreachable(f"{self._failures} attempts in a row failed; the next is made in {wait:.0f} seconds")
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())  # also when none waits
        return await asyncio.shield(self._opening)

    async def _open(self) -> _Session:
        try:
            if self._session is not None:
                await self._session.end()  # its process must be gone before the next is started
            session = _Session(self._settings, self._base)
            await session.opened()
        except Unreachable:
            self._failures += 1
            self._not_before = asyncio.get_running_loop().time() + min(LONGEST_PAUSE, 2.0**self._failures)
            raise
        finally:
            self._opening = None
        self._failures = 0
        self._session = session
        close_at_exit(self.close)
        return session

    async def _drop_if_silent(self, session: _Session) -> None:
        if not await session.answers():
            await self._drop(session)

    async def _drop(self, session: _Session) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await session.end()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _broken(self, name: str) -> str:
        return (
            f"the server of {name} broke off during the call, which may have had effects; it is reached anew next time"
        )


def _reason(error: BaseException) -> str:
    """The innermost cause of a group of errors, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return shorten_end(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, 300)
