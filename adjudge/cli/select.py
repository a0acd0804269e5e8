"""`adjudge select`: the preference pairs of a data set that are worth training on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adjudge.cli.choices import Strategy

if TYPE_CHECKING:
    from adjudge.cli.bar import Bar
    from adjudge.cli.screen import Screen
    from adjudge.judge import Judge
    from adjudge.selection import Selection
    from adjudge.selection.folder import Folder

INTERRUPTED = 130


def select(
    pairs: Annotated[
        list[str],
        typer.Argument(
            metavar="PAIRS...",
            help="Files with prompt, chosen and rejected, or cases with two or more responses (.jsonl, .json, .yaml, "
            ".csv, .parquet); - reads JSON lines.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Folder of the run; the same again goes on.")],
    graph: Annotated[str, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file.")] = "evidence",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="As for `adjudge judge`.", show_default="ADJUDGE_MODEL")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", "-c", help="What to search: a JSONL file, a document or a folder.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Of the less confident order; 0 asks for none.")
    ] = 0.0,
    min_margin: Annotated[
        float, typer.Option(min=0, help="Points between the responses, in the order with the smaller lead.")
    ] = 0.0,
    on_label: Annotated[
        Literal["agree", "ignore"],
        typer.Option(help="agree: drop what the judge and the label see differently; ignore: the judge chooses."),
    ] = "agree",
    rejected: Annotated[
        Literal["worst", "second", "random"], typer.Option(help="Of a group: what stands against the best response.")
    ] = "worst",
    strategy: Annotated[
        Strategy | None,
        typer.Option(help="How groups are ranked.", show_default="as the graph is written, else adaptive"),
    ] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Most comparisons for a group.")] = None,
    form: Annotated[
        Literal["string", "conversational"], typer.Option("--format", help="Of what is written: texts, or messages.")
    ] = "conversational",
    seed: Annotated[int, typer.Option(min=0, help="Of the order in which responses are shown.")] = 0,
    images: Annotated[Path | None, typer.Option("--images", help="Folder of images that prompts name by path.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the graph. Repeatable.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Judgements in flight; by default adapted to the server.")
    ] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that is away.")] = 600.0,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Only the first N pairs.")] = None,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Go on with a run although graph, weights or corpus have changed.")
    ] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show the sums only.")] = False,
) -> None:
    """Keep the preference pairs on which both orders of the judge agree, in the form DPO trainers read.

    \b
    adjudge select pairs.jsonl --out runs/dpo --graph direct --model Qwen/Qwen3-8B
    adjudge select pairs.jsonl --out runs/dpo --graph direct --model Qwen/Qwen3-8B --min-confidence 0.8
    adjudge select groups.jsonl --out runs/dpo2 --graph grouped --model Qwen/Qwen3-8B --rejected random

    RUN gets selected.jsonl (prompt, chosen, rejected, and the judge's scores),
    dropped.jsonl (the reason, and what each order said) and selection.json.
    The same command goes on after Ctrl-C or a crash; with another threshold
    nothing is judged again. No judge sees which response was the chosen one.
    """
    import asyncio

    from adjudge.cli.bar import Bar, rows_in
    from adjudge.cli.opening import open_judge, show_header
    from adjudge.cli.runs import journal_of
    from adjudge.cli.screen import Screen
    from adjudge.journal import Journal, only_writer
    from adjudge.judge.drift import check_same
    from adjudge.selection import Rule, Selection, read_pairs
    from adjudge.selection.folder import Folder

    screen = Screen()
    rule = Rule(min_confidence=min_confidence, min_margin=min_margin, on_label=on_label, rejected=rejected, seed=seed)
    rows = read_pairs(pairs, seed=seed, strict=on_label == "agree", limit=limit)
    pictures = images or (None if pairs[0] == "-" else Path(pairs[0]).parent)
    judge = open_judge(graph, model=model, corpus=corpus, settings=settings or (), images=pictures)
    selection = Selection(
        judge,
        rows,
        rule,
        form=form,
        strategy=strategy,
        budget=budget,
        concurrency=concurrency,
        patience=patience,
    )
    asked = {"sources": pairs, "limit": limit, "format": form}
    path = journal_of(out)
    with only_writer(path), Folder(path.parent, form) as folder:
        judge.journal = Journal(path).open()
        if not allow_changes:
            check_same(judge.journal, judge.fingerprint.digest, judge.record())
        show_header(screen, judge, model)
        screen.line(("run     ", "bold"), str(out))
        bar = Bar(screen, limit, rows_in(pairs), silent=no_progress)
        try:
            asyncio.run(_select(judge, selection, folder, bar))
        except (KeyboardInterrupt, asyncio.CancelledError):
            bar.stopped = True
        folder.finish({"complete": selection.complete, **selection.to_dict(), "asked": asked})
    bar.show_end(out)
    _show(screen, selection, path.parent)
    raise typer.Exit(INTERRUPTED if bar.stopped else bar.code)


async def _select(judge: Judge, selection: Selection, folder: Folder, bar: Bar) -> None:
    from contextlib import aclosing

    from adjudge.cli.batch import Signals
    from adjudge.errors import ModelError

    assert judge.journal is not None
    await judge.journal.put_graph(judge.fingerprint.digest, judge.record())  # groups leave no result that would
    try:
        with Signals(selection.batch, bar), bar.watching(selection.batch):
            async with aclosing(selection.selected()) as selected:
                async for judged, items in selected:
                    for item in items:
                        folder.add(item)
                    if judged is not None:
                        bar.add(judged)
    except ModelError as error:
        bar.failed(str(error))
    finally:
        await judge.aclose()


def _show(screen: Screen, selection: Selection, folder: Path) -> None:
    from adjudge.selection.folder import DROPPED, SELECTED

    summary = selection.summary
    rows = [("selected", f"{summary.selected:,}", _share(summary.selected, summary.rows))]
    rows += [(reason, f"{count:,}", _share(count, summary.rows)) for reason, count in summary.dropped.most_common()]
    screen.table(("pairs", "number", "share"), rows)
    screen.line(("orders  ", "bold"), summary.orders)
    if labelled := summary.agree + summary.contradict:
        told = f"{summary.agree:,} of {labelled:,} pairs that passed all other rules agree with their label"
        screen.line(("labels  ", "bold"), told)
    for name, lengths in (("by label, of all judged", summary.given), ("selected", summary.kept)):
        if lengths.longer is not None:
            means = lengths.to_dict()
            screen.line(
                ("lengths ", "bold"),
                f"{name}: chosen {means['mean_characters_chosen']:,.0f} characters, "
                f"rejected {means['mean_characters_rejected']:,.0f}; the longer one was chosen in {lengths.longer:.0%}",
            )
    state = "" if selection.complete else "   NOT the whole input"
    screen.line(f"wrote {folder / SELECTED} and {folder / DROPPED}{state}")


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else ""
