"""`adjudge show`: read a run again; nothing is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adjudge.cli.screen import Screen
    from adjudge.journal import Journal


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or its journal file.")],
    case_id: Annotated[str | None, typer.Argument(metavar="[CASE_ID]", help="Show everything about this case.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Read the verdicts of a run; with a case's id, everything: responses, evidence, votes and the conversation.

    \b
    adjudge show runs/20260801-120000-evidence
    adjudge show runs/20260801-120000-evidence hotpot-3
    adjudge show runs/mine --json | jq .judgement.winner

    Nothing is judged and nothing is called.
    """
    from contextlib import closing

    from adjudge.cli.runs import existing
    from adjudge.cli.screen import Screen
    from adjudge.journal import Journal

    screen = Screen(data=as_json)
    with closing(Journal(existing(run), mode="replay").open()) as journal:
        if case_id is None:
            _all(screen, journal, as_json)
        else:
            _one(screen, journal, case_id, as_json)


def _all(screen: Screen, journal: Journal, as_json: bool) -> None:
    from adjudge.cli.verdicts import show_result

    for result in journal.results():
        if as_json:
            screen.data(result.to_dict())
        else:
            show_result(screen, result, journal.case(result.id))
    counts = journal.counts()
    screen.line((f"{counts.results} results of {counts.cases} cases", "bold"), f" in {journal.path}")
    if waiting := list(journal.waiting()):
        names = ", ".join(waiting[:5]) + (", …" if len(waiting) > 5 else "")
        screen.line(f"no result yet: {len(waiting)} ({names}); judge them with the same cases and --run")


def _one(screen: Screen, journal: Journal, case_id: str, as_json: bool) -> None:
    from adjudge.cli.verdicts import show_everything
    from adjudge.errors import ConfigError, nearest

    case = journal.case(case_id)
    results = [result for result in journal.results() if result.id == case_id]
    if not results:
        known = [known.id for known in journal.cases()]
        near = nearest(case_id, known)
        raise ConfigError(
            "this run has no result of this case",
            file=str(journal.path),
            found=case_id,
            allowed=known if len(known) <= 10 else [near] if near else [],
            hint="`adjudge show RUN` lists the cases",
        )
    for result in results:
        if as_json:
            whole = result.to_dict(trajectory=True)
            screen.data({**whole, "case": None if case is None else case.model_dump(mode="json")})
        else:
            show_everything(screen, result, case)
