"""Work side by side, handed on in the order of the input."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


async def in_order(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Done]], at_once: int
) -> AsyncGenerator[tuple[Item, Done]]:
    """Each item with what came of it, in the order of the input.

    Closing the generator early cancels what is under way.

    Args:
        items: Read as there is room.
        work: Done for each; what it raises is raised here.
        at_once: How many are under way, those that wait for an earlier one included.
    """
    left = iter(items)
    window: deque[tuple[Item, asyncio.Task[Done]]] = deque()

    async def begin(item: Item) -> Done:
        return await work(item)

    try:
        while True:
            while len(window) < at_once and (item := next(left, None)) is not None:
                window.append((item, asyncio.create_task(begin(item))))
            if not window:
                return
            yield window[0][0], await window[0][1]
            window.popleft()
    finally:
        tasks = [task for _, task in window]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
