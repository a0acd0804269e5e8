"""What searches have found, kept on disk for some days, so that a repeated search asks nobody.

One JSON file a search, under `ADJUDGE_CACHE` or the user's cache folder, written whole or not at all. What cannot be
read is searched anew. Files that are too old are removed when they are met; nothing else clears the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

logger = logging.getLogger(__name__)

VERSION = 1  # of the files' form


class Hit(NamedTuple):
    """One page that a search found."""

    title: str
    url: str
    snippet: str


class SearchCache(NamedTuple):
    """The searches of one set of settings."""

    settings: tuple[str | int, ...]  # what the hits depend on besides the query
    seconds: float  # for which a search is kept; 0 keeps nothing

    def find(self, query: str) -> list[Hit] | None:
        """What the query found, if that is known and not too old."""
        if self.seconds <= 0:
            return None
        path = self._path(query)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            age = time.time() - value["time"]
            hits = [Hit(*map(_text, row)) for row in value["hits"]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            logger.warning("the cached search %s cannot be read (%s) and is made anew", path, error)
            return None
        if 0 <= age < self.seconds:
            return hits
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def put(self, query: str, hits: Sequence[Hit]) -> None:
        """Keep what a query found; a cache that cannot be written is no reason to fail."""
        if self.seconds <= 0:
            return
        path = self._path(query)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, staged = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump({"time": time.time(), "hits": hits}, file)
                Path(staged).replace(path)
            except BaseException:
                Path(staged).unlink(missing_ok=True)
                raise
        except OSError as error:
            logger.warning("the search cache cannot be written: %s", error)

    def _path(self, query: str) -> Path:
        from platformdirs import user_cache_dir

        root = Path(os.environ.get("ADJUDGE_CACHE") or user_cache_dir("adjudge")).expanduser()
        key = json.dumps([VERSION, *self.settings, query])
        return root / "searches" / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.json"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} where text should be")
    return value
