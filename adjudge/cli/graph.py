"""`adjudge graph`: the judge files that ship and your own: list, show, check. No network, no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adjudge.cli.screen import Screen
    from adjudge.graphs import GraphSpec

app = typer.Typer(
    help="Judge files: list those that ship, show one, check one. No network, no weights.", no_args_is_help=True
)

GraphArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A graph that ships, or a YAML file.")]
SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the graph first. Repeatable.")
]


@app.command("list")
def list_graphs() -> None:
    """List the graphs that ship.

    \b
    adjudge graph list
    """
    from adjudge.cli.screen import Screen
    from adjudge.graphs.library import find, names

    rows = []
    for name in names():
        data = find(name)[0].data
        rows.append((name, str(data.get("mode", "")), str(data.get("description", ""))))
    Screen().table(("graph", "mode", "what it does"), rows)


@app.command("show")
def show_graph(
    graph: GraphArgument,
    settings: SettingsOption = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Only the mermaid text of the graph.")] = False,
) -> None:
    """Show a judge file, and the graph that it makes.

    \b
    adjudge graph show evidence
    adjudge graph show my-judge.yaml --mermaid > graph.mmd
    """
    from rich.syntax import Syntax

    from adjudge.cli.drawing import draw, mermaid_of
    from adjudge.cli.screen import Screen, printable
    from adjudge.graphs.library import FOLDER, find

    screen = Screen()
    spec = _load(graph, settings or [])
    if mermaid:
        screen.block(mermaid_of(spec))
        return
    document, folder = find(graph)
    screen.line((document.name, "bold"))
    text = _source(document.name)
    if screen.out.is_terminal:
        screen.show(Syntax(printable(text), "yaml", background_color="default"))
    else:
        screen.block(text)
    screen.line(("graph", "bold"), "" if folder == FOLDER or not settings else f" with {', '.join(settings)}")
    screen.block(draw(spec), indent=2)
    screen.line(("mermaid", "bold"))
    screen.block(mermaid_of(spec), indent=2)


@app.command("check")
def check_graph(
    graph: GraphArgument,
    settings: SettingsOption = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Check it for this model.")] = None,
) -> None:
    """Check a judge file: it is valid, or every mistake is shown with its line. Exit code 0 or 2.

    \b
    adjudge graph check my-judge.yaml
    adjudge graph check evidence --set nodes.judge.decide=logprobs
    """
    from adjudge.cli.screen import Screen

    screen = Screen()
    spec = _load(graph, settings or [])
    told = f"{len(spec.nodes)} nodes, {len(spec.tools)} tools, {len(spec.models)} models"
    screen.line((f"{spec.name}: valid", "bold green"), f"   {spec.mode}, {told}")
    _runs_here(screen, graph, settings or [], model)


def _load(graph: str, settings: list[str]) -> GraphSpec:
    from adjudge.config import apply_overrides, validate
    from adjudge.graphs import GraphSpec, check
    from adjudge.graphs.library import find

    document = apply_overrides(find(graph)[0], settings)
    spec = validate(GraphSpec, document)

    def where(key: str) -> tuple[str | None, int | None]:
        place = document.place(tuple(int(part) if part.isdigit() else part for part in key.split(".")))
        return document.name, place if isinstance(place, int) else None

    check(spec, where=where)
    return spec


def _runs_here(screen: Screen, graph: str, settings: list[str], model: str | None) -> None:
    """Whether it could run on this machine: a model that cannot do what a node asks of it is a mistake, a missing
    corpus or package is not the file's fault.
    """
    from adjudge.cli.opening import model_named
    from adjudge.errors import ConfigError
    from adjudge.judge import Judge

    try:
        judge = Judge.load(graph, model=model, settings=settings)
    except ConfigError as error:
        if error.key is not None and error.key.startswith("nodes."):
            raise
        screen.warning(f"it cannot run here as it is: {error}")
        return
    for name in judge.models:
        named = model_named(judge, model, name)
        screen.line(f"it would run on {named.name} ({named.provider}), {named.origin}")


def _source(name: str) -> str:
    from pathlib import Path

    return Path(name).read_text("utf-8-sig").rstrip()
