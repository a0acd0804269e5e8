"""Where the weights of a model are, and what can be told about them without loading them."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from adjudge.errors import ConfigError
from adjudge.models.base import ModelSpec
from adjudge.models.local import embedded
from adjudge.models.local.fingerprint import files_digest, folder_digest

SHIPPED = Path(__file__).parent / "adapters"  # LoRA adapters of the embedded model, trained by this package


def shipped_adapters() -> list[str]:
    """Names of the adapters that ship, which stand for their folders with the embedded model."""
    return sorted(config.parent.name for config in SHIPPED.glob("*/adapter_config.json"))


class Source:
    """The weights that a spec names: the embedded model, or a folder; with a LoRA adapter where one is given.

    An adapter of the embedded model is one that ships, by its name, or a folder.

    Raises:
        ConfigError: There is no such folder, or it holds no model or no adapter.
        MissingPackage: The embedded model is not installed.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.embedded = spec.model in ("", "embedded")
        self._given_id = spec.weights
        self._context = spec.context
        self._folder = None if self.embedded else _folder(spec.model, "config.json", "model")
        self.adapter = None if spec.adapter is None else self._adapter(spec.adapter)
        if self.embedded:
            embedded.gguf_path()

    @property
    def name(self) -> str:
        """What the model is called: its own name or its folder's, and the adapter's."""
        base = embedded.NAME if self._folder is None else self._folder.name
        return base if self.adapter is None else f"{base}+{self.adapter.name}"

    def _adapter(self, written: str) -> Path:
        if self.embedded and written in shipped_adapters():
            return SHIPPED / written
        return _folder(written, "adapter_config.json", "adapter")

    @cached_property
    def fingerprint(self) -> str:
        """Id of weights, tokenizer and adapter; see `fingerprint.py` for what it covers."""
        base = embedded.digest() if self._folder is None else folder_digest(self._folder)
        if self.adapter is None and self._given_id is None:
            return base
        adapter = "" if self.adapter is None else folder_digest(self.adapter)
        return files_digest((), salt="\x1f".join((base, adapter, self._given_id or "")))

    @cached_property
    def context(self) -> int | None:
        """Most tokens of prompt and reply together; None where neither the spec nor the model says."""
        if self._folder is None:
            return min(self._context or embedded.CONTEXT, embedded.CONTEXT)
        own = _context_of(_config(self._folder))
        return min(self._context, own) if self._context and own else self._context or own

    def path(self) -> Path:
        """The folder to load from; the embedded model is converted if that has not happened yet."""
        return embedded.embedded_path() if self._folder is None else self._folder


def _folder(written: str, marker: str, kind: str) -> Path:
    path = Path(written).expanduser().resolve()
    if not path.is_dir():
        problem = f"there is no folder with a {kind} at {str(path)!r}"
        hint = "nothing is downloaded: give the path of a folder on this machine"
        if kind == "adapter":
            hint += f", or with the embedded model {' or '.join(shipped_adapters())}"
        raise ConfigError(problem, key="adapter" if kind == "adapter" else "model", found=written, hint=hint)
    if not (path / marker).is_file():
        problem = f"the folder {str(path)!r} holds no {kind}: it has no {marker}"
        hint = "write it with `save_pretrained`"
        raise ConfigError(problem, key="adapter" if kind == "adapter" else "model", found=written, hint=hint)
    return path


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the model's configuration cannot be read: {error}", file=str(file)) from error
    if not isinstance(config, dict):
        raise ConfigError("the model's configuration is not a JSON object", file=str(file))
    return config


def _context_of(config: dict[str, Any]) -> int | None:
    nested = config.get("text_config")
    for part in (config, nested if isinstance(nested, dict) else {}):
        if isinstance(length := part.get("max_position_embeddings"), int):
            return length
    return None
