"""Find a document of the case, and read its file from under the one allowed folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from adjudge.errors import ConfigError, ToolError, shorten
from adjudge.types import Document

MOST_BYTES = 32 * 2**20  # of a file
SHOWN_IDS = 20  # how many known ids an error lists


def checked_root(root: str | Path | None) -> Path | None:
    """The folder that documents may be read from, without links in its path.

    Raises:
        ConfigError: There is no such folder.
    """
    if root is None:
        return None
    try:
        folder = Path(root).expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: the home folder of `~name` is not known
        raise ConfigError("the folder does not exist", key="root", found=str(root), hint="check the path") from error
    if not folder.is_dir():
        raise ConfigError("the path is not a folder", key="root", found=str(root), hint="name the folder, not a file")
    return folder


def find(id: str, documents: Sequence[Document]) -> Document:
    """The document with that id; case and surrounding blanks do not matter where one alone fits.

    Raises:
        ToolError: There is none.
    """
    for document in documents:
        if document.id == id:
            return document
    key = id.strip().casefold()
    near = [document for document in documents if document.id.strip().casefold() == key]
    if len(near) == 1:
        return near[0]
    if not documents:
        raise ToolError("this case has no documents")
    ids = ", ".join(shorten(document.id) for document in documents[:SHOWN_IDS])
    more = f" and {len(documents) - SHOWN_IDS} more" if len(documents) > SHOWN_IDS else ""
    raise ToolError(f"there is no document {shorten(id)}; there are: {ids}{more}")


def load(document: Document, root: Path | None) -> bytes:
    """The content of a document: its text, or its file.

    Raises:
        ToolError: The file must not be read, or cannot be.
    """
    if document.text is not None:
        return document.text.encode("utf-8", "replace")
    if root is None:
        raise ToolError(
            f"the document {shorten(document.id)} is a file, and this judge has no folder to read files from "
            "(setting `root`); only documents given as text can be read"
        )
    return _read(_inside(root, document), document.id)


def _inside(root: Path, document: Document) -> Path:
    """The file's path without links, if that still lies under the root."""
    try:
        path = (root / (document.path or "")).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in it; RuntimeError: links in a circle
        raise ToolError(f"the file of the document {shorten(document.id)} does not exist") from error
    if not path.is_relative_to(root):
        raise ToolError(f"the file of the document {shorten(document.id)} lies outside the allowed folder: refused")
    return path


def _read(path: Path, id: str) -> bytes:
    try:
        # Without waiting for a pipe, and without following a link that was put there since the check.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise ToolError(f"the path of the document {shorten(id)} is not a file")
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ToolError(f"the file of the document {shorten(id)} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise ToolError(f"the file of the document {shorten(id)} is larger than {MOST_BYTES // 2**20} MiB")
    return data
