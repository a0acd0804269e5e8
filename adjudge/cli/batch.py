"""`adjudge batch`: judge any number of cases into a run that can be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adjudge.cli.bar import Bar
    from adjudge.journal import Journal
    from adjudge.judge import Judge
    from adjudge.judge.batch import Batch

INTERRUPTED = 130


def batch(
    cases: Annotated[
        list[str], typer.Argument(metavar="CASES...", help="Files of cases (.jsonl, .json, .yaml, .csv); - reads them.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="RUN", help="Folder of the run; the same again goes on.")],
    graph: Annotated[str, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file.")] = "evidence",
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
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Judgements in flight; by default adapted to the server.")
    ] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that is away.")] = 600.0,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Judge only the first N cases.")] = None,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Go on with a run although graph, weights or corpus have changed.")
    ] = False,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="Where judgements are made.")] = "local",
    address: Annotated[
        str | None, typer.Option(help="ray: the cluster; by default RAY_ADDRESS, else this machine alone.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="ray: how many actors judge.")] = 2,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show the sums only.")] = False,
) -> None:
    """Judge any number of cases into a run, in constant memory.

    \b
    adjudge batch cases.jsonl --out runs/mine --graph direct --model Qwen/Qwen3-8B
    adjudge batch cases.jsonl --out runs/mine --graph direct --model Qwen/Qwen3-8B   # goes on where it stopped
    adjudge export runs/mine --format csv > verdicts.csv

    The first Ctrl-C lets the judgements in flight end, the second cuts them
    off; the same command goes on, also after a crash. While the server is
    away the batch waits for it. A row that is no case is reported, and the
    rest goes on.
    """
    import asyncio
    from functools import partial

    from adjudge.cli.bar import Bar, rows_in
    from adjudge.cli.opening import open_judge, show_header
    from adjudge.cli.runs import journal_of
    from adjudge.cli.screen import Screen
    from adjudge.journal import Journal, only_writer
    from adjudge.judge.drift import check_same

    screen = Screen()
    pictures = images or (None if cases[0] == "-" else Path(cases[0]).parent)
    build = partial(open_judge, graph, model=model, corpus=corpus, settings=settings or (), images=pictures)
    opened = build()
    path = journal_of(out)
    with only_writer(path):
        opened.journal = Journal(path).open()
        if not allow_changes:
            check_same(opened.journal, opened.fingerprint.digest, opened.record())
        show_header(screen, opened, model)
        screen.line(("run     ", "bold"), str(out))
        bar = Bar(screen, limit, rows_in(cases), silent=no_progress)
        if engine == "ray":
            _on_ray(build, opened.journal, cases, limit, bar, address=address, workers=workers, concurrency=concurrency)
        else:
            judged = _judge(opened, cases, limit, bar, concurrency=concurrency, patience=patience)
            try:
                asyncio.run(judged)
            except (KeyboardInterrupt, asyncio.CancelledError):  # the second Ctrl-C cancels the task itself
                bar.stopped = True
    bar.show_end(out)
    raise typer.Exit(INTERRUPTED if bar.stopped else bar.code)


async def _judge(
    judge: Judge, sources: Sequence[str], limit: int | None, bar: Bar, *, concurrency: int | None, patience: float
) -> None:
    from contextlib import aclosing

    from adjudge.cli import cases
    from adjudge.errors import ModelError

    rows = cases.read(sources, limit)
    batch = judge.batch(rows, concurrency=concurrency, patience=patience)
    try:
        with Signals(batch, bar), bar.watching(batch):
            async with aclosing(batch.judged()) as judged:
                async for item in judged:
                    bar.add(item)
    except ModelError as error:
        bar.failed(str(error))
    finally:
        await judge.aclose()


def _on_ray(
    build: Callable[[], Judge],
    journal: Journal,
    sources: Sequence[str],
    limit: int | None,
    bar: Bar,
    *,
    address: str | None,
    workers: int,
    concurrency: int | None,
) -> None:
    from adjudge.cli import cases
    from adjudge.distributed import IN_FLIGHT, judge_on_ray

    rows = cases.read(sources, limit)
    at_once = concurrency or IN_FLIGHT
    try:
        with bar.watching(None):
            for item in judge_on_ray(build, rows, journal=journal, address=address, workers=workers, in_flight=at_once):
                bar.add(item)
    except KeyboardInterrupt:
        bar.stopped = True
    finally:
        journal.close()


class Signals:
    """SIGINT and SIGTERM: the first stops the batch gently, the second at once."""

    def __init__(self, batch: Batch, bar: Bar) -> None:
        self._batch = batch
        self._bar = bar

    def __enter__(self) -> None:
        import asyncio
        import signal

        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._signalled)

    def __exit__(self, *_: object) -> None:
        import signal

        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        if self._bar.stopped:
            if self._task is not None:
                self._task.cancel()
            return
        self._bar.stopped = True
        self._batch.stop()
        self._bar.note(f"stopping: {self._batch.in_flight} judgements in flight are finished; again to cut them off")
