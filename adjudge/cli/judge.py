"""`adjudge judge`: judge cases and show what happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adjudge.cli.cases import Row
    from adjudge.cli.screen import Screen
    from adjudge.cli.totals import Totals
    from adjudge.judge import Judge

INTERRUPTED = 130


def judge(
    cases: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CASES...]", help="Files of cases (.jsonl, .json, .yaml, .csv); - reads them."),
    ] = None,
    trajectory: Annotated[
        list[str] | None,
        typer.Option(
            "--trajectory",
            "-t",
            metavar="FILE",
            help="In place of cases: conversations of an agent, whose steps are judged (.json, .jsonl; messages of "
            "OpenAI, LangChain or TRL); - reads them. Repeatable.",
        ),
    ] = None,
    graph: Annotated[str, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file.")] = "evidence",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A model on the server at ADJUDGE_BASE_URL, a URL, a folder with weights, provider:model, `embedded`, "
            "or scripted:FILE. Default: ADJUDGE_MODEL and ADJUDGE_BASE_URL, else the embedded model.",
        ),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", "-c", help="What to search: a JSONL file, a document or a folder.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", help="Folder of images that cases name by path. Default: that of the first file."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the graph: --set limits.seconds=60. Repeatable."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="Where the run is kept: a folder, or a .sqlite file. `none` keeps nothing."),
    ] = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="The same as --run none.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Judge only the first N cases.")] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Cases side by side. Default: 1 for a model in this process, else 8."),
    ] = None,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show verdicts only.")] = False,
) -> None:
    """Judge cases, and show the evidence as it arrives.

    \b
    adjudge judge cases.jsonl --corpus corpus.jsonl
    adjudge judge cases.jsonl --graph direct --model Qwen/Qwen3-8B
    adjudge judge cases.jsonl --model http://127.0.0.1:8000/v1 --json
    adjudge judge cases.jsonl --set limits.seconds=60 --run runs/mine
    cat cases.jsonl | adjudge judge - --graph rubric
    adjudge judge --trajectory run.json --graph information_gain

    A case has `prompt` and `responses`, and may have `id`, `reference`,
    `rubric` and `documents`. A row that is no case is reported, and the
    rest goes on. With the same --run again, finished calls are not made
    again.

    With --trajectory each step of an agent's conversation gets a score. A
    graph of another mode than step is changed to it for this run.
    """
    import asyncio

    from adjudge.cli import cases as sources
    from adjudge.cli.opening import open_judge, show_header
    from adjudge.cli.screen import Screen
    from adjudge.cli.totals import Totals
    from adjudge.journal import Journal

    screen = Screen(data=as_json, busy=not no_progress)
    named = sources.only_one_of(cases, trajectory)
    rows = sources.read(named, limit, conversations=bool(trajectory))
    pictures = images or (None if named[0] == "-" else Path(named[0]).parent)
    wanted = [*(settings or ()), *(_changes_for_steps(screen, graph, settings or ()) if trajectory else ())]
    opened = open_judge(graph, model=model, corpus=corpus, settings=wanted, images=pictures)
    kept = None if no_run or run == "none" else _journal_path(run, opened)
    if not as_json:
        show_header(screen, opened, model)
        screen.line(("run     ", "bold"), "not kept" if kept is None else str(kept))
    if kept is not None:
        opened.journal = Journal(kept).open()
    totals = Totals(None if kept is None else _shown(kept))
    try:
        asyncio.run(_judge(screen, opened, rows, totals, as_json, concurrency, no_progress))
    except KeyboardInterrupt:
        screen.idle()
        totals.show_interrupted(screen)
        raise typer.Exit(INTERRUPTED) from None
    totals.show(screen, brief=as_json)
    raise typer.Exit(totals.code)


async def _judge(
    screen: Screen,
    judge: Judge,
    rows: Iterator[Row],
    totals: Totals,
    as_json: bool,
    concurrency: int | None,
    no_progress: bool,
) -> None:
    from contextlib import aclosing

    from adjudge.cli.opening import searches_nothing, side_by_side
    from adjudge.cli.progress import Progress
    from adjudge.cli.steps import without_result
    from adjudge.cli.verdicts import show_result
    from adjudge.types import Unscored

    at_once = concurrency or side_by_side(judge)
    progress = Progress(screen, silent=as_json or no_progress, prefixed=at_once > 1)
    warned = told = False
    try:
        batch = judge.batch(rows, concurrency=at_once, patience=0, watch=progress.watch)
        async with aclosing(batch.judged()) as judged:
            async for item in judged:
                screen.idle()
                if isinstance(item.result.outcome, Unscored) and item.result.outcome.reason == "bad_case":
                    totals.add_bad(screen, item.result.outcome)
                    continue
                totals.add(item.result, progress.recorded, batch.recorded)
                if as_json:
                    screen.data(item.result.to_dict())
                else:
                    show_result(screen, item.result, item.case)
                if not told and item.case is not None and (missing := without_result(item.case)):
                    told = True
                    screen.warning(missing)
                if not warned and item.case is not None and searches_nothing(judge, item.case):
                    warned = True
                    screen.warning(
                        f"case {item.case.id!r} was judged without evidence: no corpus is named and the case has no "
                        "documents; use --corpus PATH, or --graph direct to judge without evidence"
                    )
    finally:
        screen.idle()
        await judge.aclose()


def _changes_for_steps(screen: Screen, graph: str, settings: Sequence[str]) -> list[str]:
    """What has to be set so that a graph judges steps; that anything has is said."""
    from adjudge.config import apply_overrides, validate
    from adjudge.graphs import GraphSpec
    from adjudge.graphs.library import find
    from adjudge.judge.modes import changed_to

    spec = validate(GraphSpec, apply_overrides(find(graph)[0], settings))
    changes = changed_to("step", spec.mode, spec.scale)
    if not changes:
        return []
    screen.note(f"the graph {spec.name} is written for mode {spec.mode}; for this run it is changed to judge steps")
    given = changes | ({"scale": changes["scale"].model_dump(exclude_defaults=True)} if "scale" in changes else {})
    return [f"{key}={json.dumps(value)}" for key, value in given.items()]


def _journal_path(run: str | None, judge: Judge) -> Path:
    from adjudge.cli.runs import journal_of, new_run

    return journal_of(new_run(judge.spec.name) if run is None else Path(run))


def _shown(journal: Path) -> str:
    """A run as the other commands take it."""
    from adjudge.cli.runs import JOURNAL

    return str(journal.parent if journal.name == JOURNAL else journal)
