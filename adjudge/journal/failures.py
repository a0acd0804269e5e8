"""What SQLite reports, as `JournalError`s that say what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from adjudge.errors import JournalError

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process has kept it locked for longer than {timeout:g} s; wait until that process "
    "ends, or name another journal",
    sqlite3.SQLITE_FULL: "the disk, or the journal's page limit, is full; free some space and run again: all that was "
    "committed before is intact and is not called again",
    sqlite3.SQLITE_IOERR: "the disk could not be read or written ({error}); check its space, quota and health, then "
    "run again: all that was committed before is kept",
    sqlite3.SQLITE_READONLY: "it is read-only; make the file and its folder writable, or open it in replay mode",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; the path must name a file in a folder that you may write to (a "
    "journal of a run that was killed needs that for reading, too)",
    sqlite3.SQLITE_NOTADB: "this file is not a journal, and was left as it is; name another file",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; save what can be read with `sqlite3 OLD .recover | sqlite3 NEW`",
}


def primary_code(error: BaseException) -> int | None:
    """SQLite's primary result code, or None when the error does not come from SQLite itself."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
        return sqlite3.SQLITE_CANTOPEN  # errors of sqlite3.connect carry no code
    return None


def is_busy(error: BaseException) -> bool:
    """Whether another process holds the lock."""
    return primary_code(error) == sqlite3.SQLITE_BUSY


def explain(path: Path, error: BaseException, *, timeout: float) -> JournalError:
    """The error as the operator should read it.

    Args:
        path: The journal's file.
        error: What `sqlite3` raised.
        timeout: Seconds that were waited for a lock.
    """
    code = primary_code(error)
    advice = None if code is None else _ADVICE.get(code)
    if advice is None:
        return JournalError(f"journal {path}: cannot be read or written: {type(error).__name__}: {error}")
    return JournalError(f"journal {path}: {advice.format(timeout=timeout, error=error)}")
