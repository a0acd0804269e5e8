"""How a step is shared out: over processes, and over forward passes."""

from __future__ import annotations

import os

from adjudge.errors import ConfigError


def at_once_of(rows: int, most: int) -> int:
    """The most rows of one forward pass of which several make up a step: the largest divisor of `rows` up to `most`."""
    return next(count for count in range(min(rows, most), 0, -1) if rows % count == 0)


def rows_of_a_process(rows: int) -> int:
    """Rows of a step that fall to each process of the run (`WORLD_SIZE`, as torchrun and accelerate set it).

    Raises:
        ConfigError: They cannot be shared out evenly.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if rows % processes:
        problem = f"{rows} rollouts of a step cannot be shared out among {processes} processes"
        raise ConfigError(
            problem, key="grpo.prompts", hint=f"prompts x generations has to be a multiple of {processes}"
        )
    return rows // processes
