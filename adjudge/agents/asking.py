"""Asking a model for a JSON object of some form: what cannot be read is sent back with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from adjudge.agents.form import Unreadable, explain, last_object, written
from adjudge.agents.prompts import fill, prompt
from adjudge.fences import fence
from adjudge.models import Sampling
from adjudge.run import Run
from adjudge.types import Message, Position
from adjudge.types.messages import user

T = TypeVar("T")


async def ask(
    run: Run,
    at: Position,
    model: str,
    messages: Sequence[Message],
    sampling: Mapping[str, Any],
    read: Callable[[dict[str, Any]], T],
    keys: Collection[str],
    repair: int,
) -> T | str:
    """What was asked for (anything but text), or why the last reply cannot be read.

    Args:
        run: Through which the model is called.
        at: Position of the first call; repairs differ in the attempt.
        model: Name in the graph.
        messages: The question.
        sampling: Fields of `Sampling`.
        read: Reads the object; raises `Unreadable` with a text for the model.
        keys: Keys that the object has to have.
        repair: How often an unreadable reply is sent back.
    """
    conversation = list(messages)
    problem = ""
    for attempt in range(repair + 1):
        if attempt:
            run.meter.repairs += 1
            conversation.append(user(fill(prompt("repair"), problem=fence("problem", problem))))
        reply = await run.chat(at._replace(attempt=attempt), model, conversation, sampling=Sampling(**sampling))
        choice = reply.choices[0]
        conversation.append(choice.message)
        try:
            return read(last_object(written(choice), set(keys)))
        except Unreadable as error:
            problem = explain(error, choice)
    return problem


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """All results of calls that run side by side.

    Raises:
        Exception: The first that failed, in the order given, once all have ended: none goes on unseen.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
