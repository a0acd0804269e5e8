"""Preference data from files: rows of DPO data, and cases with two responses or more.

    for row in read_pairs(["pairs.jsonl"], on_error=print):
        ...

JSON lines, JSON, YAML, CSV and Parquet; JSON also with gzip. A row with `chosen` or `rejected` is DPO data, see
`adjudge.selection.forms`; of its other columns those that help a judge are kept (`id`, `reference`, `rubric`,
`documents`, `culture`), and those that TRL reads (`tools`, `chat_template_kwargs`). Every other row is a case. A row
that is neither costs only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from adjudge.cases.names import other_name
from adjudge.cases.rows import json_rows, jsonl_rows, yaml_rows
from adjudge.cases.source import Format, find, lines_of, sniff
from adjudge.cases.table import csv_rows
from adjudge.config import Document
from adjudge.config.validation import mistakes
from adjudge.errors import CaseError, ConfigError
from adjudge.evaluation.benchmarks.row import Row as Columns
from adjudge.evaluation.benchmarks.row import rows_of
from adjudge.selection.candidates import Candidates, Written, candidates_of, key_of
from adjudge.selection.forms import response_of, split
from adjudge.types import Case, Response

Row = Candidates | ConfigError  # an error is one bad row, or a file that cannot be read any further

JUDGED = ("id", "reference", "rubric", "documents", "culture")  # columns of DPO data that become fields of the case
TRAINED = ("tools", "chat_template_kwargs")  # columns that TRL's trainers read
_ROWS: dict[Format, Callable[[Iterable[bytes], str], Iterator[Document | CaseError]]] = {
    "yaml": yaml_rows,
    "yml": yaml_rows,
    "json": json_rows,
    "jsonl": jsonl_rows,
    "ndjson": jsonl_rows,
    "csv": csv_rows,
}


def read_pairs(
    sources: Sequence[str | Path], *, seed: int = 0, strict: bool = True, limit: int | None = None
) -> Iterator[Row]:
    """Read candidates from files, one after the other, with what is wrong with a row at its place.

    Args:
        sources: Paths, or `-` for standard input, which holds JSON lines, JSON or YAML.
        seed: Of the order in which responses are shown.
        strict: Whether a label of a case that cannot be read is an error; else it counts as none.
        limit: Most candidates; bad rows are not counted.

    Raises:
        ConfigError: At once: a file does not exist, or its format is not known.
    """
    opened = [_checked(str(source)) for source in sources]
    return _limited(_all(opened, seed, strict), limit)


def _checked(source: str) -> str:
    path = Path(source)
    columns = source != "-" and path.suffix in (".gz", ".parquet")
    find(source, "jsonl" if columns else None)  # whether it is there; of columns no more can be said unread
    return source


def _limited(rows: Iterator[Row], limit: int | None) -> Iterator[Row]:
    while (limit is None or limit > 0) and (row := next(rows, None)) is not None:
        yield row
        limit = None if limit is None else limit - isinstance(row, Candidates)


def _all(sources: Sequence[str], seed: int, strict: bool) -> Iterator[Row]:
    for source in sources:
        empty = True
        try:
            for row in _documents(source):
                empty = False
                yield row if isinstance(row, CaseError) else _read(row, seed, strict)
        except ConfigError as error:
            yield error
        else:
            if empty:
                yield ConfigError("there are no rows in this file", file=source)


def _documents(source: str) -> Iterator[Document | CaseError]:
    path = Path(source)
    if source != "-" and _has_columns(path):
        for row in rows_of(path):
            yield row if isinstance(row, CaseError) else _document(row)
        return
    found = find(source, None)
    with found.open() as opened:
        lines = lines_of(opened, found.name)
        fmt = found.fmt
        if fmt is None or fmt == "json":  # `.json` often holds JSON lines
            fmt, lines = sniff(lines)
        yield from _ROWS[fmt](lines, found.name)


def _has_columns(path: Path) -> bool:
    """Whether its rows are columns of any name, not fields of cases."""
    if path.suffix != ".csv":
        return path.suffix in (".gz", ".parquet")
    with path.open("rb") as file:
        return b"chosen" in file.readline()


def _document(row: Columns) -> Document:
    where = row.line if row.line is not None else row.number + 1
    return Document({key: value for key, value in row.data.items() if value is not None}, row.name, {(): where})


def _read(row: Document, seed: int, strict: bool) -> Row:
    try:
        if isinstance(row.data, dict) and ("chosen" in row.data or "rejected" in row.data):
            return _pair(row, row.data, seed)
        return candidates_of(_case(row, row.data), seed=seed, strict=strict, place=_place(row))
    except CaseError as error:
        if error.file is not None:
            return error
        return row.error(error.problem, kind=CaseError, found=error.found, allowed=error.allowed, hint=error.hint)


def _pair(row: Document, data: Mapping[str, Any], seed: int) -> Candidates:
    if missing := [key for key in ("chosen", "rejected") if data.get(key) is None]:
        raise row.error("this column is missing", (missing[0],), kind=CaseError)
    try:
        parts = split(data.get("prompt"), data["chosen"], data["rejected"])
    except ValueError as error:
        raise row.error(str(error), kind=CaseError) from error
    responses = [_response(row, "chosen", parts.chosen), _response(row, "rejected", parts.rejected)]
    fields = {key: data[key] for key in JUDGED if data.get(key) is not None}
    case = _case(row, {**fields, "prompt": parts.asked, "responses": responses, "label": "A"})
    if "id" not in fields:
        case = case.model_copy(update={"id": f"pair-{key_of(case)[:12]}"})
    completions: tuple[Written, ...] = (parts.chosen, parts.rejected)
    extra = {key: data[key] for key in TRAINED if data.get(key) is not None}
    return candidates_of(case, seed=seed, prompt=parts.prompt, completions=completions, extra=extra, place=_place(row))


def _response(row: Document, key: str, completion: Written) -> Response:
    try:
        return response_of(completion)
    except CaseError as error:
        raise row.error(
            error.problem, (key,), kind=CaseError, found=error.found, allowed=error.allowed, hint=error.hint
        ) from error


def _case(row: Document, data: Any) -> Case:
    if not isinstance(data, dict):
        found = None if isinstance(data, list) else data
        problem = "a row should be a case, or have the columns prompt, chosen and rejected"
        raise row.error(problem, kind=CaseError, found=found)
    if isinstance(data.get("id"), int) and not isinstance(data["id"], bool):
        data = {**data, "id": str(data["id"])}
    try:
        return Case.model_validate(data)
    except ValidationError as error:
        raise _explained(mistakes(Case, row, error, CaseError)) from error
    except (PydanticSerializationError, UnicodeEncodeError) as error:
        problem = "a text holds bytes that are not UTF-8, or half of a surrogate pair"
        raise row.error(problem, kind=CaseError, hint="save the file as UTF-8") from error


def _explained(errors: list[ConfigError]) -> CaseError:
    first = min(errors, key=lambda error: error.problem != "unknown key")  # `question` explains a missing `prompt`
    hint = other_name(first.key or "", first.allowed) if first.problem == "unknown key" else None
    if hint is None or first.hint is not None:
        return cast("CaseError", first)
    return CaseError(
        first.problem,
        file=first.file,
        line=first.line,
        key=first.key,
        found=first.found,
        allowed=first.allowed,
        hint=hint,
    )


def _place(row: Document) -> str:
    return f"{row.name}:{row.place(())}"
