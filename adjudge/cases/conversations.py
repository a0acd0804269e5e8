"""Conversations in a file of JSON or of JSON lines: each a mapping that knows the lines of its messages.

A file of JSON holds one conversation (a list of messages, or a mapping), or a list of conversations; JSON lines hold
one conversation a line.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator

from adjudge.cases.foreign import is_message
from adjudge.cases.rows import Row, json_rows, jsonl_rows
from adjudge.cases.source import Input, lines_of
from adjudge.config import Document, KeyPath
from adjudge.errors import CaseError, ConfigError

_SPACE = re.compile(r"[ \t\r\n]*")
_DEPTH = 2  # of the places that are remembered: the keys of a row, and the items of its lists


def conversation_rows(found: Input, opened: Iterable[bytes | str]) -> Iterator[Row]:
    """One row for each conversation; a list of messages becomes `{"messages": […]}`.

    Raises:
        ConfigError: The source cannot be read, or holds neither a list nor a mapping.
    """
    lines = lines_of(opened, found.name)
    if found.fmt is None:
        kept = list(lines)
        whole, lines = _is_whole(kept), iter(kept)
    else:
        whole = found.fmt == "json"
    for row in _of_json(b"".join(lines), found.name) if whole else _of_lines(lines, found.name):
        yield _as_mapping(row) if isinstance(row, Document) else row


def _as_mapping(row: Document) -> Document:
    if not isinstance(row.data, list):
        return row
    places = {("messages", *path): place for path, place in row.places.items() if path}
    return Document({"messages": row.data}, row.name, {**places, (): row.place(()) or 1})


def _is_whole(lines: list[bytes]) -> bool:
    """Whether text of which no suffix is known is one JSON value, and not one value a line."""
    filled = [line for line in lines if line.strip()]
    if len(filled) < 2:
        return bool(filled)
    try:
        json.loads(filled[0])
    except (ValueError, RecursionError):
        return not filled[0].rstrip().endswith((b"}", b"]"))  # a row that is broken is still a row
    return False


def _of_lines(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    for row in jsonl_rows(lines, name):
        if isinstance(row, Document) and is_message(row.data):
            hint = "one conversation a line: put its messages into a list, or into a file of JSON"
            yield row.error("this line is a single message, and no conversation", kind=CaseError, hint=hint)  # type: ignore[misc]  # kind is what comes back
        else:
            yield row


def _of_json(content: bytes, name: str) -> Iterator[Row]:
    start = content.lstrip()[:1]
    if start not in (b"", b"[", b"{"):
        problem = "a file of conversations should be a list or a mapping in JSON"
        raise ConfigError(problem, file=name, found=content.lstrip()[:40].decode("utf-8", "replace"))
    if start != b"{":
        yield from _of_list(json_rows([content], name), name)
        return
    first, *more = json_rows([b"[", content, b"]"], name)
    if isinstance(first, CaseError):
        yield first
        return
    yield Document(first.data, name, _places(content.decode("utf-8", "surrogateescape")))
    for row in more[:1]:
        hint = "for one conversation a line use the suffix .jsonl; several in a file of JSON make up a list"
        line = row.line if isinstance(row, CaseError) else None
        yield CaseError("there is more after this conversation", file=name, line=line, hint=hint)


def _of_list(rows: Iterator[Row], name: str) -> Iterator[Row]:
    """The messages of one conversation, or conversations: the first item that is either decides."""
    head: list[Row] = []
    for row in rows:
        head.append(row)
        if isinstance(row, Document) and (is_message(row.data) or _is_conversation(row.data)):
            break
    items = itertools.chain(head, rows)
    if any(isinstance(row, Document) and is_message(row.data) for row in head):
        yield _together(list(items), name)
    else:
        yield from items


def _is_conversation(value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and not is_message(value) and _has_list(value))


def _has_list(row: dict[str, object]) -> bool:
    return any(isinstance(value, list | dict) for value in row.values())


def _together(items: list[Row], name: str) -> Row:
    """The messages of one conversation; a broken one breaks it."""
    values: list[object] = []
    places: dict[KeyPath, int] = {}
    for number, item in enumerate(items):
        if isinstance(item, CaseError):
            return item
        line = item.place(())
        values.append(item.data)
        if isinstance(line, int):
            places |= {(number,): line} | ({} if places else {(): line})
    return Document(values, name, places)


def _places(text: str) -> dict[KeyPath, int]:
    """The lines of the first keys and items of a mapping in JSON that has been read before."""
    starts: dict[KeyPath, int] = {}
    _walk(text, 0, (), starts)
    places: dict[KeyPath, int] = {}
    line, counted = 1, 0
    for path, start in sorted(starts.items(), key=lambda item: item[1]):
        line, counted = line + text.count("\n", counted, start), start
        places[path] = line
    return places


def _walk(text: str, position: int, path: KeyPath, starts: dict[KeyPath, int]) -> int:
    """Note where a value starts, and those in it; the position after it."""
    decoder = json.JSONDecoder()
    position = _skip(text, position)
    starts[path] = position
    opening = text[position]
    if len(path) == _DEPTH or opening not in "{[":
        return decoder.raw_decode(text, position)[1]
    position, number = _skip(text, position + 1), 0
    while text[position] not in "}]":
        key: str | int = number
        if opening == "{":
            key, position = decoder.raw_decode(text, position)
            position = _skip(text, position) + 1  # the colon
        position = _skip(text, _walk(text, position, (*path, key), starts))
        position = _skip(text, position + (text[position] == ","))
        number += 1
    return position + 1


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
