"""The index of a corpus, kept on disk under the hash of its content and memory-mapped from there.

    index = StoredIndex(reader("corpus.jsonl"))
    hits = index.search(query_words("who wrote Middlemarch"), k=5)

The cache is `ADJUDGE_CACHE`, else the user's cache folder. It may be deleted at any time; it is never trimmed. What
stays in memory is the vocabulary and eight bytes a passage.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import os
import shutil
import tempfile
import threading
import unicodedata
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from adjudge.errors import ConfigError
from adjudge.tools.corpus.index import Hit, best, bm25_of, searched_text
from adjudge.tools.corpus.passages import PASSAGE_CHARS, Passage, cut
from adjudge.tools.corpus.reading import Reader

logger = logging.getLogger(__name__)

INDEX_VERSION = 2  # raise it when cutting, words or the files of an index change


class _Opened(NamedTuple):
    """An index on disk: `offsets` holds where each passage begins, and the end of the last."""

    bm25: Any
    passages: mmap.mmap
    offsets: array[int]

    def passage(self, number: int) -> Passage:
        return Passage(*json.loads(self.passages[self.offsets[number] : self.offsets[number + 1]]))


class StoredIndex:
    """The BM25 index of one corpus, opened or built at the first search; safe to use from several threads.

    Args:
        reader: Reads the corpus; it is called at once, and again when the index has to be built.
        longest: Most characters of a passage.

    Raises:
        ConfigError: There is a mistake in the corpus, or nothing.
    """

    def __init__(self, reader: Reader, longest: int = PASSAGE_CHARS) -> None:
        self._reader = reader
        self._longest = longest
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self.digest = self._survey()

    def _survey(self) -> str:
        """Read everything once: the hash of the content, or the first mistake in it."""
        digest, something = hashlib.sha256(), False
        for document in self._reader(digest):
            something = something or bool(cut(document, self._longest))
        if not something:
            raise ConfigError("the corpus is empty", key="path", hint="give it at least one document with text")
        return digest.hexdigest()

    def search(self, wanted: list[str], k: int) -> list[Hit]:
        """The best passages, best first; equal scores in the order of the corpus.

        Raises:
            ConfigError: The corpus has changed since it was loaded.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self._open_or_build()
        opened = self._opened
        return [Hit(opened.passage(i), score) for i, score in best(opened.bm25, wanted, k)]

    def _open_or_build(self) -> _Opened:
        root = _cache()
        folder = root / self._key()
        if folder.is_dir():
            try:
                return _open(folder)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                logger.warning("the index in %s is damaged (%s) and is built again", folder, error)
                shutil.rmtree(folder, ignore_errors=True)
        with _staging(root) as staging:
            self._fill(Path(staging))
            try:
                Path(staging).rename(folder)
            except OSError:  # another process was faster, or the cache cannot be written
                return _open(Path(staging))  # mapped files outlive their folder
        return _open(folder)

    def _key(self) -> str:
        import bm25s

        versions = f"{INDEX_VERSION}:{bm25s.__version__}:{unicodedata.unidata_version}"
        if self._longest != PASSAGE_CHARS:
            versions += f":{self._longest}"
        return hashlib.sha256(f"{versions}:{self.digest}".encode()).hexdigest()[:32]

    def _fill(self, folder: Path) -> None:
        digest, offsets = hashlib.sha256(), array("Q", [0])
        with (folder / "passages.jsonl").open("wb") as file:

            def texts() -> Iterator[str]:
                for document in self._reader(digest):
                    for passage in cut(document, self._longest):
                        offsets.append(offsets[-1] + file.write(json.dumps(passage).encode() + b"\n"))
                        yield searched_text(passage)
                if digest.hexdigest() != self.digest:
                    raise ConfigError("the corpus has changed since it was loaded", hint="load the judge again")

            bm25 = bm25_of(texts())
        bm25.save(folder, allow_pickle=False, show_progress=False)
        (folder / "offsets.bin").write_bytes(offsets.tobytes())
        manifest = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _cache() -> Path:
    from platformdirs import user_cache_dir

    return Path(os.environ.get("ADJUDGE_CACHE") or user_cache_dir("adjudge")).expanduser() / "corpora"


def _staging(root: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder beside the cached ones, so that it can be renamed; elsewhere when the cache cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix="building-", dir=root, ignore_cleanup_errors=True)
    except OSError as error:
        logger.warning("the cache %s cannot be written (%s); the corpus is indexed anew each time", root, error)
        return tempfile.TemporaryDirectory(prefix="adjudge-", ignore_cleanup_errors=True)


def _open(folder: Path) -> _Opened:
    """Map an index whose every file is as it was written; nothing in it is ever unpickled.

    Raises:
        OSError: A file is missing.
        ValueError: A file is damaged.
    """
    import bm25s

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, expected in manifest.items():
        if _sha256(folder / name) != expected:
            raise ValueError(f"{name} is not as it was written")
    offsets = array("Q", (folder / "offsets.bin").read_bytes())
    with (folder / "passages.jsonl").open("rb") as file:
        passages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    bm25 = bm25s.BM25.load(folder, mmap=True, allow_pickle=False, show_progress=False)
    return _Opened(bm25, passages, offsets)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
