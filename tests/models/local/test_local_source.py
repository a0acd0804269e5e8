from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from adjudge.errors import ConfigError, MissingPackage
from adjudge.models.base import ModelSpec
from adjudge.models.local import LocalModel
from adjudge.types.messages import user


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like weights, 40 MB of them."""
    folder = tmp_path / "judge"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "max_position_embeddings": 2048}))
    (folder / "tokenizer.json").write_text("{}")
    with (folder / "model.safetensors").open("wb") as file:
        file.write(b"header" * 100)
        file.truncate(40_000_000)
    return folder


def fingerprint(folder: Path, **spec: str) -> str:
    return LocalModel(ModelSpec(provider="local", model=str(folder), **spec)).info.fingerprint


def overwrite(file: Path, offset: int, content: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(offset)
        stream.write(content)


def test_the_same_weights_elsewhere_have_the_same_fingerprint(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert fingerprint(tmp_path / "copy") == fingerprint(folder)


@pytest.mark.parametrize("change", ["header", "middle", "end", "longer", "config", "tokenizer", "new shard", "renamed"])
def test_other_weights_have_another_fingerprint(folder: Path, change: str) -> None:
    before, weights = fingerprint(folder), folder / "model.safetensors"
    match change:
        case "header":
            overwrite(weights, 0, b"HEADER")
        case "middle":  # one layer of many was trained
            overwrite(weights, 20_000_000, b"x" * 1_000_000)
        case "end":
            overwrite(weights, 39_999_999, b"x")
        case "longer":
            overwrite(weights, 40_000_000, b"\0")
        case "config":
            (folder / "config.json").write_text("{}")
        case "tokenizer":
            (folder / "tokenizer.json").write_text('{"a": 1}')
        case "new shard":
            (folder / "more.safetensors").write_bytes(b"")
        case "renamed":
            weights.rename(folder / "other.safetensors")
    assert fingerprint(folder) != before


def test_notes_beside_the_weights_do_not_count(folder: Path) -> None:
    before = fingerprint(folder)
    (folder / "README.md").write_text("about")
    assert fingerprint(folder) == before


def test_adapter_and_given_id_are_part_of_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "lora"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(b"one")
    one = fingerprint(folder, adapter=str(adapter))
    (adapter / "adapter_model.safetensors").write_bytes(b"two")
    two = fingerprint(folder, adapter=str(adapter))
    given = fingerprint(folder, weights="mine")
    assert len({fingerprint(folder), one, two, given}) == 4


def test_a_fingerprint_of_large_weights_is_quick(folder: Path) -> None:
    overwrite(folder / "model.safetensors", 2_000_000_000, b"x")  # a sparse file of 2 GB
    start = time.perf_counter()
    fingerprint(folder)
    assert time.perf_counter() - start < 0.5


def test_name_and_context_come_from_the_folder(folder: Path) -> None:
    info = LocalModel(ModelSpec(provider="local", model=str(folder))).info
    assert (info.name, info.provider, info.context, info.embedded) == ("judge", "local", 2048, False)


@pytest.mark.parametrize(
    ("config", "asked", "context"),
    [
        ({"max_position_embeddings": 2048}, 512, 512),
        ({"max_position_embeddings": 2048}, 9999, 2048),
        ({"text_config": {"max_position_embeddings": 4096}}, None, 4096),
        ({}, None, None),
        ({}, 100, 100),
    ],
)
def test_the_context_is_the_smaller_of_what_is_asked_and_what_there_is(
    folder: Path, config: dict[str, object], asked: int | None, context: int | None
) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    assert LocalModel(ModelSpec(provider="local", model=str(folder), context=asked)).info.context == context


def test_a_missing_folder_names_the_path_and_that_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no folder with a model.*nowhere.*nothing is downloaded"):
        LocalModel(ModelSpec(provider="local", model=str(tmp_path / "nowhere")))


def test_a_folder_without_a_model_or_adapter_says_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no model.*config\.json"):
        LocalModel(ModelSpec(provider="local", model=str(tmp_path)))
    with pytest.raises(ConfigError, match=r"^adapter: .*holds no adapter.*adapter_config\.json"):
        LocalModel(ModelSpec(provider="local", model=str(folder), adapter=str(folder)))


def test_broken_weights_are_a_configuration_error_at_the_first_call(folder: Path) -> None:
    model = LocalModel(ModelSpec(provider="local", model=str(folder)))
    with pytest.raises(ConfigError, match="cannot be loaded"):
        asyncio.run(model.chat([user("Hi")]))
    asyncio.run(model.aclose())


def test_without_torch_the_first_call_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    model = LocalModel(ModelSpec(provider="local", model=str(folder)))
    with pytest.raises(MissingPackage, match=r"'torch'.*pip install 'adjudge\[local\]'"):
        asyncio.run(model.score([user("Hi")], ["a"]))
    asyncio.run(model.aclose())
