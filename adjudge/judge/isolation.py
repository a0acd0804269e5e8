"""Running a graph of ours inside somebody's node without becoming a part of their graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.runnables.config import var_child_runnable_config


@contextmanager
def by_itself() -> Iterator[None]:
    """Inherit nothing from a LangGraph run that this code stands in.

    LangGraph makes a graph that is run inside a node a subgraph: it keeps its states in the other graph's checkpointer,
    and on a resume goes on in their midst, with a `Run` that knows nothing of what was found before.
    """
    token = var_child_runnable_config.set(None)
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)
