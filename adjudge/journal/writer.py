"""The one thread that writes: it commits everything that is queued in a single transaction, then wakes the waiters.

Many calls that finish at about the same time so share one commit. Waiters may live in several event loops and threads;
each loop is woken once for a batch. Whatever happens to the thread, no waiter is left hanging.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from adjudge.errors import JournalError
from adjudge.journal.failures import explain, is_busy
from adjudge.journal.schema import INSERT_CALL, SELECT_CALL

logger = logging.getLogger(__name__)

_LARGEST_BATCH = 1024  # records; bounds how long the first of them waits for the last

Row = tuple[bytes | str | float | int | None, ...]


class _Write(NamedTuple):
    statement: str
    row: Row
    done: asyncio.Future[bytes | None]


class _Outcome(NamedTuple):
    done: asyncio.Future[bytes | None]
    stored: bytes | None = None  # the value of an earlier record with the same key
    error: JournalError | None = None


class Writer:
    """Group commit on a connection that belongs to it from `start` to `close`.

    Args:
        connection: In autocommit mode, usable from any thread.
        path: The journal's file, for messages.
        timeout: Seconds that the connection waits for a lock, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, timeout: float) -> None:
        self.commits = 0
        self._connection = connection
        self._path = path
        self._timeout = timeout
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._last = False
        self._stopped: str | None = None  # why nothing is written any more
        self._thread = threading.Thread(target=self._run, name="adjudge-journal", daemon=True)

    def start(self) -> None:
        """Start the thread. It is a daemon: a forgotten journal does not keep the program from ending."""
        self._thread.start()

    def write(self, statement: str, row: Row) -> asyncio.Future[bytes | None]:
        """Queue a record; the future is done when its commit has returned.

        Returns:
            For `INSERT_CALL`, the stored value of an earlier record with this key, or None if this one was stored.
        """
        done: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(statement, row, done))
        if self._stopped is not None:  # set before the thread emptied the queue for the last time: one of us sees it
            self._refuse_queued(self._stopped)
        return done

    def close(self) -> None:
        """Write what is queued, end the thread and close the connection."""
        self._queue.put(None)
        if threading.current_thread() is not self._thread:  # the garbage collector may run anywhere
            self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        batch: list[_Write] = []
        reason = "it was closed before this could be written"
        try:
            while batch := self._take():
                _wake(self._commit(batch))
        except BaseException as error:  # nobody may go on waiting for a thread that has died
            reason = f"its writer thread has died of {error!r}; open the journal again"
            logger.exception("the journal's writer thread has died")
            _wake(_Outcome(write.done, error=self._refusal(reason)) for write in batch)
        finally:
            self._stopped = reason
            self._refuse_queued(reason)

    def _take(self) -> list[_Write]:
        """Everything that is queued, at least one record; empty when the journal is being closed."""
        batch: list[_Write] = []
        while not self._last and len(batch) < _LARGEST_BATCH:
            try:
                write = self._queue.get(block=not batch)
            except Empty:
                break
            if write is None:
                self._last = True
            else:
                batch.append(write)
        return batch

    def _commit(self, batch: list[_Write]) -> list[_Outcome]:
        try:
            return self._transact(batch)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a record is its own caller's to hear
            if len(batch) > 1 and not is_busy(error):
                return [outcome for write in batch for outcome in self._commit([write])]
            return [_Outcome(write.done, error=explain(self._path, error, timeout=self._timeout)) for write in batch]

    def _transact(self, batch: list[_Write]) -> list[_Outcome]:
        groups: dict[str, list[_Write]] = {}
        for write in batch:
            groups.setdefault(write.statement, []).append(write)
        outcomes: list[_Outcome] = []
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, writes in groups.items():
                outcomes += self._execute(statement, writes)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite may have rolled back by itself
                self._connection.execute("ROLLBACK")
            raise
        self.commits += 1
        return outcomes

    def _execute(self, statement: str, writes: list[_Write]) -> list[_Outcome]:
        stored = self._connection.executemany(statement, [write.row for write in writes]).rowcount
        if stored == len(writes) or statement != INSERT_CALL:
            return [_Outcome(write.done) for write in writes]
        winners = (self._connection.execute(SELECT_CALL, write.row[:1]).fetchone()[0] for write in writes)
        return [_Outcome(write.done, winner) for write, winner in zip(writes, winners, strict=True)]

    def _refuse_queued(self, reason: str) -> None:
        while True:
            try:
                write = self._queue.get_nowait()
            except Empty:
                return
            if write is not None:
                _wake([_Outcome(write.done, error=self._refusal(reason))])

    def _refusal(self, reason: str) -> JournalError:
        return JournalError(f"journal {self._path}: {reason}")


def _wake(outcomes: Iterable[_Outcome]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome.done.get_loop(), []).append(outcome)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, mine)
        except RuntimeError:  # the loop is closed, so nobody waits there
            logger.debug("%d journal records were committed after their event loop had ended", len(mine))


def _settle(outcomes: list[_Outcome]) -> None:
    for done, stored, error in outcomes:
        if done.done():  # the waiter was cancelled; its record is kept all the same
            continue
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(stored)
