"""Where the runs of the command line are kept: a folder with a journal, or a journal file."""

from __future__ import annotations

import time
from pathlib import Path

from adjudge.errors import ConfigError

JOURNAL = "journal.sqlite"
RUNS = Path("runs")


def new_run(graph: str) -> Path:
    """A folder that does not exist yet: `runs/<time>-<graph>`."""
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{graph}"
    path, number = RUNS / stem, 1
    while path.exists():
        number += 1
        path = RUNS / f"{stem}-{number}"
    return path


def journal_of(run: Path) -> Path:
    """The journal of a run that is named by its folder or by its file."""
    run = run.expanduser()
    is_file = run.is_file() or (run.suffix in (".sqlite", ".db") and not run.is_dir())
    return run if is_file else run / JOURNAL


def existing(run: Path) -> Path:
    """The journal of a run that has to be there.

    Raises:
        ConfigError: There is none; the runs that are there are named.
    """
    journal = journal_of(run)
    if journal.is_file():
        return journal
    known = sorted(str(path.parent) for path in RUNS.glob(f"*/{JOURNAL}"))
    raise ConfigError(
        "there is no run here",
        file=str(run),
        found=str(run),
        allowed=known[-5:],
        hint=f"name a folder with {JOURNAL} in it, or such a file; `adjudge judge` makes one",
    )
