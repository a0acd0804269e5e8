"""Which ids have been read, and where: on disk once there are many, so that memory does not grow with the input."""

from __future__ import annotations

import sqlite3


class Seen:
    """Ids with the place of their first appearance, in a temporary database that nobody else can open."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # SQLite's own temporary file
        self._base.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192")
        self._base.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
        self._base.execute("BEGIN")  # one transaction: nothing of it has to last

    def first(self, name: str, place: str) -> str | None:
        """Remember an id; where it stood first, if it was there before.

        Args:
            name: The id.
            place: Where it stands now, for messages.
        """
        if self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, place)).rowcount:
            return None
        return str(self._base.execute("SELECT place FROM seen WHERE id = ?", (name,)).fetchone()[0])

    def close(self) -> None:
        """Forget all."""
        self._base.close()
