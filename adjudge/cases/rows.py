"""Rows of YAML, JSON and JSON lines: each a document with its line, or the error that it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from adjudge.config import Document
from adjudge.config.document import decode
from adjudge.config.yaml import compose, convert, line_of
from adjudge.errors import CaseError, ConfigError

Row = Document | CaseError

_SPACE = re.compile(r"[ \t\r\n]*")
_ONE_PER_LINE = "for one case per line use the suffix .jsonl or the format jsonl"


def yaml_rows(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    """The items of a YAML list, or of the key `cases`.

    Raises:
        ConfigError: The file is not YAML, or holds no list of cases.
    """
    node = compose(decode(b"".join(lines), name), name)
    if node is None:
        return
    for item in _items(node, name):
        try:
            plain = convert(item, name, CaseError)
        except CaseError as error:
            yield error
        else:
            yield Document(plain.data, name, plain.lines)


def jsonl_rows(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    """One JSON object a line; blank lines are skipped."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            parsed = _parse(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            problem = f"byte 0x{line[error.start]:02x} at position {error.start} of the row is not UTF-8"
            yield CaseError(problem, file=name, line=number, hint="save the file as UTF-8")
        except (ValueError, RecursionError) as error:
            cut = "the file ends in the middle of this row" if not line.endswith(b"\n") else "write one object a line"
            yield CaseError(_not_json(error), file=name, line=number, found=_shown(line), hint=cut)
        else:
            yield _row(parsed, name, number)


def json_rows(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    """The items of a JSON list, or of the key `cases`; where the JSON breaks off, the items before it still count.

    Raises:
        ConfigError: The file holds no list of cases.
    """
    text = b"".join(lines).decode("utf-8", "surrogateescape")  # a wrong byte costs only its own item
    position = _skip(text, 0)
    if position == len(text):
        return
    wrapped = text[position] == "{"
    position = _open_list(text, position, name)
    line, counted = 1, 0
    end_of_list = text.startswith("]", _skip(text, position))
    while not end_of_list:
        position = _skip(text, position)
        line, counted = line + text.count("\n", counted, position), position
        try:
            parsed = _parse(text, position)
        except (ValueError, RecursionError) as error:
            yield _broken(_not_json(error), name, line)
            return
        yield _row(parsed, name, line)
        position = _skip(text, parsed.end)
        end_of_list = text.startswith("]", position)
        if not end_of_list and not text.startswith(",", position):
            yield _broken("after this item a comma or ] is missing", name, line)
            return
        position += not end_of_list
    yield from _rest(text, _skip(text, position) + 1, wrapped, name)


class _Parsed(NamedTuple):
    value: Any
    end: int
    faults: list[str]  # what Python's parser lets through and JSON does not


def _parse(text: str, start: int | None = None) -> _Parsed:
    """Parse one value: a whole text, or what begins at `start`."""
    faults: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) < len(items):
            keys = [key for key, _ in items]
            faults.append(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
        return result

    def constant(word: str) -> float:
        faults.append(f"{word} is not JSON; write null")
        return float(word)

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant)
    if start is None:
        return _Parsed(decoder.decode(text), len(text), faults)
    value, end = decoder.raw_decode(text, start)
    return _Parsed(value, end, faults)


def _row(parsed: _Parsed, name: str, line: int) -> Row:
    if parsed.faults:
        return CaseError(parsed.faults[0], file=name, line=line)
    return Document(parsed.value, name, {(): line})


def _items(node: Node, name: str) -> list[Node]:
    if isinstance(node, SequenceNode):
        return list(node.value)
    if not isinstance(node, MappingNode):
        raise _no_list(name, line_of(node))
    found: list[Node] = []
    for number, (key, value) in enumerate(node.value):
        if not isinstance(key, ScalarNode) or key.value != "cases" or number:
            raise _no_list(name, line_of(key), key.value if isinstance(key, ScalarNode) else None)
        if not isinstance(value, SequenceNode):
            raise ConfigError("cases should be a list", file=name, line=line_of(value), key="cases")
        found = list(value.value)
    return found


def _open_list(text: str, position: int, name: str) -> int:
    """The position after the bracket that opens the list of cases."""
    if text[position] == "{":
        opened = re.compile(r'\{[ \t\r\n]*"cases"[ \t\r\n]*:[ \t\r\n]*').match(text, position)
        if opened is None:
            key = re.compile(r'\{[ \t\r\n]*"([^"\\]*)"').match(text, position)
            raise _no_list(name, text.count("\n", 0, position) + 1, key[1] if key else None, hint=_ONE_PER_LINE)
        position = opened.end()
    if not text.startswith("[", position):
        raise _no_list(name, text.count("\n", 0, position) + 1)
    return position + 1


def _rest(text: str, position: int, wrapped: bool, name: str) -> Iterator[Row]:
    position = _skip(text, position)
    if wrapped and text.startswith("}", position):
        position, wrapped = _skip(text, position + 1), False
    if wrapped or position < len(text):
        problem = "after the list of cases there is more text" if position < len(text) else "the last } is missing"
        yield CaseError(
            problem, file=name, line=text.count("\n", 0, position) + 1, found=text[position : position + 80] or None
        )


def _no_list(name: str, line: int, found: str | None = None, hint: str | None = None) -> ConfigError:
    problem = "a file of cases should be a list, or a mapping with the one key cases"
    return ConfigError(problem, file=name, line=line, found=found, allowed=("cases",) if found else (), hint=hint)


def _broken(problem: str, name: str, line: int) -> CaseError:
    return CaseError(problem, file=name, line=line, hint="the items after it cannot be read either")


def _not_json(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"this is not JSON ({error.msg} at line {error.lineno}, column {error.colno} of it)"
    return "this is nested too deeply" if isinstance(error, RecursionError) else f"this is not JSON ({error})"


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
