"""`adjudge export`: a run's results as JSON lines or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adjudge.journal import Journal
    from adjudge.types import Case, JudgeResult


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or its journal file.")],
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", "-f", help="What to write.")] = "jsonl",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; by default standard output.")] = None,
    trajectory: Annotated[bool, typer.Option("--trajectory", help="jsonl: also the judge's own conversation.")] = False,
) -> None:
    """Write a run's results, one a line, in the order of the cases; nothing is judged.

    \b
    adjudge export runs/mine --format csv --out verdicts.csv
    adjudge export runs/mine | jq -r .judgement.winner

    Unscored cases are there with their reason; a label is written if the
    case has one. Cells of a table that a spreadsheet would run as a formula
    begin with an apostrophe.
    """
    import json
    import sys
    from contextlib import closing

    from adjudge.cli.runs import existing
    from adjudge.cli.screen import Screen
    from adjudge.cli.table import Table
    from adjudge.journal import Journal

    screen = Screen(data=True)
    opened = sys.stdout if out is None else out.open("w", encoding="utf-8", newline="")
    try:
        with closing(Journal(existing(run), mode="replay").open()) as journal:
            table = Table(opened) if form == "csv" else None
            count = 0
            for case, result in _pairs(journal):
                if table is not None:
                    table.add(case, result)
                else:
                    label = {} if case is None or case.label is None else {"label": case.label}
                    opened.write(json.dumps({**result.to_dict(trajectory=trajectory), **label}) + "\n")
                count += 1
            waiting = journal.counts().cases - count
    finally:
        if out is not None:
            opened.close()
    more = f"; {waiting} cases have none yet" if waiting > 0 else ""
    screen.note(f"{count} results" + ("" if out is None else f" in {out}") + more)


def _pairs(journal: Journal) -> Iterator[tuple[Case | None, JudgeResult]]:
    for result in journal.results():
        yield journal.case(result.id), result
