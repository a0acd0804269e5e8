"""Transformers without progress bars and without chatter on standard error, for as long as something loads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from transformers.utils import logging as chatter


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers inside the block; its settings are as before afterwards."""
    bars, level = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
    chatter.disable_progress_bar()
    chatter.set_verbosity_error()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()
