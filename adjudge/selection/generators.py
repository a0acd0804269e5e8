"""Whatever writes responses, as one function from a number and a seed to a candidate.

A model, a LangGraph graph or LangChain runnable, or any function of the prompt. A generation that fails, is cut off or
says nothing is an incomplete response with its reason: it takes part in no comparison.
"""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from adjudge.errors import ConfigError, ModelError, shorten
from adjudge.models import ChatModel, LangChainModel, ModelSpec, Sampling, open_model
from adjudge.models.langchain import from_langchain_message, to_langchain_messages
from adjudge.types import Message, Response, Trajectory
from adjudge.types.messages import text_of, user

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

Prompt = str | list[Message]
Said = str | Response
Function = Callable[..., Said | Awaitable[Said]]
WARM = Sampling(temperature=1.0)  # candidates should differ; ours
_CUT_OFF = {"length", "max_tokens", "max_output_tokens"}  # as providers name it
_SAMPLED = ("temperature", "top_p", "max_tokens")


class Candidate(NamedTuple):
    """One response, and why it cannot be compared if it cannot."""

    response: Response
    failure: str = ""


class Generator(NamedTuple):
    """Draws candidates."""

    draw: Callable[[int, int], Awaitable[Candidate]]  # from the candidate's 0-based number and its seed
    model: ChatModel | None = None  # opened here, so to be closed here


def generator_of(generate: Any, prompt: Prompt, sampling: Sampling | None = None) -> Generator:
    """What draws candidates for a prompt.

    Args:
        generate: See `adjudge.selection.best_of.aselect`.
        prompt: Text, or messages.
        sampling: How a model is sampled; by default at temperature 1, or as its specification says.

    Raises:
        ConfigError: It is nothing that can write responses.
    """
    if isinstance(generate, str | ModelSpec):
        opened = open_model(generate)
        return Generator(_of_model(opened, prompt, sampling or _specified(generate)), opened)
    if hasattr(generate, "chat") and hasattr(generate, "info"):
        return Generator(_of_model(generate, prompt, sampling or WARM))
    if hasattr(generate, "ainvoke"):
        if (model := _chat_model(generate)) is not None:
            return Generator(_of_model(LangChainModel(model), prompt, sampling or WARM))
        return Generator(_of_runnable(generate, prompt))
    if callable(generate):
        return Generator(_of_function(generate, prompt))
    allowed = ("a function of the prompt", "a model or its name", "a LangGraph graph or LangChain runnable")
    raise ConfigError("this cannot write responses", key="generate", found=generate, allowed=allowed)


def read(said: object, skipped: int = 0) -> Candidate:
    """What a generator returned, as a candidate.

    Args:
        said: Text, a response, a message, or the state of a graph with `messages`.
        skipped: How many of the state's messages are the prompt's.

    Raises:
        ConfigError: It is none of these.
    """
    if isinstance(said, str):
        return _checked(Response(text=said))
    if isinstance(said, Response):
        return _checked(said)
    messages = said.get("messages") if isinstance(said, Mapping) else None
    if isinstance(messages, Sequence) and messages:
        return _conversation(messages, skipped)
    if hasattr(said, "content") and hasattr(said, "type"):
        return _conversation([said], 0)
    allowed = ("text", "a Response", "a message", "a state with messages")
    raise ConfigError("a generator returned something else", found=type(said).__name__, allowed=allowed)


def _specified(generate: str | ModelSpec) -> Sampling:
    """The sampling that a specification sets, the rest as for any candidate."""
    if isinstance(generate, str):
        return WARM
    said = {key: getattr(generate, key) for key in _SAMPLED if key in generate.model_fields_set}
    return WARM._replace(**said)


def _chat_model(runnable: object) -> BaseChatModel | None:
    from langchain_core.language_models import BaseChatModel

    return runnable if isinstance(runnable, BaseChatModel) else None


def _of_model(model: ChatModel, prompt: Prompt, sampling: Sampling) -> Callable[[int, int], Awaitable[Candidate]]:
    messages = _messages(prompt)
    seeded = "seed" in model.info.abilities

    async def draw(number: int, seed: int) -> Candidate:
        reply = await model.chat(messages, sampling=sampling._replace(seed=seed) if seeded else sampling)
        choice = reply.choices[0]
        response = Response(text=text_of(choice.message["content"]), model=model.info.name)
        if choice.finish == "length":
            return _failed(response, f"cut off after {sampling.max_tokens} tokens")
        return _checked(response)

    return draw


