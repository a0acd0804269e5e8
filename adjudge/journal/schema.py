"""The tables, and how a journal's file is created, checked and opened."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from adjudge.errors import JournalError
from adjudge.journal.failures import is_busy, primary_code

VERSION = 2
_APPLICATION_ID = 0x61646A64  # "adjd": tells a journal from other programs' databases

_TABLES = (
    "CREATE TABLE meta (schema_version INTEGER NOT NULL, created REAL NOT NULL)",
    "CREATE TABLE calls (key BLOB PRIMARY KEY, kind TEXT NOT NULL, position TEXT NOT NULL, value BLOB NOT NULL,"
    " created REAL NOT NULL)",
    "CREATE INDEX calls_by_kind ON calls (kind)",  # counting must not read a million values
    "CREATE TABLE cases (id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL, json BLOB NOT NULL)",
    "CREATE INDEX cases_by_ordinal ON cases (ordinal)",
    "CREATE TABLE graphs (digest TEXT PRIMARY KEY, json BLOB NOT NULL)",
    "CREATE TABLE results (case_id TEXT NOT NULL, graph TEXT NOT NULL, digest TEXT NOT NULL, reason TEXT NOT NULL,"
    " json BLOB NOT NULL, created REAL NOT NULL, PRIMARY KEY (case_id, graph))",  # digest of the case; reason or ''
)  # times in seconds since 1970

# The first record of a call stands, whoever wrote it; cases and results follow the latest run.
INSERT_CALL = "INSERT OR IGNORE INTO calls (key, kind, position, value, created) VALUES (?, ?, ?, ?, ?)"
SELECT_CALL = "SELECT value FROM calls WHERE key = ?"
SELECT_JUDGED = (
    "SELECT r.json, c.json FROM results r LEFT JOIN cases c ON c.id = r.case_id"
    " WHERE r.case_id = ? AND r.graph = ? AND r.digest = ?"
)
PUT_CASE = (
    "INSERT INTO cases (id, ordinal, json)"
    " VALUES (?1, coalesce(?2, (SELECT coalesce(max(ordinal) + 1, 0) FROM cases)), ?3)"
    " ON CONFLICT (id) DO UPDATE SET ordinal = coalesce(?2, ordinal), json = excluded.json"
)
PUT_GRAPH = "INSERT OR IGNORE INTO graphs (digest, json) VALUES (?, ?)"
PUT_RESULT = (
    "INSERT INTO results (case_id, graph, digest, reason, json, created) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (case_id, graph) DO UPDATE SET digest = excluded.digest, reason = excluded.reason,"
    " json = excluded.json, created = excluded.created"
)


def open_writable(path: Path, *, timeout: float, durable: bool, max_pages: int | None) -> sqlite3.Connection:
    """Open a journal for writing; create it, and its folder, when there is none.

    Args:
        path: The journal's file.
        timeout: Seconds to wait for another process's lock.
        durable: Whether a commit waits for the disk.
        max_pages: Most pages of 4096 bytes that the file may have.

    Raises:
        JournalError: The file is another program's, or was made by another version.
        sqlite3.Error: SQLite cannot open it.
        OSError: The folder cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        if not _check(connection, path):
            _use_wal(connection, path, timeout)
            _create(connection, path)
        else:
            _use_wal(connection, path, timeout)
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        if max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {int(max_pages)}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_readonly(path: Path, *, timeout: float) -> sqlite3.Connection:
    """Open an existing journal for reading, also on a medium that cannot be written.

    Raises:
        JournalError: There is no such journal, it is another program's, or was made by another version.
        sqlite3.Error: SQLite cannot open it.
    """
    if not path.is_file():
        raise JournalError(f"journal {path}: there is no such file; check the path, or record a run first")
    try:
        return _connect_readonly(path, "mode=ro", timeout)
    except sqlite3.Error as error:
        if primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or _has_log(path):
            raise
        # Reading needs a -shm file beside it, which this folder refuses; but then nobody else can write here either.
        return _connect_readonly(path, "immutable=1", timeout)


def remove_empty_log(path: Path) -> None:
    """Take away the empty -wal and -shm files that reading left, if the folder allows it and nobody uses them.

    A read-only connection cannot remove them; closing one that may write does, under SQLite's own locks.
    """
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(_uri(path, "mode=rw"), uri=True)) as last,
    ):
        last.execute("SELECT schema_version FROM meta").fetchone()


def has_log_file(path: Path) -> bool:
    """Whether a write-ahead log lies beside the journal: somebody has it open, or was killed."""
    return path.with_name(f"{path.name}-wal").exists()


def _has_log(path: Path) -> bool:
    return has_log_file(path) and path.with_name(f"{path.name}-wal").stat().st_size > 0


def _connect_readonly(path: Path, query: str, timeout: float) -> sqlite3.Connection:
    uri = _uri(path, query)
    connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        if not _check(connection, path):
            raise _not_ours(path, "is empty")
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path, query: str) -> str:
    return f"{path.absolute().as_uri()}?{query}"


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a journal of this version; False when it is empty, an error when it is anything else."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise _not_ours(path, "is another program's database")
        return False
    found = connection.execute("SELECT schema_version FROM meta").fetchone()[0]
    if found != VERSION:
        raise JournalError(
            f"journal {path}: made by journal version {found}; this adjudge reads version {VERSION}; "
            f"use the adjudge that made it, or name a new journal"
        )
    return True


def _not_ours(path: Path, what: str) -> JournalError:
    return JournalError(f"journal {path}: this file {what}, not a journal, and was left as it is; name another file")


def _use_wal(connection: sqlite3.Connection, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:  # SQLite does not wait by itself for this lock
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise JournalError(
            f"journal {path}: the file system has no shared memory for SQLite's write-ahead log (mode {mode!r}); "
            f"put the journal on a local disk"
        )


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _check(connection, path):  # another process may have been quicker
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO meta (schema_version, created) VALUES (?, ?)", (VERSION, time.time()))
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
