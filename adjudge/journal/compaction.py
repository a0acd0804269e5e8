"""Making a journal smaller, while nobody writes to it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import NamedTuple

from adjudge.journal import schema
from adjudge.journal.failures import explain

# A stop (a limit, a failed call) is replayed only where a judgement is unscored.
_STOPS = (
    "DELETE FROM calls WHERE kind = 'stop' AND json_extract(position, '$[0]') IN (SELECT case_id FROM results)"
    " AND json_extract(position, '$[0]') NOT IN (SELECT case_id FROM results WHERE reason <> '')"
)
_CALLS = "DELETE FROM calls WHERE json_extract(position, '$[0]') IN (SELECT case_id FROM results)"


class Sizes(NamedTuple):
    """Bytes of a journal's file before and after, and how many records were forgotten."""

    before: int
    after: int
    forgotten: int


def compact(path: Path, *, results_only: bool = False, timeout: float = 5.0) -> Sizes:
    """Forget what no replay needs, and give free space back.

    Args:
        path: The journal's file.
        results_only: Forget all calls of the cases that have a result: these can then be read but not replayed.
        timeout: Seconds to wait for another process.

    Raises:
        JournalError: It is no journal, is in use, or the disk is full (twice the space is needed for a while).
    """
    before = path.stat().st_size if path.is_file() else 0
    try:
        schema.open_readonly(path, timeout=timeout).close()  # never create one here
        with contextlib.closing(
            schema.open_writable(path, timeout=timeout, durable=True, max_pages=None)
        ) as connection:
            forgotten = connection.execute(_CALLS if results_only else _STOPS).rowcount
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.Error, OSError) as error:
        raise explain(path, error, timeout=timeout) from error
    return Sizes(before, path.stat().st_size, forgotten)
