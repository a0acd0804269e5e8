"""Keys and stored bytes. Both are JSON as Python reads it: `NaN` and `Infinity` are values, lone surrogates survive.

Numbers keep their type, so 1 and 1.0 make different keys, as do True and 1. Tuples are stored as lists and come back
as lists.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any, Literal

from adjudge.types import Position

Kind = Literal["model", "score", "complete", "tool", "limit", "stop"]

# Below this many bytes deflate costs more than all the rest of a put (70 µs for 1-3 kB, where it saves 45 %); above it,
# its cost is that of writing the JSON itself, and lists of token ids and log-probabilities shrink by more than half.
_COMPRESS_FROM = 16_384
_DEFLATE_MARK = b"\x78"  # first byte of a zlib stream; JSON of an object begins with {

# ensure_ascii would make an emoji and its two lone surrogates the same text.
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def key_of(kind: Kind, position: Position, content: object) -> str:
    """The key of a call: sha256 over the canonical JSON of kind, position and content.

    Args:
        kind: What sort of call it is.
        position: Where in the judgement it stands.
        content: All that its result depends on, as JSON types; the order of keys does not matter.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: The content is not JSON.
    """
    text = _canonical((kind, position, content))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def encode(value: Mapping[str, Any]) -> bytes:
    """The bytes under which a value is stored: JSON in UTF-8, deflated when it is long.

    Raises:
        TypeError: The value is not an object of JSON types.
        ValueError: It contains itself.
    """
    if not isinstance(value, dict):
        raise TypeError(f"a journal stores JSON objects, found a {type(value).__name__}; pass a dict")
    data = _compact(value).encode("utf-8", "surrogatepass")
    return data if len(data) < _COMPRESS_FROM else zlib.compress(data, 1)


def decode(data: bytes | str) -> dict[str, Any]:
    """The value that `encode` stored; as text, too, in case somebody edited the file with another program.

    Raises:
        ValueError: The bytes are damaged.
    """
    if data[:1] == _DEFLATE_MARK and isinstance(data, bytes):
        try:
            data = zlib.decompress(data)
        except zlib.error as error:
            raise ValueError(f"the compressed value is damaged: {error}") from error
    value = json.loads(data.decode("utf-8", "surrogatepass") if isinstance(data, bytes) else data)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, found {type(value).__name__}")
    return value
