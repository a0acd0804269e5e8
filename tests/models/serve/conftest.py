"""A stand-in for vLLM, run by this Python as the real one would be, and folders that look like weights."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.models.base import ModelSpec
from adjudge.models.serve import VllmModel, shared

FAKE = Path(__file__).parent / "fake_vllm"


def runs(pid: int) -> bool:
    """Whether a process runs; a zombie, whose parent has not looked yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process ends within five seconds."""

    def wait(pid: int) -> bool:
        deadline = time.monotonic() + 5.0
        while runs(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        return not runs(pid)

    return wait


@pytest.fixture
def fake_vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """This Python has vLLM, so to say; call it with a way to misbehave."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAKE), str(Path.cwd())]))
    for name in ("ADJUDGE_VLLM_PYTHON", "FAKE_VLLM", "ADJUDGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield lambda mode: monkeypatch.setenv("FAKE_VLLM", mode)
    for server in shared._servers.values():
        server.stop()
    shared._servers.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What passes for a folder with weights."""
    weights = tmp_path / "Qwen2.5-Tiny"
    weights.mkdir()
    (weights / "config.json").write_text(json.dumps({"model_type": "qwen2", "max_position_embeddings": 512}))
    return weights


@pytest.fixture
def adapter(tmp_path: Path) -> Callable[..., Path]:
    """Makes folders that look like LoRA adapters."""

    def make(name: str, rank: Any = 12) -> Path:
        made = tmp_path / name
        made.mkdir()
        (made / "adapter_config.json").write_text(json.dumps({"r": rank, "name": name}))
        return made

    return make


@pytest.fixture
def open_vllm(fake_vllm: Callable[[str], None], folder: Path) -> Iterator[Callable[..., VllmModel]]:
    """Opens models on the stand-in."""
    opened: list[VllmModel] = []

    def open_model(**spec: Any) -> VllmModel:
        opened.append(VllmModel(ModelSpec(provider="vllm", **{"model": str(folder), "retries": 0, **spec})))
        return opened[-1]

    yield open_model
    for model in opened:
        asyncio.run(model.aclose())
