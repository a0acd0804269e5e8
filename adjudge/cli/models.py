"""`adjudge models`: serve a model with vLLM, with the flags that judges need."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adjudge.cli.screen import Screen
    from adjudge.graphs import GraphSpec
    from adjudge.models.serve import ServeSettings
    from adjudge.models.serve.running import Served

app = typer.Typer(help="Serve models with vLLM.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Serve models with vLLM."""


@app.command("serve")
def serve(
    model: Annotated[str, typer.Argument(metavar="NAME|FOLDER", help="`embedded`, a folder, or a name on the hub.")],
    graphs: Annotated[
        list[str] | None, typer.Option("--graph", "-g", metavar="NAME|FILE", help="Serve for this graph. Repeatable.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; others can reach it only with ADJUDGE_API_KEY.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8000,
    lora: Annotated[
        list[str] | None, typer.Option("--lora", metavar="NAME=FOLDER", help="A LoRA adapter. Repeatable.")
    ] = None,
    tensor_parallel_size: Annotated[int, typer.Option(min=1, help="GPUs that share the model.")] = 1,
    max_model_len: Annotated[
        int | None, typer.Option(min=1, help="Most tokens of prompt and reply; the model's own by default.")
    ] = None,
    tool_parser: Annotated[
        str | None, typer.Option(help="vLLM's tool parser; by default that of the model's family.")
    ] = None,
    extra: Annotated[
        list[str] | None, typer.Option("--extra", metavar='"--flag …"', help="Further flags of vLLM. Repeatable.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="The Python that has vLLM; else ADJUDGE_VLLM_PYTHON, else this one.")
    ] = None,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait until it answers.")] = 180.0,
    online: Annotated[bool, typer.Option("--online", help="Weights may be downloaded.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Show vLLM's own log, on standard error.")] = False,
    print_only: Annotated[bool, typer.Option("--print", help="Only print the command.")] = False,
) -> None:
    """Start vLLM with the flags that judges need, and print the settings for the graph file. Ctrl-C stops it.

    \b
    adjudge models serve Qwen/Qwen3-8B --graph evidence
    adjudge models serve embedded --port 8001 --print
    """
    from adjudge.cli.screen import Screen
    from adjudge.models.serve import ServeSettings

    specs = [_spec(name) for name in graphs or ()]
    settings = ServeSettings(
        model=model,
        host=host,
        port=port or None,
        lora=tuple(_named(entry) for entry in lora or ()),
        tensor_parallel=tensor_parallel_size,
        max_model_len=max_model_len,
        tools=not specs or any(spec.tools for spec in specs),
        tool_parser=tool_parser,
        online=online,
        python=python,
        extra=tuple(_words(extra or ())),
    )
    screen = Screen(busy=not logs)
    _check_tools(screen, settings, specs)
    if print_only:
        screen.line(_shown(settings, port))
        return
    _run(screen, settings, wait=wait, logs=logs)


def _run(screen: Screen, settings: ServeSettings, *, wait: float, logs: bool) -> None:
    """Start the server and stay until it ends, or until we are told to."""
    import os

    from adjudge.errors import ModelError
    from adjudge.models.serve.running import start

    with _ending_on_signals():
        served = None
        try:
            screen.note(f"starting vLLM with {settings.served_name}; this takes a minute, or several on a first start")
            served = start(
                settings,
                api_key=os.environ.get("ADJUDGE_API_KEY") or None,
                seconds=wait,
                on_line=screen.note if logs else None,
                on_progress=lambda seconds: screen.busy(f"waiting for {settings.served_name}: {seconds:.0f} s"),
            )
            screen.idle()
            _show(screen, settings, served)
            while not served.process.wait(1.0):
                pass
            raise ModelError(f"vLLM has stopped: {served.process.ending}; its last lines:\n{served.process.tail()}")
        except KeyboardInterrupt:
            screen.note("stopping")
        finally:
            screen.idle()
            if served is not None:
                served.process.stop()


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the command as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _show(screen: Screen, settings: ServeSettings, served: Served) -> None:
    """The settings to put into a graph file."""
    screen.line((f"ready after {served.seconds:.0f} s", "bold green"), f"   {served.base_url}   Ctrl-C stops it")
    screen.line(("for the graph file", "bold"))
    lines = ["models:", "  default:", "    provider: server", f"    model: {_yaml(served.name)}"]
    lines.append(f'    base_url: "{served.base_url}"')
    if served.api_key:
        lines.append("    api_key: ${ADJUDGE_API_KEY}")
    if settings.max_model_len:
        lines.append(f"    context: {settings.max_model_len}")
    if settings.lora:
        names = ", ".join(name for name, _ in settings.lora)
        lines.append(f"    adapter: {_yaml(settings.lora[0][0])}   # or leave it out; there are: {names}")
    screen.block("\n".join(lines), indent=2)
    screen.line(("or in the shell", "bold"))
    chosen = {"ADJUDGE_BASE_URL": served.base_url, "ADJUDGE_MODEL": served.name}
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in chosen.items())
    screen.line(f"export {words}", indent=2)


def _yaml(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)  # JSON is YAML, and quotes what has to be quoted


def _shown(settings: ServeSettings, port: int) -> str:
    """The command, as a shell takes it; the key stays a variable."""
    import os

    from adjudge.models.serve import command, find_interpreter
    from adjudge.models.serve.flags import added_environment

    interpreter = find_interpreter(settings.python)
    added = {**added_environment(settings, interpreter, None), "PYTHONSAFEPATH": "1"}
    variables = [f"{name}={shlex.quote(value)}" for name, value in sorted(added.items())]
    if os.environ.get("ADJUDGE_API_KEY"):
        variables.append('VLLM_API_KEY="$ADJUDGE_API_KEY"')
    return " ".join(["env", *variables, shlex.join(command(settings, interpreter, port))])


def _spec(name: str) -> GraphSpec:
    from adjudge.config import validate
    from adjudge.graphs import GraphSpec, check
    from adjudge.graphs.library import find

    spec = validate(GraphSpec, find(name)[0])
    check(spec)
    return spec


def _check_tools(screen: Screen, settings: ServeSettings, specs: list[GraphSpec]) -> None:
    """A graph with tools needs a parser; without graphs its absence is only told."""
    from adjudge.errors import ConfigError
    from adjudge.models.serve.families import TOOL_PARSERS

    if not settings.tools or settings.parser or "--tool-call-parser" in settings.extra:
        return
    problem = f"no tool parser is known for the family of {settings.model!r}, so its tool calls cannot be read"
    known = sorted({parser for _, parser in TOOL_PARSERS})
    needing = [spec.name for spec in specs if spec.tools]
    if needing:
        told = f"{problem}, and the graph {needing[0]!r} has tools"
        raise ConfigError(told, key="--tool-parser", allowed=known, hint="or any other that vLLM has")
    screen.warning(f"{problem}; if you need them, give --tool-parser, for example one of {', '.join(known)}")


def _named(entry: str) -> tuple[str, str]:
    from adjudge.errors import ConfigError

    name, equals, folder = entry.partition("=")
    if not name or not equals or not folder:
        raise ConfigError("an adapter is given as NAME=FOLDER", key="--lora", found=entry)
    return name, folder


def _words(extra: list[str] | tuple[()]) -> list[str]:
    from adjudge.errors import ConfigError

    try:
        return [word for text in extra for word in shlex.split(text)]
    except ValueError as error:
        raise ConfigError(f"the flags cannot be read: {error}", key="--extra", found=" ".join(extra)) from error
