"""`adjudge serve`: judges over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adjudge.judge import Judge
    from adjudge.serving.settings import Settings

INTERRUPTED = 130
AT_ONCE, IN_PROCESS = 32, 8  # judgements at a time: of a served model, and of one in this process


def serve(
    graphs: Annotated[
        list[str] | None, typer.Option("--graph", "-g", help="A graph that ships, or a YAML file. Repeatable.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="As for `adjudge judge`.", show_default="ADJUDGE_MODEL")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", "-c", help="What to search: a JSONL file, a document or a folder.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the graphs. Repeatable.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; anything but loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8100,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="ADJUDGE_TOKEN",
            help="What clients show as `Authorization: Bearer TOKEN`. Better set in the environment: others can read "
            "the words of a command line.",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Folder where calls are kept, so that none is made twice.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Judgements at a time. Default: 32; 8 for a model in this process, 1 for a script."),
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait; further ones get 503.")] = 256,
    max_body: Annotated[float, typer.Option(min=0.001, help="MiB of one request.")] = 16.0,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to try a judgement again while a model is away.")
    ] = 60.0,
    grace: Annotated[float, typer.Option(min=0, help="Seconds to finish requests in after SIGTERM.")] = 300.0,
) -> None:
    """Serve judgements, rankings and rewards over HTTP.

    \b
    adjudge serve --graph rubric --model http://127.0.0.1:8000/v1
    adjudge serve --graph grouped --graph evidence --corpus docs --run runs/served
    curl -d @request.json -H 'Content-Type: application/json' 127.0.0.1:8100/v1/judgements

    POST /v1/judgements, /v1/rank and /v1/rewards (in the forms of TRL, verl
    and OpenRLHF, too), GET /v1/graphs, /healthz and /metrics; the page at /
    says more. No request can name a file or an address of this machine.
    Ctrl-C or SIGTERM lets the requests end that were accepted; a second one
    does not.
    """
    import asyncio

    from adjudge.cli.opening import open_judges
    from adjudge.cli.runs import journal_of
    from adjudge.cli.screen import Screen
    from adjudge.journal import Journal
    from adjudge.serving import serve as served

    judges = open_judges(graphs or ["rubric"], model, corpus, settings or ())
    chosen = _settings(
        host=host,
        port=port,
        token=token or None,
        concurrency=concurrency or min(map(_at_once, judges)),
        queue=queue,
        max_body=round(max_body * 2**20),
        patience=patience,
        grace=grace,
    )
    if run is not None:
        journal = Journal(journal_of(run)).open()
        for judge in judges:
            judge.journal = journal
    screen = Screen()
    names = ", ".join(judge.spec.name for judge in judges)
    guard = "without a token, for this machine only" if token is None else "with a token"

    def ready(place: str) -> None:
        screen.line(("serving ", "bold"), f"{names} at http://{place} ({guard})")
        screen.line(("run     ", "bold"), "not kept" if run is None else str(run))

    try:
        asyncio.run(served(judges, chosen, on_ready=ready))
    except KeyboardInterrupt:  # before it listened: after that, a signal only ends it
        raise typer.Exit(INTERRUPTED) from None


def _settings(**values: object) -> Settings:
    from pydantic import ValidationError

    from adjudge.errors import ConfigError
    from adjudge.serving import Settings

    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = f"--{first['loc'][0]}".replace("_", "-") if first["loc"] else "--token"
        problem = str(first["msg"]).removeprefix("Value error, ")
    raise ConfigError(problem, key=key)  # outside the handler: pydantic's error would show the token in tracebacks


def _at_once(judge: Judge) -> int:
    providers = {model.info.provider for model in judge.models.values()}
    if "scripted" in providers:
        return 1
    return IN_PROCESS if "local" in providers else AT_ONCE
