"""Making a judge again in another process, from what it was loaded from."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn, TypeVar

from adjudge.errors import ConfigError

Named = TypeVar("Named")


def anchored(path: Named) -> Named | str:
    """A path that means the same file from another working directory; what is no path stays as it is."""
    if isinstance(path, str | Path) and Path(path).expanduser().exists():
        return str(Path(path).expanduser().resolve())
    return path


class Unrepeatable:
    """Stands for how to make a judge that was put together from objects: it says that nobody can.

    Args:
        name: The judge's.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> NoReturn:
        self()

    def __call__(self) -> NoReturn:
        """Refuse.

        Raises:
            ConfigError: Always, with what to do.
        """
        raise ConfigError(
            f"the judge {self._name!r} was put together in Python, so another process cannot make it again",
            hint="load it from a file with Judge.load, or write JudgeReward(build) with a function that makes it",
        )
