"""`adjudge synth`: pairs to train judges on, made from any corpus, and a report on them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adjudge.cli.screen import Screen
    from adjudge.training.synth import Corpus, Synthesis

INTERRUPTED = 130
_LINE_SECONDS = 30.0  # between two lines where there is no terminal
_MAKE = "make"


class _Makes(TyperGroup):
    """`adjudge synth CORPUS` is short for `adjudge synth make CORPUS`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Makes,
    no_args_is_help=True,
    help="Make pairs to train judges on from any corpus: a good response, and one with one labelled defect.\n\n"
    "\b\nadjudge synth articles.jsonl --out runs/synth\n"
    "adjudge synth report runs/synth --data ../data\n",
)

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", envvar="ADJUDGE_DATA", help="The folder with a folder for each data set."),
]


@app.command(_MAKE)
def make(
    corpora: Annotated[
        list[Path] | None,
        typer.Argument(metavar="CORPUS...", help="JSON lines of id, title and text, a document, or a folder of them."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the pairs and the corpus go.")] = Path(
        "runs/synth"
    ),
    data: DataOption = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="hotpotqa_100, musique_100, qa_feedback or pubmedqa below --data. Repeatable.",
        ),
    ] = None,
    defects: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Joined by commas.", show_default="all that rules can make"),
    ] = None,
    pairs: Annotated[int | None, typer.Option("--pairs", "-n", min=1, help="At most so many, over all splits.")] = None,
    per_document: Annotated[
        int | None, typer.Option(min=1, help="Most pairs of one document.", show_default="6, of a teacher 1")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option("--teacher", "-t", metavar="MODEL", help="A model that writes them; as for `judge`.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Calls of the teacher at a time.", show_default="8, in process 1")
    ] = None,
    level: Annotated[
        bool, typer.Option("--level/--no-level", help="Leave out pairs that style or word matching would tell.")
    ] = True,
    plain: Annotated[
        bool, typer.Option("--plain", help="Sentences as they stand, one with a defect: easy pairs to begin with.")
    ] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Report on them afterwards.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of splits, choices and orders.")] = 0,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show the sums only.")] = False,
) -> None:
    """Make pairs, by rules or by a teacher.

    \b
    adjudge synth articles.jsonl --out runs/synth
    adjudge synth docs/ --defects entity,date,omission --pairs 2000
    adjudge synth --data ../data --source hotpotqa_100 --source pubmedqa
    adjudge synth articles.jsonl --teacher Qwen/Qwen3-8B --pairs 500

    DIR gets train.jsonl, dev.jsonl and test.jsonl (cases, each pair in both
    orders, no document in two of them), corpus.jsonl to search, synthesis.json
    and report.json. With a teacher, the same command goes on after Ctrl-C.
    """
    from adjudge.cli.screen import Screen
    from adjudge.errors import ConfigError
    from adjudge.training.synth import DEFECTS, read_corpora, write

    screen = Screen(busy=not no_progress)
    if not corpora and not sources:
        raise ConfigError("there is nothing to make pairs from", hint="name a corpus, or --data DIR --source NAME")
    corpus = read_corpora(corpora or [], data, sources)
    wanted = [name.strip() for name in defects.split(",")] if defects is not None else list(DEFECTS)
    settings: dict[str, Any] = {"defects": wanted, "most": pairs, "levelled": level, "seed": seed}
    if plain and teacher is not None:
        raise ConfigError("a teacher writes in its own words", key="--plain", hint="leave out --plain or --teacher")
    if plain:
        settings["plain"] = True
    if per_document is not None:
        settings["per_document"] = per_document
    made = _made(screen, corpus, settings, out, teacher, concurrency, silent=no_progress)
    asked = {**settings, "corpora": [str(path) for path in corpora or ()], "sources": sources or [], "teacher": teacher}
    write(made, out, seed=seed, asked=asked)
    _show(screen, made, out)
    if report:
        _report(screen, out, data, None, seed)


@app.command("report")
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The --out of `adjudge synth`.")],
    data: DataOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Where the JSON goes.", show_default="DIR/report.json"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the classifiers' folds.")] = 0,
) -> None:
    """Report what style and word matching tell of pairs, duplicates, and overlap with benchmarks.

    \b
    adjudge synth report runs/synth --data ../data
    """
    from adjudge.cli.screen import Screen

    _report(Screen(busy=True), folder, data, file, seed)


