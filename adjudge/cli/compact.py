"""`adjudge compact`: make a run's journal smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compact(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or its journal file.")],
    results_only: Annotated[
        bool, typer.Option("--results-only", help="Forget all calls: results stay, but cannot be replayed any more.")
    ] = False,
) -> None:
    """Make a run smaller: failed tries that were made good are forgotten, and free space is given back.

    \b
    adjudge compact runs/mine
    adjudge compact runs/mine --results-only   # a tenth of the size; no replay
    """
    from adjudge.cli.runs import existing
    from adjudge.cli.screen import Screen
    from adjudge.journal import compact as shrink
    from adjudge.journal import only_writer

    path = existing(run)
    with only_writer(path):
        sizes = shrink(path, results_only=results_only)
    told = f"{sizes.forgotten:,} records forgotten, {sizes.before / 1e6:.1f} MB before, {sizes.after / 1e6:.1f} MB now"
    Screen().line(told)
