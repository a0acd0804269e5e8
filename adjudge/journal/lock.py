"""One batch at a time on a run: two would pay for the same calls twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from adjudge.errors import JournalError


@contextmanager
def only_writer(journal: Path) -> Iterator[None]:
    """Be the only batch that writes to a run; the lock ends with the process, however that ends.

    Judgements of single cases may share a journal without this: the first record of a call stands.

    Args:
        journal: Its file; the lock is an empty file beside it.

    Raises:
        JournalError: Another batch is at it, or the folder cannot be written.
    """
    place = journal.with_name(f"{journal.name}.lock")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise JournalError(f"another batch is writing to {journal.parent}; wait for it, or name another run") from error
    except OSError as error:
        raise JournalError(
            f"the run cannot be written: {error.strerror or error}: {error.filename or place}"
        ) from error
    try:
        yield
    finally:
        lock.release()
