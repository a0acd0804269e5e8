"""`adjudge rank`: rank groups of responses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adjudge.cli.choices import Goal, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adjudge.cli.cases import Row
    from adjudge.cli.rankings import Rankings
    from adjudge.cli.screen import Screen
    from adjudge.judge import Judge
    from adjudge.judge.rank import Plan

INTERRUPTED = 130


def rank(
    cases: Annotated[
        list[str],
        typer.Argument(metavar="CASES...", help="Files of groups (.jsonl, .json, .yaml); - reads them."),
    ],
    graph: Annotated[str, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file.")] = "grouped",
    strategy: Annotated[Strategy, typer.Option("--strategy", "-s", help="Which comparisons are made.")] = "all_pairs",
    budget: Annotated[int | None, typer.Option(min=1, help="Most comparisons of a group.")] = None,
    confidence: Annotated[float, typer.Option(min=0, max=1, help="adaptive: stop when this is reached.")] = 0.95,
    goal: Annotated[Goal, typer.Option(help="adaptive: find the whole ranking, or the best response.")] = "ranking",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="As for `adjudge judge`.", show_default="ADJUDGE_MODEL")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", "-c", help="What to search: a JSONL file, a document or a folder.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of images that cases name by path.", show_default="1st file")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the graph. Repeatable.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="Folder where calls are kept; the same again goes on. `none`: nowhere."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Rank only the first N groups.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Groups side by side. Default: 1 for a model in this process, else 8.")
    ] = None,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show rankings only.")] = False,
) -> None:
    """Rank groups of responses: evidence is gathered once, then responses are compared.

    \b
    adjudge rank groups.jsonl --model Qwen/Qwen3-8B
    adjudge rank groups.jsonl --strategy adaptive --goal best --budget 12
    adjudge rank groups.jsonl --graph evidence --corpus corpus.jsonl --json

    A group is a case with any number of `responses`; one that was cut off is
    marked `{"text": …, "complete": false}` and takes part in no comparison.
    With a graph of mode step the `candidates` of a case are ranked.
    The strategies: pointwise (each by itself), listwise (all in one call),
    all_pairs (every pair in both orders, scores averaged), knockout (n - 1
    pairs), adaptive (the pair that tells most, until it is sure enough).
    """
    import asyncio

    from adjudge.cli import cases as sources
    from adjudge.cli.opening import open_judge, show_header
    from adjudge.cli.rankings import Rankings
    from adjudge.cli.runs import journal_of, new_run
    from adjudge.cli.screen import Screen
    from adjudge.journal import Journal
    from adjudge.judge.rank import Plan

    screen = Screen(data=as_json, busy=not no_progress)
    plan = Plan(strategy, budget, confidence, goal)
    rows = sources.read(cases, limit)
    pictures = images or (None if cases[0] == "-" else Path(cases[0]).parent)
    judge = open_judge(graph, model=model, corpus=corpus, settings=settings or (), images=pictures)
    kept = None if run == "none" else new_run(f"rank-{judge.spec.name}") if run is None else Path(run)
    if not as_json:
        show_header(screen, judge, model)
        screen.line(("ranks   ", "bold"), strategy)
        screen.line(("run     ", "bold"), "not kept" if kept is None else str(kept))
    if kept is not None:
        judge.journal = Journal(journal_of(kept)).open()
    rankings = Rankings(screen, kept, as_json=as_json)
    try:
        asyncio.run(_rank(screen, judge, rows, plan, rankings, concurrency))
    except KeyboardInterrupt:
        screen.idle()
        rankings.show_interrupted()
        raise typer.Exit(INTERRUPTED) from None
    rankings.show_end()
    raise typer.Exit(rankings.code)


async def _rank(
    screen: Screen, judge: Judge, rows: Iterator[Row], plan: Plan, rankings: Rankings, concurrency: int | None
) -> None:
    from contextlib import aclosing

    from adjudge.cli.opening import side_by_side
    from adjudge.errors import CaseError
    from adjudge.judge.in_order import in_order
    from adjudge.judge.rank import rank
    from adjudge.types import Case, RankResult

    async def one(row: Row) -> RankResult | Exception:
        if not isinstance(row, Case):
            return row
        screen.busy(f"ranking {row.id}: {len(row.responses or row.candidates)} responses")
        try:
            return await rank(judge, row, plan)
        except CaseError as error:
            return error

    try:
        judge.comparer(
            "step" if judge.spec.mode == "step" else plan.mode
        )  # what cannot rank is told before any case is
        async with aclosing(in_order(rows, one, concurrency or side_by_side(judge))) as ranked:
            async for row, result in ranked:
                screen.idle()
                rankings.add(row, result)
    finally:
        screen.idle()
        await judge.aclose()
