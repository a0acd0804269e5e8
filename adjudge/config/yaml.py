"""YAML 1.2 text to plain data with line numbers; everything that is odd about YAML stays in this file.

Data is built from the parser's nodes, not by its constructors: that gives the line of every key, finds keys that are
written twice, and resolves plain scalars by the core schema alone, so `no`, `1_000`, `12:30` and `2024-01-31` are text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from adjudge.errors import ConfigError

MOST_REPEATS = 100_000  # nodes that aliases may add to a file; a "billion laughs" file asks for 10^9

_PREFIX = "tag:yaml.org,2002:"
_OTHER_VERSION = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*%YAML[ \t]+(?!1\.2\b)(?P<version>\S*)")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")  # YAML 1.2.2, section 10.3.2
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"(?P<sign>[-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Plain(NamedTuple):
    """A converted node, and the line of every key path in it, counted from 1."""

    data: Any
    lines: dict[tuple[str | int, ...], int]


def compose(text: str, name: str) -> Node | None:
    """Parse text into the YAML library's nodes; None when there is nothing in it.

    Raises:
        ConfigError: A syntax error, with its line.
    """
    if other := _OTHER_VERSION.match(text):
        raise ConfigError("only YAML 1.2 is read", file=name, found=other["version"], hint="remove the %YAML line")
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML 1.2 lets an anchor be used again
    try:
        node: Node | None = yaml.compose(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"character U+{error.character:04X} is not allowed in YAML", file=name, line=line) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f"{error.context}: " if error.context else ""
        raise _syntax(f"{context}{error.problem}", name, mark.line + 1 if mark else None) from error
    except RecursionError as error:
        raise ConfigError("the YAML is nested too deeply", file=name) from error
    except (YAMLError, ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        # Half-written escapes and directives make the parser stumble over itself instead of reporting them.
        raise _syntax(f"{type(error).__name__} in the parser: {error}", name, None) from error
    return node


def convert(node: Node, name: str, kind: type[ConfigError] = ConfigError) -> Plain:
    """Turn a node into plain data.

    Raises:
        ConfigError: Or the given kind of it: a key that stands twice, a key that is not text, a tag that is not of
            the core schema, an anchor that contains itself, or aliases that expand without end.
    """
    converter = _Converter(name, kind)
    try:
        data = converter.value(node, ())
    except RecursionError as error:
        raise kind("the YAML is nested too deeply", file=name, line=line_of(node)) from error
    return Plain(data, converter.lines)


def line_of(node: Node) -> int:
    """The line on which a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def _syntax(problem: str, name: str, line: int | None) -> ConfigError:
    hint = "put text that holds any of : # { } [ ] & * ! | > % @ ` in quotes, and indent with spaces"
    return ConfigError(f"this is not YAML ({problem})", file=name, line=line, hint=hint)


class _Converter:
    """Carries what one conversion has seen: lines, nodes that came before, and nodes that are open."""

    def __init__(self, name: str, kind: type[ConfigError]) -> None:
        self.name = name
        self.kind = kind
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.seen: set[int] = set()
        self.open: set[int] = set()
        self.repeats = 0

    def value(self, node: Node, path: tuple[str | int, ...]) -> Any:
        self.lines.setdefault(path, line_of(node))
        self._count(node, path)
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if id(node) in self.open:
            raise self._error(node, path, "an anchor contains itself", "write the inner part out")
        self.open.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        finally:
            self.open.discard(id(node))

    def _count(self, node: Node, path: tuple[str | int, ...]) -> None:
        self.repeats += id(node) in self.seen
        self.seen.add(id(node))
        if self.repeats > MOST_REPEATS:
            problem = f"aliases expand to more than {MOST_REPEATS:,} values"
            raise self._error(node, path, problem, "write fewer aliases of aliases")

    def _mapping(self, node: MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        self._expect(node, path, "map")
        merged: list[Node] = []
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if _tag(key_node) == "merge":
                merged.append(value_node)
                continue
            key = self._key(key_node, path)
            if key in own:
                first = self.lines[(*path, key)]
                raise self._error(key_node, (*path, key), f"this key stands twice, first in line {first}", "remove one")
            self.lines[(*path, key)] = line_of(key_node)
            own[key] = self.value(value_node, (*path, key))
        for source in merged:
            self._merge(source, own, path)
        return own

    def _merge(self, source: Node, own: dict[str, Any], path: tuple[str | int, ...]) -> None:
        """Add the pairs of `<<: *anchor` or `<<: [*a, *b]`; what is there already wins, and so does its line."""
        for mapping in self._merge_sources(source, path):
            lines, self.lines = self.lines, {}
            pairs = self.value(mapping, path)
            self.lines = {**self.lines, **lines}
            for key, value in pairs.items():
                own.setdefault(key, value)

    def _merge_sources(self, source: Node, path: tuple[str | int, ...]) -> Iterator[MappingNode]:
        for node in source.value if isinstance(source, SequenceNode) else [source]:
            if not isinstance(node, MappingNode):
                raise self._error(node, (*path, "<<"), "only mappings can be merged", "write <<: *anchor")
            yield node

    def _sequence(self, node: Node, path: tuple[str | int, ...]) -> list[Any]:
        self._expect(node, path, "seq")
        return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]

    def _key(self, node: Node, path: tuple[str | int, ...]) -> str:
        if not isinstance(node, ScalarNode):
            raise self._error(node, path, "a key should be text, not a list or a mapping", None)
        return self._text(node, path)

    def _scalar(self, node: ScalarNode, path: tuple[str | int, ...]) -> Any:
        tag, text = _tag(node), str(node.value)
        if tag == "null":
            return None
        if tag == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if tag in ("int", "float"):
            return self._number(node, path)
        if tag in ("str", "timestamp", "merge", "value"):
            return self._text(node, path)
        raise self._error(node, path, f"the tag {tag} is not allowed here", "remove the tag")

    def _number(self, node: ScalarNode, path: tuple[str | int, ...]) -> int | float | str:
        text = str(node.value)
        if _INTEGER.fullmatch(text):
            try:
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            except ValueError as error:  # Python reads no more than 4300 digits
                raise self._error(node, path, "this number has too many digits", "put it in quotes") from error
        if _FLOAT.fullmatch(text):
            return float(text)
        if special := _SPECIAL.fullmatch(text):
            return math.nan if special["sign"] is None else float(special["sign"] + "inf")
        return self._text(node, path)

    def _text(self, node: ScalarNode, path: tuple[str | int, ...]) -> str:
        text = str(node.value)
        if not _SURROGATE.search(text):
            return text
        try:  # JSON writes characters beyond U+FFFF as two escapes, which the parser leaves apart
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise self._error(
                node, path, "half of a surrogate pair is not a character", "remove the \\u escape"
            ) from error

    def _expect(self, node: Node, path: tuple[str | int, ...], tag: str) -> None:
        if _tag(node) != tag:
            raise self._error(node, path, f"the tag {_tag(node)} is not allowed here", "remove the tag")

    def _error(self, node: Node, path: tuple[str | int, ...], problem: str, hint: str | None) -> ConfigError:
        key = ".".join(map(str, path)) or None
        return self.kind(problem, file=self.name, line=line_of(node), key=key, hint=hint)


def _tag(node: Node) -> str:
    return str(node.tag).removeprefix(_PREFIX)
