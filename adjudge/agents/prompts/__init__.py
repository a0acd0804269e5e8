"""Prompts: Markdown beside the agents, each naming its source, filled in one pass."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)


@lru_cache(maxsize=64)
def prompt(name: str) -> str:
    """The text of a prompt, without the comment that names its source."""
    return _COMMENT.sub("", files(__package__).joinpath(f"{name}.md").read_text("utf-8")).strip()


def fill(template: str, **values: str) -> str:
    """Put values into `{{slots}}` in one pass: what stands in a value is never filled again.

    Raises:
        KeyError: The template has a slot without a value.
    """
    return _SLOT.sub(lambda match: values[match.group(1)], template)
