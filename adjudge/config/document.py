"""Plain data that remembers where each of its keys stands in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adjudge.config.yaml import compose, convert
from adjudge.errors import ConfigError

KeyPath = tuple[str | int, ...]
Place = int | Literal["override"]  # a line counted from 1, or set from outside the file


@dataclass(frozen=True)
class Document:
    """What a file says, before anybody has judged whether it makes sense.

    Args:
        data: Dicts with text keys, lists, text, numbers, booleans and None; nothing of the YAML library.
        name: File name for error messages.
        places: Where each key path stands; a path that is absent stands where its nearest parent does.
    """

    data: Any
    name: str
    places: Mapping[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place | None:
        """Where a key path stands, or its nearest parent that is known."""
        return self.places.get(self._known(path))

    def _known(self, path: KeyPath) -> KeyPath:
        ends = range(len(path), -1, -1)
        return next((path[:end] for end in ends if path[:end] in self.places), ())

    def error(
        self,
        problem: str,
        path: KeyPath = (),
        *,
        kind: type[ConfigError] = ConfigError,
        found: object = None,
        allowed: Iterable[str] = (),
        hint: str | None = None,
    ) -> ConfigError:
        """An error about one key: with its line, or naming the override that set it."""
        place, key = self.place(path), dotted(path) or None
        if place == "override":
            hint = "; ".join(text for text in (hint, f"it was set by --set {dotted(self._known(path))}") if text)
        line = place if isinstance(place, int) else None
        return kind(problem, file=self.name, line=line, key=key, found=found, allowed=allowed, hint=hint)


def read_yaml(path: str | Path) -> Document:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ConfigError: It cannot be read, is not UTF-8, not YAML 1.2, empty, not a mapping, or has a key twice.
    """
    name = str(path)
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", file=name, hint="check the path") from error
    except IsADirectoryError as error:
        raise ConfigError("this is a folder, not a file", file=name, hint="name a YAML file inside it") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ConfigError(f"the file cannot be read ({error})", file=name) from error
    return parse_yaml(decode(content, name), name)


def parse_yaml(text: str, name: str = "<string>") -> Document:
    """Read YAML text whose top level is a mapping.

    Args:
        text: YAML 1.2. Anchors, aliases and merge keys (`<<`) are allowed within limits.
        name: How error messages call it.

    Raises:
        ConfigError: It is not YAML 1.2, empty, not a mapping, or has a key twice.
    """
    node = compose(text, name)
    if node is None:
        raise ConfigError("the file is empty", file=name, hint="write a mapping of keys to values")
    plain = convert(node, name)
    document = Document(plain.data, name, plain.lines)
    if not isinstance(document.data, dict):
        raise document.error("the top level should be a mapping of keys to values", found=document.data)
    return document


def decode(content: bytes, name: str) -> str:
    """UTF-8 bytes as text, without the byte order mark.

    Raises:
        ConfigError: The bytes are not UTF-8; the error has the line of the first wrong one.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"byte 0x{content[error.start]:02x} is not UTF-8",
            file=name,
            line=content.count(b"\n", 0, error.start) + 1,
            hint="save the file as UTF-8",
        ) from error


def dotted(path: KeyPath) -> str:
    """A key path as shown and as `--set` takes it: `nodes.judge.tools.0`."""
    return ".".join(map(str, path))