def _made(
    screen: Screen,
    corpus: Corpus,
    settings: dict[str, Any],
    out: Path,
    teacher: str | None,
    concurrency: int | None,
    *,
    silent: bool,
) -> Synthesis:
    from adjudge.cli.bar import progress_on
    from adjudge.training.synth import synthesise

    total = len(corpus.documents)
    if teacher is not None:
        total = min(total * settings.get("per_document", 1), settings["most"] or total * 99)
    with progress_on(screen, silent=silent) as progress:
        task = progress.add_task("documents" if teacher is None else "pairs", total=total, more="")
        told = time.monotonic()

        def step(count: int) -> None:
            nonlocal told
            progress.update(task, advance=1, more=f"{count:,} pairs")
            if progress.disable and not silent and time.monotonic() - told > _LINE_SECONDS:
                told = time.monotonic()
                screen.note(f"{progress.tasks[0].completed:,.0f} of {total:,}, {count:,} pairs")

        if teacher is None:
            return synthesise(corpus, step=step, **settings)
        return _taught(corpus, settings, out, teacher, concurrency, step)


def _taught(
    corpus: Corpus, settings: dict[str, Any], out: Path, teacher: str, concurrency: int | None, step: Any
) -> Synthesis:
    import asyncio

    from adjudge.cli.runs import journal_of
    from adjudge.journal import Journal, only_writer
    from adjudge.models import open_model
    from adjudge.training.synth import Teacher, teach

    model = open_model(teacher)
    at_once = concurrency or (1 if model.info.provider in ("local", "scripted") else 8)
    path = journal_of(out)
    path.parent.mkdir(parents=True, exist_ok=True)

    async def taught() -> Synthesis:
        try:
            writer = Teacher(model, journal=journal, seed=settings["seed"], concurrency=at_once)
            return await teach(corpus, writer, step=step, **settings)
        finally:
            await model.aclose()

    with only_writer(path), Journal(path) as journal:
        try:
            return asyncio.run(taught())
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error


def _show(screen: Screen, made: Synthesis, out: Path) -> None:
    counts: dict[str, int] = {}
    for pair in made.pairs:
        counts[pair.split] = counts.get(pair.split, 0) + 1
    told = ", ".join(f"{count:,} {split}" for split, count in sorted(counts.items(), reverse=True))
    screen.line(("pairs   ", "bold"), f"{len(made.pairs):,} of {made.made:,} made: {told}")
    left = f"{made.skipped:,} rows without text, {made.barren:,} documents without a usable sentence"
    screen.line(("left out ", "bold"), left)
    for kind, count in made.failed.items():
        screen.line(("failed  ", "bold"), f"{count:,} {kind.replace('_', ' ')}")
    screen.line(f"wrote {out}{os.sep}train.jsonl, dev.jsonl, test.jsonl, corpus.jsonl and synthesis.json")


def _report(screen: Screen, folder: Path, data: Path | None, file: Path | None, seed: int) -> None:
    import json

    from adjudge.training.synth.report.report import report_on

    found = report_on(folder, data, seed=seed, step=lambda what: screen.busy(f"report: {what}"))
    screen.idle()
    target = file or folder / "report.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    screen.table(("without reading the evidence", "right", "95 % interval"), _told_rows(found))
    screen.table(("pairs", "", "number"), _count_rows(found))
    screen.table(
        ("benchmark", "cases", "of them sharing 13 words", "training pairs sharing", "same question"),
        _shared_rows(found),
    )
    if absent := found["benchmarks"]["absent"]:
        screen.line(("absent  ", "bold"), ", ".join(absent))
    screen.line(f"wrote {target}")


def _told_rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    style = {f"style, {name}": share for name, share in found["style"].items() if name != "by_defect"}
    by_defect = {
        f"style, {defect}: {name}": share
        for defect, told in found["style"]["by_defect"].items()
        for name, share in told.items()
    }
    for name, share in {**style, **by_defect, **found["lexical"]["all"]}.items():
        yield name, f"{share['value']:.1%}", f"{share['low']:.1%} to {share['high']:.1%}"


def _count_rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in ("by_split", "by_defect", "by_domain", "by_maker"):
        for name, count in found["counts"][key].items():
            yield key.removeprefix("by_"), name, f"{count:,}"
    for name, count in found["duplicates"].items():
        yield "duplicates", name.replace("_", " "), f"{count:,}"


def _shared_rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, overlap in found["benchmarks"]["found"].items():
        yield name, *(f"{overlap[key]:,}" for key in ("cases", "touched", "pairs", "questions"))
