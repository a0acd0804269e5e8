"""Rows to cases, and rows that are none to errors that say why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from pydantic import ValidationError

from adjudge.cases.names import other_name
from adjudge.cases.rows import Row, json_rows, jsonl_rows, yaml_rows
from adjudge.cases.seen import Seen
from adjudge.cases.source import Format, Input, Source, find, lines_of, sniff
from adjudge.cases.table import csv_rows
from adjudge.config import Document, KeyPath
from adjudge.config.validation import mistakes
from adjudge.errors import CaseError, ConfigError
from adjudge.types import Case

OnError = Callable[[CaseError], object]
RowsOf = Callable[[Input, Iterable[bytes | str]], Iterator[Row]]

_ROWS: dict[Format, Callable[[Iterable[bytes], str], Iterator[Row]]] = {
    "yaml": yaml_rows,
    "yml": yaml_rows,
    "json": json_rows,
    "jsonl": jsonl_rows,
    "ndjson": jsonl_rows,
    "csv": csv_rows,
}
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_cases(source: Source, *, on_error: OnError | None = None, fmt: str | None = None) -> Iterator[Case]:
    """Read cases one after the other.

    Args:
        source: A path, `-` for standard input, or an open stream of bytes or text, which stays open; any
            iterable of lines will do.
        on_error: Gets every row that is no case, in order with the cases; without it the first one is raised.
        fmt: `yaml`, `yml`, `json`, `jsonl`, `ndjson` or `csv`; by default a path's suffix decides, and for a stream
            its first line (CSV has to be named).

    Raises:
        ConfigError: At once: the source does not exist or its format is unknown. While reading: it cannot be read,
            is empty, or is broken as a whole (YAML syntax, a CSV header).
        CaseError: A row is no case, and there is no `on_error`.
    """
    return cases_of(find(source, fmt), _rows, on_error)


def cases_of(found: Input, rows: RowsOf, on_error: OnError | None, what: str = "cases") -> Iterator[Case]:
    """The cases of a source that was found, each id once; see `read_cases`.

    Args:
        found: The source.
        rows: How its rows are read.
        on_error: Gets every row that is no case.
        what: What its rows are, for messages.
    """
    empty = True
    with found.open() as opened, closing(Seen()) as seen:
        for row in rows(found, opened):
            empty = False
            try:
                case = _case(row, seen)
            except CaseError as error:
                if on_error is None:
                    raise
                on_error(error)
            else:
                yield case
    if empty:
        raise ConfigError(f"there are no {what} in this file", file=found.name, hint="write at least one")


def _rows(found: Input, opened: Iterable[bytes | str]) -> Iterator[Row]:
    lines = lines_of(opened, found.name)
    if found.fmt is not None:
        yield from _ROWS[found.fmt](lines, found.name)
        return
    fmt, lines = sniff(lines)
    try:
        yield from _ROWS[fmt](lines, found.name)
    except CaseError:
        raise
    except ConfigError as error:
        hint = f"it was read as {fmt}; if it is something else, say so (fmt=…); {error.hint or ''}".rstrip("; ")
        raise ConfigError(
            error.problem, file=error.file, line=error.line, found=error.found, allowed=error.allowed, hint=hint
        ) from error


def _case(row: Row, seen: Seen) -> Case:
    if isinstance(row, CaseError):
        raise row
    case = case_of(row)
    if (first := seen.first(case.id, str(_line(row)))) is not None:
        raise _twice(row, case, first)
    return case


def case_of(row: Document) -> Case:
    """The case that a row is.

    Raises:
        CaseError: It is none.
    """
    data = row.data
    if not isinstance(data, dict):
        found = None if isinstance(data, list) else data
        raise row.error("a case should be a mapping with at least the key prompt", kind=CaseError, found=found)
    if (path := _unreadable(data)) is not None:
        problem = "this text holds bytes that are not UTF-8, or half of a surrogate pair"
        raise row.error(problem, path, kind=CaseError, hint="save the file as UTF-8")
    if isinstance(data.get("id"), int) and not isinstance(data["id"], bool):
        data = {**data, "id": str(data["id"])}
    try:
        return Case.model_validate(data)
    except ValidationError as error:
        raise _explained(mistakes(Case, row, error, CaseError)) from error


def _explained(errors: list[ConfigError]) -> CaseError:
    """One error for a row: the mistake that explains most, with the others in its hint."""
    errors = sorted(errors, key=lambda error: error.problem != "unknown key")  # `question` explains a missing `prompt`
    first = errors[0]
    hints = [
        other_name(first.key or "", first.allowed) if first.problem == "unknown key" else None,
        first.hint,
        *(f"also {error.key}: {error.problem}" for error in errors[1:]),
    ]
    return CaseError(
        first.problem,
        file=first.file,
        line=first.line,
        key=first.key,
        found=first.found,
        allowed=first.allowed,
        hint="; ".join(hint for hint in hints if hint) or None,
    )


def _twice(row: Document, case: Case, first: str) -> CaseError:
    if "id" not in row.data:
        hint = "remove one of them, or give both an id"
        return CaseError(f"the same case stands in line {first}", file=row.name, line=_line(row), hint=hint)
    problem = f"this id stands in line {first} already"
    return CaseError(problem, file=row.name, line=_line(row), key="id", found=case.id, hint="give each case its own id")


def _line(row: Document) -> int | None:
    line = row.place(())
    return line if isinstance(line, int) else None


def _unreadable(data: dict[str, Any]) -> KeyPath | None:
    """The path of a text with lone surrogates; neither UTF-8 nor JSON can hold them."""
    pending: list[tuple[KeyPath, Any]] = [((), data)]
    while pending:  # not recursive: JSON may be nested deeper than Python's stack
        path, value = pending.pop()
        if isinstance(value, str) and _SURROGATE.search(value):
            return path
        if isinstance(value, dict):
            if any(_SURROGATE.search(key) for key in value):
                return path
            pending += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [((*path, number), item) for number, item in enumerate(value)]
    return None
