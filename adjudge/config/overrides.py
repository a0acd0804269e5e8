"""Values set from outside a file: `{"models.default.model": "x"}`, or `--set models.default.model=x`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ruamel.yaml.nodes import MappingNode, SequenceNode

from adjudge.config.document import Document, KeyPath, Place, dotted
from adjudge.config.yaml import compose, convert
from adjudge.errors import ConfigError

_FORM = "write --set key.path=value"


def apply_overrides(document: Document, overrides: Mapping[str, object] | Sequence[str]) -> Document:
    """Set values by dotted path; the given document stays as it is.

    A path creates the mappings it needs and replaces a scalar that is in its way (`models: {default: auto}` with
    `models.default.model=x`). A number selects an item that an existing list has. A value replaces what was there;
    mappings are not merged. References such as `${ADJUDGE_X}` work as in the file.

    Args:
        document: What to change.
        overrides: Path to value from Python; from the command line `path=value`, with the value in YAML 1.2 as a
            scalar or in flow form (`[a, b]`, `{a: 1}`). Nothing after `=` is null; empty text is `''`.

    Raises:
        ConfigError: An override is not `path=value`, its value is not YAML, or its path leads to no list item.
    """
    if isinstance(overrides, str):
        raise ConfigError("overrides should be a list or a mapping, not text", found=overrides, hint="write [text]")
    for path, value in _pairs(overrides):
        done: list[str | int] = []
        data = _put(document, document.data, path, value, done)
        places: dict[KeyPath, Place] = {k: v for k, v in document.places.items() if k[: len(done)] != tuple(done)}
        for end in range(1, len(done) + 1):
            if end == len(done) or tuple(done[:end]) not in places:
                places[tuple(done[:end])] = "override"
        document = replace(document, data=data, places=places)
    return document


def _pairs(overrides: Mapping[str, object] | Sequence[str]) -> list[tuple[tuple[str, ...], object]]:
    if isinstance(overrides, Mapping):
        return [(_path(key, key), value) for key, value in overrides.items()]
    return [_parse(text) for text in overrides]


def _parse(text: str) -> tuple[tuple[str, ...], object]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError("an override needs a value", file="--set", found=text, hint=_FORM)
    return _path(key, text), _value(value, key)


def _path(key: str, shown: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in key.split("."))
    if not all(parts):
        raise ConfigError("an override needs a key path without empty parts", file="--set", found=shown, hint=_FORM)
    return parts


def _value(text: str, key: str) -> object:
    name = f"--set {key}"
    node = compose(text, name)
    if node is None:
        return None
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style:
        hint = f"put text in quotes ({key}='\"a: b\"'), write a list as [a, b] and a mapping as {{a: 1}}"
        raise ConfigError("a value should be a scalar or in flow form", file=name, found=text, hint=hint)
    return convert(node, name).data


def _put(document: Document, data: Any, path: tuple[str, ...], value: object, done: list[str | int]) -> Any:
    """A copy of `data` with `value` at `path`; `done` collects the path with list positions as numbers."""
    if not path:
        return value
    if isinstance(data, list):
        index = _index(document, data, path[0], done)
        done.append(index)
        return [*data[:index], _put(document, data[index], path[1:], value, done), *data[index + 1 :]]
    mapping = data if isinstance(data, dict) else {}
    done.append(path[0])
    return {**mapping, path[0]: _put(document, mapping.get(path[0]), path[1:], value, done)}


def _index(document: Document, items: list[Any], part: str, done: list[str | int]) -> int:
    if part in map(str, range(len(items))):
        return int(part)
    problem = f"{dotted(tuple(done))} is a list of {len(items)} and has no such item"
    allowed = (f"0 to {len(items) - 1}",) if items else ()
    hint = f"set the whole list: --set '{dotted(tuple(done))}=[a, b]'"
    raise document.error(problem, (*done, part), found=part, allowed=allowed, hint=hint)
