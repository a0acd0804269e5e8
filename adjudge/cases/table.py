"""Rows of CSV: the columns of a case, with one column or several for its responses."""

from __future__ import annotations

import csv
import json
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adjudge.cases.names import other_name
from adjudge.cases.rows import Row
from adjudge.config import Document
from adjudge.errors import CaseError, ConfigError

LONGEST_FIELD = 64 * 2**20  # characters; Python's own limit of 131,072 is too small for a long trajectory

_TEXT = ("id", "prompt", "reference", "label", "culture", "rubric")
_COLUMNS = (*_TEXT, "responses", "response", "response_a, response_b, …", "response_1, response_2, …", "metadata.NAME")
_SERIES = re.compile(r"response_(?:[a-z]|[1-9][0-9]{0,3})")
_FORM = "columns are separated by commas, and the first row names them"


def csv_rows(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    """One case a row; empty cells are left out.

    Responses stand in `response`, in a series (`response_a`, `response_b`, … or `response_1`, …; empty cells at the
    end of a series are left out, others are empty responses) or in `responses` as a JSON list.

    Raises:
        ConfigError: The header is unreadable, or names columns that a case does not have.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))  # only ever raised: it is one for the process
    reader = csv.reader(_text_lines(lines), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if header is None:
                raise ConfigError(f"the header is not CSV ({error})", file=name, line=line, hint=_FORM) from error
            yield CaseError(f"this row is not CSV ({error})", file=name, line=line, hint=_csv_hint(error))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _checked([cell.strip() for cell in cells], name, line)
        else:
            yield _row(header, cells, name, line)


def _text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        for part in line.splitlines(keepends=True):  # on \r too, as old spreadsheets write
            yield part.decode("utf-8", "surrogateescape")  # a wrong byte costs only its own row


def _csv_hint(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return 'a quote that opens here is never closed, so the rest of the file cannot be read; write "" inside quotes'
    return 'put text with commas, quotes or line ends in quotes, and write "" for a quote'


def _checked(header: list[str], name: str, line: int) -> list[str]:
    def wrong(problem: str, found: str | None = None, allowed: Sequence[str] = ()) -> ConfigError:
        hint = "; ".join(text for text in (other_name(found or "", allowed), _FORM) if text)
        return ConfigError(problem, file=name, line=line, found=found, allowed=allowed, hint=hint)

    unknown = [column for column in header if not _known(column)]
    if unknown:
        named = ", ".join(map(repr, unknown))
        raise wrong(f"a case has no column {named}", unknown[0], _COLUMNS)
    if repeated := [column for column in header if header.count(column) > 1]:
        raise wrong("this column stands twice", repeated[0])
    if "prompt" not in header:
        raise wrong("the column prompt is missing")
    given = [column for column in header if column.startswith("response")]
    series = sorted((column for column in given if _SERIES.fullmatch(column)), key=_rank)
    if len(given) > max(len(series), 1) or series not in (_letters(len(series)), _numbers(len(series))):
        allowed = ("response", "responses", "response_a, response_b, …", "response_1, response_2, …")
        raise wrong(f"use one kind of columns for responses, without gaps, not {', '.join(given)}", None, allowed)
    return header


def _known(column: str) -> bool:
    key = column.removeprefix("metadata.")
    return column in (*_TEXT, "responses", "response") or bool(_SERIES.fullmatch(column)) or "" != key != column


def _rank(column: str) -> tuple[int, str]:
    return len(column), column


def _letters(count: int) -> list[str]:
    return [f"response_{letter}" for letter in string.ascii_lowercase[:count]]


def _numbers(count: int) -> list[str]:
    return [f"response_{number}" for number in range(1, count + 1)]


def _row(header: list[str], cells: list[str], name: str, line: int) -> Row:
    if len(cells) != len(header):
        problem = f"this row has {len(cells)} cells, the header has {len(header)}"
        return CaseError(problem, file=name, line=line, hint="put text that holds commas or line ends in quotes")
    row = dict(zip(header, cells, strict=True))
    data: dict[str, Any] = {column: row[column] for column in _TEXT if row.get(column)}
    if metadata := {k.removeprefix("metadata."): v for k, v in row.items() if k.startswith("metadata.") and v}:
        data["metadata"] = metadata
    try:
        data["responses"] = _responses(row)
    except (ValueError, RecursionError) as error:
        hint = 'write a list in quotes, with each quote doubled: "[""first"", ""second""]"'
        return CaseError(
            f"this cell is not JSON ({error})", file=name, line=line, key="responses", found=row["responses"], hint=hint
        )
    return Document(data, name, {(): line})


def _responses(row: dict[str, str]) -> Any:
    if row.get("responses"):
        return json.loads(row["responses"])
    series = sorted((column for column in row if _SERIES.fullmatch(column)), key=_rank)
    texts = [row[column] for column in series or ["response"] if column in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts
