"""The command `adjudge`: its options, its sub-commands, and how errors end it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from adjudge.cli import (
    batch,
    check,
    compact,
    compare,
    doctor,
    eval,
    export,
    graph,
    judge,
    mcp,
    models,
    rank,
    replay,
    select,
    serve,
    show,
    synth,
    train,
)
from adjudge.errors import AdjudgeError

EXIT_CODES = "\n\n".join(
    (
        "Exit codes:",
        "0  every case was judged",
        "1  some cases are unscored, or a replay differs",
        "2  bad input or configuration (bad rows too, after the good ones were judged)",
        "130  interrupted; give the same command with --run to go on",
    )
)


class _Commands(TyperGroup):
    """Turns an error that somebody can act on into its message and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AdjudgeError as error:
            from adjudge.cli.screen import Screen

            Screen().error(str(error))
            raise typer.Exit(2) from error


app = typer.Typer(
    name="adjudge",
    cls=_Commands,
    help="Judges that check before they score: they gather evidence, and cite it in their verdicts.\n\n"
    "\b\nadjudge doctor                     can a judge run here?\n"
    "adjudge judge cases.jsonl -c docs  judge cases, and keep the run\n"
    "adjudge show runs/RUN              read its verdicts again\n"
    "adjudge replay runs/RUN            judge it again, without any network\n",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from adjudge import __version__

        typer.echo(f"adjudge {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command("judge", epilog=EXIT_CODES)(judge.judge)
app.command("batch", epilog=EXIT_CODES)(batch.batch)
app.command("export")(export.export)
app.command("compact")(compact.compact)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("eval")(eval.evaluate)
app.command("rank", epilog=EXIT_CODES)(rank.rank)
app.command("select", epilog=EXIT_CODES)(select.select)
app.command("serve")(serve.serve)
app.command("train")(train.train)
app.command("show")(show.show)
app.command("replay")(replay.replay)
app.command("doctor")(doctor.doctor)
app.command("mcp")(mcp.mcp)
app.add_typer(graph.app, name="graph")
app.add_typer(models.app, name="models")
app.add_typer(synth.app, name="synth")
