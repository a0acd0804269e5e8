"""`adjudge check`: how far can a judge be trusted?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import TaskID

    from adjudge.cli.screen import Screen
    from adjudge.evaluation.check import Bench, TrustReport
    from adjudge.types import Case

INTERRUPTED = 130


def check(
    graph: Annotated[str, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file.")] = "direct",
    cases: Annotated[
        Path | None,
        typer.Option("--cases", metavar="CASES", help="Your pairs, best with labels; by default 32 that ship."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="As for `adjudge judge`.", show_default="ADJUDGE_MODEL")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", "-c", help="What to search; by default the documents of each case.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Folder; the same again goes on.")] = Path(
        "runs/check"
    ),
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Pairs, drawn with the seed.")] = 40,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="PROBE", help="Make only these probes. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the graph. Repeatable.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Judgements in flight; by default adapted to the server.")
    ] = None,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show the report only.")] = False,
) -> None:
    """Check how far a judge can be trusted, and why.

    \b
    adjudge check --graph evidence --cases mine.jsonl
    adjudge check --graph mine.yaml --model Qwen/Qwen3-8B --only order --only injection

    It is asked again in the other order and with other seeds, about
    responses made longer or better-looking without saying more, with
    evidence that is missing, wrong or turned against it, and about texts
    that give it orders. Labels add agreement with people and calibration.
    The label is never shown to the judge.
    """
    import asyncio

    from adjudge.cli.screen import Screen
    from adjudge.evaluation.check import Bench
    from adjudge.evaluation.check.html import to_html
    from adjudge.evaluation.check.page import to_markdown
    from adjudge.evaluation.subject import Subject
    from adjudge.journal import Journal, only_writer

    screen = Screen()
    pairs = _pairs(screen, cases, limit, seed)
    path = out / "journal.sqlite"
    with only_writer(path), _Steps(screen, silent=no_progress) as steps:
        journal = Journal(path).open()
        try:
            subject = Subject(Path(graph).stem, graph, model, settings or ())
            bench = Bench(
                subject,
                pairs,
                journal=journal,
                corpus=Path(corpus) if corpus else None,
                seed=seed,
                concurrency=concurrency,
                step=steps.step,
            )
            report = asyncio.run(_checked(bench, _named(pairs, cases), only or ()))
        except KeyboardInterrupt:
            screen.note("interrupted. Nothing is lost. To go on, give the same command again.")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            journal.close()
    (out / "trust.json").write_text(report.model_dump_json(indent=1) + "\n", "utf-8")
    (out / "trust.md").write_text(to_markdown(report), "utf-8")
    (out / "trust.html").write_text(to_html(report), "utf-8")
    screen.block(to_markdown(report))
    screen.line(f"kept in {out}   the page: {out / 'trust.html'}   numbers: {out / 'trust.json'}")
    raise typer.Exit(1 if report.trust == "do not trust" else 0)


def _pairs(screen: Screen, cases: Path | None, limit: int, seed: int) -> list[Case]:
    import random

    from adjudge.cases import read_cases
    from adjudge.errors import ConfigError
    from adjudge.evaluation.check import SHIPPED

    found = list(read_cases(cases or SHIPPED, on_error=lambda error: screen.error(str(error))))
    pairs = [case for case in found if len(case.responses) == 2]
    if left := len(found) - len(pairs):
        screen.warning(f"{left} cases have not two responses and are left out")
    if not pairs:
        hint = "a check needs cases with two responses"
        raise ConfigError("there is no pair in these cases", file=str(cases), hint=hint)
    places = sorted(random.Random(seed).sample(range(len(pairs)), min(limit, len(pairs))))
    return [pairs[place] for place in places]


def _named(pairs: Sequence[Case], cases: Path | None) -> str:
    return f"{len(pairs)} pairs " + ("that ship with adjudge" if cases is None else f"of {cases.name}")


async def _checked(bench: Bench, cases: str, only: Sequence[str]) -> TrustReport:
    from adjudge.evaluation.check import check as probe_all

    try:
        return await probe_all(bench, cases=cases, only=only)
    finally:
        await bench.aclose()


class _Steps:
    """How many pairs each probe has asked about so far."""

    def __init__(self, screen: Screen, *, silent: bool) -> None:
        from rich.progress import Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            TextColumn("{task.completed:,.0f} asked"),
            TimeElapsedColumn(),
            console=screen.err,
            disable=silent or not screen.err.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, probe: str) -> None:
        """One more pair."""
        if probe not in self._tasks:
            self._tasks[probe] = self._progress.add_task(probe, total=None)
        self._progress.update(self._tasks[probe], advance=1)
