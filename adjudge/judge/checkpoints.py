"""Checkpoints of judgements: LangGraph's SQLite saver, so that a graph goes on after the node that was finished last.

    judge = Judge.load("four_agents", journal="run/journal.sqlite", checkpoints="run/checkpoints.sqlite")

The journal alone already makes no finished call twice: a judgement that was cut off begins anew and finds its calls.
With checkpoints its finished nodes are not even entered again, and LangGraph's tools can look at every state that it
went through. Calls of the node that was cut off are found in the journal; without one they are made again. Of branches
that were cut off side by side, the costs of those that had ended may be missing from the usage.

A file holds JSON-like values of the types listed here and no pickle; anything else in it is refused. It keeps every
state of every judgement and is not needed once a run is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adjudge.errors import JournalError, MissingPackage
from adjudge.graphs.state import Cast
from adjudge.run import Run, Spent
from adjudge.types import Answer, Case, Process, Unscored, Verdict, Vote

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import StateSnapshot

# By the key of the state. What a tampered file holds instead comes back as plain data, and is refused for that.
TYPES: dict[str, tuple[type, ...]] = {
    "case": (Case,),
    "process": (Process,),
    "outcome": (Verdict, Answer, Unscored),
    "spent": (Spent,),
}
ALLOWED: tuple[type, ...] = (*(kind for kinds in TYPES.values() for kind in kinds), Cast, Vote)
TIMEOUT = 60.0  # seconds to wait for another process that is writing


@dataclass
class _Shared:
    """The one saver of an event loop, while there is a judgement in it."""

    opening: asyncio.Task[AsyncSqliteSaver]
    users: int = 0


class Checkpoints:
    """A file of checkpoints, shared by all judgements of all event loops; it is open only while one is under way.

    Args:
        path: The file. It is created when it is missing, with its folder.

    Raises:
        MissingPackage: LangGraph's SQLite saver is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._shared: dict[asyncio.AbstractEventLoop, _Shared] = {}
        _needed()

    async def invoke(
        self, graph: CompiledStateGraph[Any, Any, Any, Any], run: Run, digest: str, steps: int
    ) -> Mapping[str, Any]:
        """The state at the end of a graph, gone on with where it was cut off; one that had ended begins anew.

        Args:
            graph: Compiled without a checkpointer.
            run: The judgement.
            digest: Of the judge's fingerprint.
            steps: Most steps of LangGraph.

        Raises:
            JournalError: The file cannot be read or written, or holds what this version does not know.
        """
        thread = thread_of(run, digest)
        config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": steps}
        try:
            async with self.saver() as saver:
                kept = graph.copy(update={"checkpointer": saver})
                before = await self._before(kept, config)
                state: Any = {"case": run.case}
                if before.next:
                    _refuse_foreign(self.path, before.values)
                    run.resume(before.values.get("spent") or Spent())
                    state = None
                elif before.values:
                    await saver.adelete_thread(thread)
                return await kept.ainvoke(state, config, context=run, durability="sync")
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    async def _before(self, graph: CompiledStateGraph[Any, Any, Any, Any], config: Any) -> StateSnapshot:
        try:
            return await graph.aget_state(config)
        except Exception as error:  # what a damaged value raises depends on how it is damaged
            raise self._unusable(error) from error

    @asynccontextmanager
    async def saver(self) -> AsyncIterator[AsyncSqliteSaver]:
        """LangGraph's saver, open for as long as the block: for looking at states, for example.

        Raises:
            JournalError: The file cannot be opened.
        """
        loop = asyncio.get_running_loop()
        shared = self._shared.get(loop)
        if shared is None:
            shared = self._shared[loop] = _Shared(loop.create_task(self._open()))
        shared.users += 1
        try:
            yield await asyncio.shield(shared.opening)
        finally:
            shared.users -= 1
            if not shared.users:
                del self._shared[loop]
                await _close(shared.opening)

    async def _open(self) -> AsyncSqliteSaver:
        import aiosqlite
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        serializer = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=ALLOWED)
        async with AsyncExitStack() as undo:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                connection = await undo.enter_async_context(aiosqlite.connect(self.path, timeout=TIMEOUT))
                saver = AsyncSqliteSaver(connection, serde=serializer)
                await saver.setup()
            except (sqlite3.Error, OSError) as error:
                raise self._unusable(error) from error
            undo.pop_all()
        return saver

    def _unusable(self, error: Exception) -> JournalError:
        return JournalError(f"checkpoints {self.path}: cannot be read or written: {type(error).__name__}: {error}")


def thread_of(run: Run, digest: str) -> str:
    """The LangGraph thread of a judgement: the same for the same case before the same judge.

    Args:
        run: The judgement.
        digest: Of the judge's fingerprint.
    """
    return hashlib.sha256("\x1f".join((run.case.id, run.case_digest, digest)).encode()).hexdigest()[:32]


async def _close(opening: asyncio.Task[AsyncSqliteSaver]) -> None:
    try:
        saver = await opening
    except JournalError:
        return  # told to those who waited for it
    # A graph that failed may still be writing in the background. To close the connection in the midst of that would
    # keep the file locked until garbage collection.
    await asyncio.sleep(0)
    async with saver.lock:
        await saver.conn.rollback()
        await saver.conn.close()


def _refuse_foreign(path: Path, values: Mapping[str, Any]) -> None:
    for key, kinds in TYPES.items():
        value = values.get(key)
        if value is not None and not isinstance(value, kinds):
            raise JournalError(
                f"checkpoints {path}: {key!r} of a judgement is a {type(value).__name__}, which this version does not "
                "know; go on with the version that wrote it, or delete the file"
            )


def _needed() -> None:
    try:
        import langgraph.checkpoint.sqlite.aio  # noqa: F401  # to say so before anything is judged
    except ImportError as error:
        install = "pip install langgraph-checkpoint-sqlite"
        raise MissingPackage("langgraph.checkpoint.sqlite", needed_for="checkpoints", install=install) from error
