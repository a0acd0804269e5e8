"""Run Python that a model wrote, in pydantic-monty: an interpreter of its own, without files, network or processes.

    {kind: python, seconds: 5, memory_mb: 64}

Each call starts a fresh worker process, which takes milliseconds, loads the state that the judgement's last call left,
runs, and hands its state back as bytes; so no process outlives a call. Time, memory, recursion and output are limited
inside the worker, and a worker that does not keep to its time is killed.

The state lives in the memory of a running judgement: a judgement that is resumed from its journal does not run the
recorded calls again, so the first new call after a resume finds no variables. Random numbers are seeded and repeat;
the clock is the machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tokenize
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from adjudge.errors import ConfigError, MissingPackage, ToolError
from adjudge.tools.base import Tool, ToolContext, tool
from adjudge.types import Frozen

if TYPE_CHECKING:
    from pydantic_monty import Frame

CODE_CHARS = 20_000  # longest code in one call
MAX_SECONDS, MAX_MEMORY_MB, MAX_OUTPUT_CHARS = 30.0, 1024, 100_000
RECURSION = 500  # deepest call stack
ERROR_CHARS = 1000  # what is shown of an error's own message
GRACE = 2.0  # seconds beyond the limit after which a worker that did not stop itself is killed
_MEMORY = "python:state"
_COMPOUND = frozenset("async class def elif else except finally for if match try while with @".split())
_QUIET = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})
# Its own threads: code that runs into its limit must not keep other tools' blocking calls waiting.
_WORKERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="adjudge-python")


class PythonSettings(Frozen):
    """`{kind: python}` in a graph file."""

    kind: Literal["python"]
    seconds: float = Field(default=5.0, gt=0, le=MAX_SECONDS, description="Longest run of one call, in seconds.")
    memory_mb: int = Field(default=64, ge=4, le=MAX_MEMORY_MB, description="Most memory of one call, in MiB.")
    output_chars: int = Field(
        default=10_000, ge=100, le=MAX_OUTPUT_CHARS, description="What is shown of the output, in characters."
    )


def build(settings: PythonSettings, base: Path) -> Tool:
    """The tool that a graph file asks for; `base` (the graph file's folder) plays no part."""
    return python(seconds=settings.seconds, memory_mb=settings.memory_mb, output_chars=settings.output_chars)


def python(*, seconds: float = 5.0, memory_mb: int = 64, output_chars: int = 10_000, name: str = "python") -> Tool:
    """A tool that runs Python in a sandbox and keeps its variables for as long as the judgement lasts.

    Args:
        seconds: Longest run of one call, above 0 to 30.
        memory_mb: Most memory of one call in MiB, 4 to 1024. What a call leaves behind must fit in about half of it.
        output_chars: What is shown of the output, 100 to 100,000 characters.
        name: The tool's name for the model.

    Raises:
        ConfigError: A limit is out of its range.
        MissingPackage: pydantic-monty is not installed.
    """
    _check("seconds", seconds, 0, MAX_SECONDS)
    _check("memory_mb", memory_mb, 4, MAX_MEMORY_MB)
    _check("output_chars", output_chars, 100, MAX_OUTPUT_CHARS)
    if find_spec("pydantic_monty") is None:
        raise MissingPackage("pydantic_monty", needed_for="the tool python", install="pip install 'adjudge[sandbox]'")
    limits = _Limits(seconds, memory_mb, output_chars)

    async def run(code: str, context: ToolContext) -> str:
        """Run Python code in a sandbox: to calculate, count, sort, compare dates, search text or parse small data.

        Returns what the code prints and the value of its last expression. Variables and functions are kept for later
        calls of this judgement; `_` is the last value. After an error, what ran before it is kept; after a call that
        ran out of time or memory, the variables are as before that call. Time, memory and output of a call are
        limited.

        It is a small Python. These modules can be imported: asyncio, base64, binascii, bisect, collections (Counter,
        defaultdict, deque, namedtuple), copy, csv, dataclasses, datetime, decimal, functools (cache, lru_cache,
        partial, reduce), hashlib, itertools, json, math, random (seeded), re, time, tomllib, typing, unicodedata. No
        other module exists: no statistics, fractions, string, heapq, enum, operator, numpy, pandas, sympy or requests.
        There are no files, no network, no processes, no environment variables and no input(). Missing from the
        language: `del`, `yield`, class inheritance, property, classmethod, staticmethod, `except*`, type aliases,
        `from … import *`. Generator expressions are lists. Integers of more than 4300 digits cannot be shown.

        Args:
            code: The code, for example `from datetime import date\\n(date(1880, 12, 22) - date(1819, 11, 22)).days`.
        """
        if not code.strip():
            raise ToolError("the code is empty; write Python that prints a value or ends with an expression")
        if len(code) > CODE_CHARS:
            raise ToolError(f"the code has {len(code):,} characters; at most {CODE_CHARS:,} are run in one call")
        # Put there before the first await: calls of one turn then run one after another, in their order.
        session = context.memory.setdefault(_MEMORY, _Session())
        async with session.turn:
            outcome = await asyncio.get_running_loop().run_in_executor(_WORKERS, _run, code, session.state, limits)
            session.state = outcome.state
        if outcome.error:
            raise ToolError(outcome.error)
        return outcome.text

    return tool(run, name=name, fingerprint=f"{_version()}:{seconds:g}:{memory_mb}:{output_chars}")


class _Limits(NamedTuple):
    seconds: float
    memory_mb: int
    output_chars: int


@dataclass(eq=False)
class _Session:
    """What a judgement keeps between calls: never a process, only bytes that a worker of ours wrote."""

    state: bytes = b""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Outcome(NamedTuple):
    text: str
    error: str  # empty when the code ran to its end
    state: bytes


class _Printed:
    """The beginning of what is printed, and how much there was."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = ""
        self._seen = 0

    def __call__(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self._seen += len(text)
        if len(self._kept) < self._limit:
            self._kept += text[: self._limit - len(self._kept)]

    @property
    def text(self) -> str:
        if self._seen <= self._limit:
            return self._kept.rstrip("\n")
        return f"{self._kept}\n… [output cut: {self._limit:,} of {self._seen:,} characters are shown]"


def _run(code: str, state: bytes, limits: _Limits) -> _Outcome:
    """Run code in a worker of its own, on top of a state."""
    import pydantic_monty as monty

    printed = _Printed(limits.output_chars)
    inside: monty.ResourceLimits = {
        "max_feed_duration_secs": limits.seconds,
        "max_memory": limits.memory_mb * 2**20,
        "max_recursion_depth": RECURSION,
    }
    policy: monty.OSPolicy = {"sleep": "zero", "random_start": {"seed": 0}}
    pool = monty.Monty(
        min_processes=1,
        max_processes=1,
        checkout_timeout=GRACE + limits.seconds,
        request_timeout=GRACE + limits.seconds,
    )
    try:
        with pool, pool.checkout(limits=inside, os_policy=policy) as session:
            if state:
                session.load_session(state)
            try:
                _feed(session, code, printed)
            except (monty.MontySyntaxError, monty.MontyRuntimeError) as error:
                return _failed(error, session, state, printed, limits)
            return _finished(session, state, printed)
    except (monty.MontyCrashedError, monty.MontyConversionError, OSError) as error:
        # OSError and TimeoutError: no worker could be started.
        problem = f"the interpreter stopped ({error}); the variables are as before this call"
        return _Outcome("", _with_output(problem, printed), state)


def _feed(session: Any, code: str, printed: _Printed) -> None:
    """Run code such that the last expression's value is printed by the worker, within the worker's limits.

    The value never reaches this process: converting a hostile one here would cost our time and memory.
    """
    import pydantic_monty as monty

    if showing := _showing(code):
        try:
            session.feed_run(showing, print_callback=printed)
            return
        except monty.MontySyntaxError:  # raised before anything has run: it does not end with an expression after all
            pass
    session.feed_run(f"{code}\nNone", print_callback=printed)


def _showing(code: str) -> str:
    """The code with its last statement wrapped so that its value is shown, or nothing where that cannot be one.

    Only tokens are read: building a syntax tree of hostile code could overflow this process's stack. Whether the
    statement is an expression is left to the interpreter. Lines keep their numbers.
    """
    try:
        tokens = [token for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type not in _QUIET]
    except (tokenize.TokenError, SyntaxError):
        return ""
    while tokens and tokens[-1].type == tokenize.NEWLINE:
        tokens.pop()
    line = tokens[1 + max((i for i, token in enumerate(tokens) if token.type == tokenize.NEWLINE), default=-1) :]
    if not line or line[0].start[1] > 0 or line[0].string in _COMPOUND:
        return ""
    first = 1 + max((i for i, token in enumerate(line) if token.string == ";" and i + 1 < len(line)), default=-1)
    row, column = line[first].start
    end_row, end_column = line[-2 if line[-1].string == ";" else -1].end
    lines = io.StringIO(code).readlines()
    lines[end_row - 1 :] = [lines[end_row - 1][:end_column]]
    before = "".join([*lines[: row - 1], lines[row - 1][:column]])
    value = "".join(lines[row - 1 :])[column:]
    return f"{before}_ = ({value}\n)\nif _ is not None: print(repr(_))"


def _finished(session: Any, state: bytes, printed: _Printed) -> _Outcome:
    import pydantic_monty as monty

    text = printed.text or "(no output; print a value, or end with an expression)"
    try:
        return _Outcome(text, "", session.dump())
    except monty.MontyError:  # to write the state down takes about as much memory again as it has
        note = "[the variables take too much memory to be kept; they are as before this call]"
        return _Outcome(f"{text}\n{note}", "", state)


def _failed(error: Any, session: Any, state: bytes, printed: _Printed, limits: _Limits) -> _Outcome:
    """What the model is told of an error in its code, and the state to go on with."""
    import pydantic_monty as monty

    said: str = error.display("type-msg")
    before = "the variables are as before this call"
    if said.startswith("TimeoutError: feed time limit"):
        return _Outcome("", _with_output(f"stopped after {limits.seconds:g} seconds; {before}", printed), state)
    if said.startswith(("MemoryError: memory limit", "MemoryError: the worker exceeded")):
        problem = f"stopped: the code needs more than {limits.memory_mb} MiB of memory; {before}"
        return _Outcome("", _with_output(problem, printed), state)
    with contextlib.suppress(monty.MontyError):  # too large to be written down: go on with what was
        state = session.dump()
    shown = said if len(said) <= ERROR_CHARS else f"{said[:ERROR_CHARS]}…"
    return _Outcome("", _with_output("\n".join([*_trace(error.traceback()), shown]), printed), state)


def _trace(frames: Sequence[Frame]) -> list[str]:
    """The outermost frame and the two innermost, one line each."""
    lines = [f"  line {frame.line}{f' in {frame.function_name}' if frame.function_name else ''}" for frame in frames]
    if len(lines) > 3:
        lines[1:-2] = [f"  … {len(lines) - 3} more calls"]
    return ["Traceback, outermost call first:", *lines] if lines else []


def _with_output(problem: str, printed: _Printed) -> str:
    return f"{problem}\n\nprinted before that:\n{printed.text}" if printed.text else problem


def _check(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or value == 0:
        raise ConfigError(f"{key} must lie from {low:g} to {high:g}", key=key, found=value)


def _version() -> str:
    from importlib.metadata import version

    return version("pydantic-monty")
