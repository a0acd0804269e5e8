"""`Journal`: the file as the rest of the package sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeVar

from pydantic import ValidationError

from adjudge.errors import JournalError
from adjudge.journal import schema
from adjudge.journal.encoding import Kind, decode, encode
from adjudge.journal.failures import explain
from adjudge.journal.writer import Row, Writer
from adjudge.types import Case, Frozen, JudgeResult, Position, Unscored

Stored = TypeVar("Stored", bound=Frozen)


class Counts(NamedTuple):
    """How much a journal holds."""

    calls: dict[str, int]  # by kind; kinds without a record are left out
    cases: int
    graphs: int
    results: int


class Journal:
    """The calls and results of runs, shared by threads, event loops and processes.

    It is opened by `with`, by `open()` or by its first use. Open it after a fork: an open journal cannot cross one
    (it says so). A process that is killed loses nothing that was committed. After a power cut the last commits may be
    missing, unless `durable` is set; those calls are simply made again.

    Args:
        path: The file. It is created when it is missing, with its folder; SQLite keeps a `-wal` and a `-shm` file
            beside it while it is open.
        mode: `resume` looks up and records. `replay` only reads, and a call that is not recorded is an error.
        durable: Whether each commit waits for the disk.
        timeout: Seconds to wait for another process that is writing.
        max_pages: Most pages of 4096 bytes that the file may have; None means as many as the disk holds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        mode: Literal["resume", "replay"] = "resume",
        durable: bool = False,
        timeout: float = 5.0,
        max_pages: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.mode = mode
        self._durable = durable
        self._timeout = timeout
        self._max_pages = max_pages
        self._lock = threading.Lock()  # one reading connection behind a lock: quicker than one for each thread
        self._opening = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._process = 0
        self._closed = False
        self._finalizer: weakref.finalize[..., Journal] | None = None

    def open(self) -> Self:
        """Open the file now, so that what is wrong with it shows before any work is done.

        Raises:
            JournalError: It cannot be opened, is no journal, or was made by another version.
        """
        with self._opening:
            if self._reader is None and not self._closed:
                self._open()
        return self

    def close(self) -> None:
        """Write what is pending and close the file; the journal cannot be used afterwards. Closing twice is fine."""
        with self._opening:
            self._closed = True
            if self._finalizer is not None:
                self._finalizer()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def commits(self) -> int:
        """Transactions committed so far by this object."""
        return 0 if self._writer is None else self._writer.commits

    def find(self, key: str) -> dict[str, Any] | None:
        """The recorded value of a call, or None. May be used from any thread.

        Args:
            key: From `key_of`.

        Raises:
            JournalError: The file cannot be read.
        """
        row = self._row(schema.SELECT_CALL, bytes.fromhex(key))
        return None if row is None else self._decode(row[0], key)

    def get(self, key: str, kind: Kind | None = None, position: Position | None = None) -> dict[str, Any] | None:
        """The recorded value of a call, or None if it has to be made: in a replay nothing can be made.

        Args:
            key: From `key_of`.
            kind: Named in the error of a replay.
            position: Named in the error of a replay.

        Raises:
            JournalError: The call is not recorded and this is a replay; or the file cannot be read.
        """
        value = self.find(key)
        if value is None and self.mode == "replay":
            raise self._missing(key, kind, position)
        return value

    async def put(self, key: str, kind: Kind, position: Position, value: Mapping[str, Any]) -> dict[str, Any]:
        """Record a finished call; returns when its commit has returned.

        Returns:
            The value to go on with, exactly as a replay will read it: this one, or that of whoever recorded the same
            key first.

        Raises:
            JournalError: It could not be recorded, so its result must not be used.
            TypeError: The value is not JSON.
        """
        data = encode(value)
        place = json.dumps(position, separators=(",", ":"))
        earlier = await self._write(schema.INSERT_CALL, (bytes.fromhex(key), kind, place, data, time.time()))
        return self._decode(data if earlier is None else earlier, key)

    async def put_case(self, case: Case, ordinal: int | None = None) -> None:
        """Record a case; one with the same id is replaced.

        Args:
            case: With everything it has, label and metadata included.
            ordinal: Its place in the input, from 0; None means after all that are known, or where it was.
        """
        await self.queue_case(case, ordinal)

    def queue_case(self, case: Case, ordinal: int | None = None) -> asyncio.Future[bytes | None]:
        """`put_case` for those who go on meanwhile: it is committed before, or with, whatever is recorded later."""
        done = self._write(schema.PUT_CASE, (case.id, ordinal, encode(case.model_dump(mode="json"))))
        done.add_done_callback(_heard)
        return done

    async def put_graph(self, digest: str, graph: Mapping[str, Any]) -> None:
        """Record what judged, under the digest of its fingerprint."""
        await self._write(schema.PUT_GRAPH, (digest, encode(graph)))

    async def put_result(self, result: JudgeResult, digest: str = "") -> None:
        """Record a result, trajectory included; an earlier one of the same case and graph is replaced.

        Args:
            result: The result.
            digest: That of its case (`Case.digest`), for `judged` to find it by.
        """
        reason = result.outcome.reason if isinstance(result.outcome, Unscored) else ""
        data = encode(result.model_dump(mode="json"))
        await self._write(schema.PUT_RESULT, (result.id, result.graph.digest, digest, reason, data, time.time()))

    def judged(self, case: Case, graph: str) -> JudgeResult | None:
        """The result of a case under a graph's digest, if the case has not changed and no model failed.

        A label or metadata that have changed, which no judge sees, are recorded.
        """
        row = self._row(schema.SELECT_JUDGED, case.id, graph, case.digest())
        found = None if row is None else self._validate(JudgeResult, row[0], case.id)
        if row is None or found is None or getattr(found.outcome, "reason", "") == "model_failure":
            return None
        if row[1] != encode(case.model_dump(mode="json")):
            self.queue_case(case)
        return found

    def cases(self) -> Iterator[Case]:
        """All cases in the order of the input."""
        for name, data in self._rows("SELECT id, json FROM cases ORDER BY ordinal, rowid"):
            yield self._validate(Case, data, name)

    def case(self, case_id: str) -> Case | None:
        """The case of an id, or None."""
        row = self._row("SELECT json FROM cases WHERE id = ?", case_id)
        return None if row is None else self._validate(Case, row[0], case_id)

    def waiting(self) -> Iterator[str]:
        """Ids of the cases that have no result yet, in the order of the input."""
        query = "SELECT id FROM cases WHERE id NOT IN (SELECT case_id FROM results) ORDER BY ordinal, rowid"
        return (str(name) for (name,) in self._rows(query))

    def graph(self, digest: str) -> dict[str, Any] | None:
        """What was recorded under a graph's digest, or None."""
        row = self._row("SELECT json FROM graphs WHERE digest = ?", digest)
        return None if row is None else self._decode(row[0], digest)

    def graphs(self) -> dict[str, dict[str, Any]]:
        """All graphs by digest, in the order of their first use."""
        rows = self._rows("SELECT digest, json FROM graphs ORDER BY rowid")
        return {digest: self._decode(data, digest) for digest, data in rows}

    def result(self, case_id: str, graph: str) -> JudgeResult | None:
        """The result of a case under a graph's digest, or None."""
        row = self._row("SELECT json FROM results WHERE case_id = ? AND graph = ?", case_id, graph)
        return None if row is None else self._validate(JudgeResult, row[0], case_id)

    def results(self, graph: str | None = None) -> Iterator[JudgeResult]:
        """Results in the order of the cases; those whose case was not recorded come last.

        Args:
            graph: Only those of this digest.
        """
        order = (
            "SELECT r.case_id, r.graph FROM results r LEFT JOIN cases c ON c.id = r.case_id"
            " WHERE ?1 IS NULL OR r.graph = ?1 ORDER BY c.ordinal IS NULL, c.ordinal, r.rowid"
        )
        for case_id, digest in self._rows(order, graph):  # sorts names, not whole results
            if (found := self.result(case_id, digest)) is not None:
                yield found

    def reasons(self, graph: str | None = None) -> dict[str, int]:
        """How many results there are of each reason for being unscored, most frequent first; under "" the scored."""
        query = "SELECT reason, count(*) FROM results WHERE ?1 IS NULL OR graph = ?1 GROUP BY 1 ORDER BY 2 DESC, 1"
        return dict(self._rows(query, graph))

    def counts(self) -> Counts:
        """How many calls of each kind, cases, graphs and results there are."""
        calls = dict(self._rows("SELECT kind, count(*) FROM calls GROUP BY kind ORDER BY kind"))
        totals = "SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM graphs), (SELECT count(*) FROM results)"
        ((cases, graphs, results),) = self._rows(totals)
        return Counts(calls, cases, graphs, results)

    def _open(self) -> None:
        connection = None
        try:
            logged = schema.has_log_file(self.path)
            with contextlib.ExitStack() as undo:
                if self.mode == "resume":
                    connection = schema.open_writable(
                        self.path, timeout=self._timeout, durable=self._durable, max_pages=self._max_pages
                    )
                    undo.callback(connection.close)
                reader = schema.open_readonly(self.path, timeout=self._timeout)
                undo.pop_all()
        except (sqlite3.Error, OSError) as error:
            raise self._explain(error) from error
        writer = None if connection is None else Writer(connection, self.path, timeout=self._timeout)
        if writer is not None:
            writer.start()
        left_over = self.path if writer is None and not logged else None
        self._process = os.getpid()
        self._finalizer = weakref.finalize(self, _shut, self._process, self._lock, reader, writer, left_over)
        self._writer = writer
        self._reader = reader  # last: others take it as the sign that all is open

    def _ready(self) -> sqlite3.Connection:
        if self._reader is None:
            self.open()
        if self._closed:
            raise JournalError(f"journal {self.path}: it is closed; open a new Journal on the same path")
        if self._process != os.getpid():
            raise JournalError(
                f"journal {self.path}: opened in process {self._process}, used in its child {os.getpid()}; "
                f"open a Journal in the child, after the fork"
            )
        assert self._reader is not None
        return self._reader

    def _write(self, statement: str, row: Row) -> asyncio.Future[bytes | None]:
        self._ready()
        if self._writer is None:
            raise JournalError(f"journal {self.path}: opened for replay, which records nothing; open it to resume")
        return self._writer.write(statement, row)

    def _row(self, query: str, *values: bytes | str) -> tuple[Any, ...] | None:
        reader = self._ready()
        try:
            with self._lock:
                row: tuple[Any, ...] | None = reader.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise self._explain(error) from error
        return row

    def _rows(self, query: str, *values: object) -> Iterator[Any]:
        # On a connection of its own: an unfinished query on the shared one would keep `find` at an old snapshot.
        self._ready()
        try:
            with contextlib.closing(schema.open_readonly(self.path, timeout=self._timeout)) as connection:
                yield from connection.execute(query, values)
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _decode(self, data: bytes, name: str) -> dict[str, Any]:
        try:
            return decode(data)
        except ValueError as error:
            raise JournalError(f"journal {self.path}: the record {name!r} is damaged: {error}") from error

    def _validate(self, model: type[Stored], data: bytes, name: str) -> Stored:
        try:
            return model.model_validate(self._decode(data, name))
        except ValidationError as error:
            raise JournalError(
                f"journal {self.path}: the record {name!r} does not read as a {model.__name__}: {error}"
            ) from error

    def _missing(self, key: str, kind: Kind | None, position: Position | None) -> JournalError:
        place = "" if position is None else " at " + ", ".join(f"{k} {v!r}" for k, v in position._asdict().items())
        return JournalError(
            f"journal {self.path}: no {kind or 'such'} call is recorded{place} (key {key[:12]}…); the case, graph, "
            f"prompts, model or tools differ from the recorded run, or it did not get this far: resume it instead"
        )

    def _explain(self, error: BaseException) -> JournalError:
        return explain(self.path, error, timeout=self._timeout)


def _heard(done: asyncio.Future[bytes | None]) -> None:
    """Whoever records something later hears of the same failure, so asyncio need not complain of this one."""
    if not done.cancelled():
        done.exception()


def _shut(
    process: int, lock: threading.Lock, reader: sqlite3.Connection, writer: Writer | None, left_over: Path | None
) -> None:
    if process != os.getpid():  # SQLite's connections belong to the process that opened them
        return
    with lock:
        reader.close()
    if writer is not None:
        writer.close()  # last: the connection that may write takes the log files away
    if left_over is not None:
        schema.remove_empty_log(left_over)
