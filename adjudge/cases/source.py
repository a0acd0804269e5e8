"""Where cases come from: a path, standard input or a stream, as lines of bytes in a known format."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from adjudge.errors import ConfigError

Format = Literal["yaml", "yml", "json", "jsonl", "ndjson", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
Source = str | os.PathLike[str] | Iterable[bytes] | Iterable[str]  # an open file is an iterable of its lines

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # byte order marks of UTF-16 and UTF-32


class Input(NamedTuple):
    """A source that was checked, not yet opened."""

    name: str  # for error messages
    source: Path | Iterable[bytes] | Iterable[str]
    fmt: Format | None  # None: to be told from the first line

    def open(self) -> AbstractContextManager[Iterable[bytes | str]]:
        """The source's lines; a file is closed afterwards, a stream that was handed in is not."""
        if not isinstance(self.source, Path):
            return nullcontext(self.source)
        try:
            return self.source.open("rb")
        except OSError as error:
            raise ConfigError(f"the file cannot be read ({error.strerror})", file=self.name) from error


def find(source: Source, fmt: str | None) -> Input:
    """Check what can be checked without reading.

    Raises:
        ConfigError: There is no such file, it is a folder, or its format is not known.
    """
    if fmt is not None and fmt not in FORMATS:
        raise ConfigError("this format of cases is not known", key="fmt", found=fmt, allowed=FORMATS)
    if source == "-":
        return Input("<stdin>", getattr(sys.stdin, "buffer", sys.stdin), fmt)
    if not isinstance(source, str | os.PathLike):
        return Input(str(getattr(source, "name", "<stream>")), source, fmt)
    path, name = Path(source), os.fspath(source)
    _expect_file(path, name)
    return Input(name, path, fmt or _by_suffix(path, name))


def lines_of(opened: Iterable[bytes | str], name: str) -> Iterator[bytes]:
    """Lines as UTF-8 bytes, without a byte order mark; bytes that are not UTF-8 stay as they are.

    Raises:
        ConfigError: Reading fails, or the bytes are UTF-16.
    """
    try:
        for number, line in enumerate(opened):
            content = _as_bytes(line)
            if number == 0 and content.startswith(_WIDE):
                raise ConfigError("the file is UTF-16 or UTF-32", file=name, hint="save it as UTF-8")
            yield content.removeprefix(_BOM) if number == 0 else content
    except (OSError, ValueError) as error:  # ValueError: a closed stream, or a text stream that is not UTF-8
        raise ConfigError(f"reading failed ({error})", file=name, hint="pass a path or a binary stream") from error


def sniff(lines: Iterator[bytes]) -> tuple[Format, Iterator[bytes]]:
    """Tell JSON lines, JSON and YAML apart by the first line that is not blank; CSV cannot be told.

    Returns:
        The format, and all lines again.
    """
    head = []
    first = b""
    for line in lines:
        head.append(line)
        if first := line.strip():
            break
    return _format_of(first), itertools.chain(head, lines)


def _format_of(first: bytes) -> Format:
    if first.startswith(b"["):
        return "json"
    if not first.startswith(b"{"):
        return "yaml"
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        # Broken or cut rows begin like this too: only a brace on its own line or the key `cases` opens a whole file.
        return "json" if first == b"{" or first[1:].lstrip().startswith(b'"cases"') else "jsonl"
    return "json" if isinstance(row, dict) and set(row) == {"cases"} else "jsonl"


def _expect_file(path: Path, name: str) -> None:
    try:
        if path.is_dir():
            raise ConfigError("this is a folder, not a file", file=name, hint="name a file of cases inside it")
        if not path.exists():
            raise ConfigError("there is no such file", file=name, hint="check the path; - reads standard input")
    except (OSError, ValueError) as error:  # no permission on a folder above; a NUL in the path
        raise ConfigError(f"the file cannot be read ({error})", file=name) from error


def _by_suffix(path: Path, name: str) -> Format:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        allowed = [f".{fmt}" for fmt in FORMATS]
        hint = "rename the file, or say its format (fmt=…)"
        raise ConfigError(
            "the format cannot be told from the suffix", file=name, found=path.suffix, allowed=allowed, hint=hint
        )
    return suffix


def _as_bytes(line: bytes | str) -> bytes:
    if isinstance(line, bytes):
        return line
    try:
        return line.encode("utf-8", "surrogateescape")  # gives back the bytes that a lenient text stream could not read
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogatepass")
