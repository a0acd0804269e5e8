"""The command line, one file a command.

    adjudge judge cases.jsonl --corpus corpus.jsonl

Only typer is imported to show help; a command imports what it needs when it runs. Everything that is printed goes
through `Screen`, which takes control sequences out of it: cases, evidence and replies come from outside.
"""

from __future__ import annotations

import contextlib
import io
import sys

__all__ = ["main"]


def main() -> None:
    """The console entry `adjudge`."""
    from adjudge.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):  # a stream that is closed already
                stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character must not end a run
    app()
