"""Ids of weights on disk, cheap enough to compute before a model is loaded.

An id is a sha256 over every file that decides what the model says: names, sizes, and the content of small files in
full. Of a file above 8 MiB the first MiB is read (for safetensors it holds the header: every tensor's name, type and
shape) and 64 pieces of 64 KiB spread evenly to the end, so that an id takes milliseconds. Training moves the weights of
whole layers, so the pieces tell trained weights apart; somebody who edits a few bytes on purpose is not caught.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_MEBIBYTE = 1 << 20
_SMALL = 8 * _MEBIBYTE  # bytes; up to here a file is read in full
_PIECE = 64 << 10  # bytes
_PIECES = 64
_WEIGHTS = (".safetensors", ".bin", ".pt", ".gguf")
_TEXTS = (".json", ".txt", ".model", ".jinja")  # configuration, tokenizer, template


def folder_digest(folder: Path) -> str:
    """16 hexadecimal digits over the configuration, tokenizer and weights in a folder (not in its subfolders)."""
    return files_digest(path for path in folder.iterdir() if path.is_file() and path.suffix in _WEIGHTS + _TEXTS)


def files_digest(files: Iterable[Path], salt: str = "") -> str:
    """16 hexadecimal digits over names, sizes and contents of files, in the order of their names.

    Args:
        files: The files; those above 8 MiB are sampled.
        salt: What else the id depends on.
    """
    digest = hashlib.sha256(salt.encode())
    for path in sorted(files, key=lambda path: path.name):
        size = path.stat().st_size
        digest.update(f"\x1f{path.name}\x1f{size}\x1f".encode())
        _update(digest, path, size)
    return digest.hexdigest()[:16]


def _update(digest: hashlib._Hash, path: Path, size: int) -> None:
    with path.open("rb") as file:
        if size <= _SMALL:
            digest.update(file.read())
            return
        digest.update(file.read(_MEBIBYTE))
        for number in range(1, _PIECES + 1):
            file.seek((size - _PIECE) * number // _PIECES)
            digest.update(file.read(_PIECE))
