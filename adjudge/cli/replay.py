"""`adjudge replay`: judge a run again from its journal, and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adjudge.cli.screen import Screen
    from adjudge.replay import Replayed


def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or its journal file.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Judge a run again from its journal alone, and say whether each result is identical, byte for byte.

    \b
    adjudge replay runs/20260801-120000-evidence

    No model, tool or network is used. Exit code 0: all identical; 1: a difference; 2: a case cannot be replayed.
    """
    from adjudge.cli.runs import existing
    from adjudge.cli.screen import Screen
    from adjudge.replay import replay as replay_journal

    screen = Screen(data=as_json)
    counts = {"identical": 0, "different": 0, "not replayed": 0}
    for item in replay_journal(existing(run)):
        counts["not replayed" if item.replayed is None else "identical" if item.identical else "different"] += 1
        if as_json:
            _print_json(screen, item)
        else:
            _print(screen, item)
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    screen.line((told or "nothing to replay: this run has no results", "bold"))
    raise typer.Exit(2 if counts["not replayed"] or not told else 1 if counts["different"] else 0)


def _print(screen: Screen, item: Replayed) -> None:
    from adjudge.cli.screen import one_line
    from adjudge.cli.steps import judges_steps
    from adjudge.cli.verdicts import headline

    name = (f"{one_line(item.recorded.id)}: ", "bold")
    was = headline(item.recorded.outcome, of_steps=judges_steps(item.recorded))
    now = "" if item.replayed is None else headline(item.replayed.outcome, of_steps=judges_steps(item.replayed))
    if item.replayed is None:
        screen.line(name, f"{was}   ", ("cannot be replayed", "bold red"))
        screen.error(item.problem)
    elif item.identical:
        screen.line(name, f"{now}   ", ("identical", "green"))
    else:
        told = f"DIFFERENT in {', '.join(item.differences)}"
        screen.line(name, f"{now} (was: {was})   ", (told, "bold red"))


def _print_json(screen: Screen, item: Replayed) -> None:
    shown = item.replayed or item.recorded
    screen.data(
        {
            **shown.to_dict(),
            "replayed": item.replayed is not None,
            "identical": item.identical,
            "differences": list(item.differences),
            "problem": item.problem or None,
        }
    )
