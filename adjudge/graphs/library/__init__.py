"""The judge files that ship: `adjudge graph list` shows them."""

from __future__ import annotations

from pathlib import Path

from adjudge.config import Document, read_yaml
from adjudge.errors import ConfigError

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the judge files that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find(name_or_path: str | Path) -> tuple[Document, Path]:
    """A judge file by name or path, and the folder that its relative paths start from.

    Raises:
        ConfigError: There is none, or it is not YAML.
    """
    text = str(name_or_path)
    if text in names():
        return read_yaml(FOLDER / f"{text}.yaml"), FOLDER
    path = Path(text).expanduser()
    if path.suffix in (".yaml", ".yml") or path.exists():
        return read_yaml(path), path.resolve().parent
    raise ConfigError("there is no such graph", found=text, allowed=names(), hint="or name a YAML file")