def _of_runnable(runnable: Any, prompt: Prompt) -> Callable[[int, int], Awaitable[Candidate]]:
    talks = "messages" in getattr(runnable, "channels", ())  # a graph whose state is a conversation
    messages = to_langchain_messages(_messages(prompt))
    given: Any = {"messages": messages} if talks else prompt if isinstance(prompt, str) else messages

    async def draw(number: int, seed: int) -> Candidate:
        # A thread of its own: with a checkpointer, candidates would else go on with one another's conversation.
        config = {"configurable": {"thread_id": uuid.uuid4().hex, "seed": seed}}
        return read(await runnable.ainvoke(given, config), len(messages) if talks else 0)

    return draw


def _of_function(function: Function, prompt: Prompt) -> Callable[[int, int], Awaitable[Candidate]]:
    call = getattr(type(function), "__call__", None)  # noqa: B004 - of an object that can be called
    asynchronous = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    wanted = _wanted(function)

    async def draw(number: int, seed: int) -> Candidate:
        more: dict[str, Any] = {name: {"index": number, "seed": seed}[name] for name in wanted.named}
        places = (number,) if wanted.second else ()
        if asynchronous:
            said: Any = function(prompt, *places, **more)
        else:  # it may block
            said = await asyncio.to_thread(function, prompt, *places, **more)
        return read(await said if inspect.isawaitable(said) else said)

    return draw


class _Wanted(NamedTuple):
    """What a function takes besides the prompt."""

    named: tuple[str, ...] = ()  # of `index` and `seed`
    second: bool = False  # the candidate's number, by its place


def _wanted(function: Function) -> _Wanted:
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):  # a function written in C tells nothing of itself
        return _Wanted()
    named = tuple(p.name for p in parameters if p.name in ("index", "seed") and p.kind is not p.POSITIONAL_ONLY)
    others = [p for p in parameters if p.name not in named and p.default is p.empty]
    placed = [p for p in others if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return _Wanted(named, bool(placed) and parameters[0] is placed[0])


def _messages(prompt: Prompt) -> list[Message]:
    return [user(prompt)] if isinstance(prompt, str) else prompt


def _conversation(said: Sequence[Any], skipped: int) -> Candidate:
    """A conversation as a response: its last words, and the steps that led to them."""
    messages = [_message(item) for item in said[skipped:]]
    if not messages or messages[-1]["role"] != "assistant":
        return _failed(Response(trajectory=_steps(messages)), "it ended without a reply")
    last = messages[-1]
    response = Response(text=text_of(last["content"]), trajectory=_steps(messages[:-1]))
    if _finish(said[-1]) in _CUT_OFF:
        return _failed(response, "its last reply was cut off")
    if last.get("tool_calls"):
        return _failed(response, "it ended with a tool call that nobody answered")
    return _checked(response)


def _steps(messages: Sequence[Message]) -> Trajectory | None:
    trajectory = Trajectory.from_messages(messages)
    return trajectory if trajectory.steps else None


def _message(item: BaseMessage | Message) -> Message:
    return item if isinstance(item, Mapping) else from_langchain_message(item)


def _finish(item: object) -> str:
    about = getattr(item, "response_metadata", None) or {}
    reason = about.get("finish_reason") or about.get("stop_reason") or about.get("done_reason") or ""
    return str(reason).lower()


def _checked(response: Response) -> Candidate:
    if not response.complete:
        return Candidate(response, "it is marked as incomplete")
    return Candidate(response) if response.comparable else _failed(response, "it is empty")


def _failed(response: Response, why: str) -> Candidate:
    return Candidate(response.model_copy(update={"complete": False}), why)


def told(error: BaseException) -> str:
    """Why a generation failed, on one line."""
    known = isinstance(error, ConfigError | ModelError)
    text = " ".join(str(error).split())
    shown = text if known else f"{type(error).__name__}: {text}".removesuffix(": ")
    return shown if len(shown) <= 500 else shorten(shown, 500)
