"""Any of our models as a LangChain chat model.

    agent = create_agent(to_langchain(model), tools=[…])

A failure is raised as a `ModelError`; streaming gives the reply in one piece.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from adjudge.errors import ConfigError
from adjudge.models.base import ChatModel, Sampling
from adjudge.models.langchain.messages import from_langchain_message, to_langchain_calls
from adjudge.types.messages import text_of

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatResult
    from langchain_core.runnables import Runnable

_KEYS = {"temperature", "top_p", "max_tokens", "seed", "tool_choice", "tools"}
T = TypeVar("T")


def to_langchain(model: ChatModel, sampling: Sampling = Sampling()) -> BaseChatModel:
    """Any of our models as a LangChain chat model: for `create_agent`, chains and Studio.

    Its `invoke` runs on one background event loop of this module, its `ainvoke` on the caller's. A model that keeps
    connections open should be used through one of the two.

    Args:
        model: The model.
        sampling: How its calls are sampled; `bind(temperature=…, top_p=…, max_tokens=…, seed=…)` overrides it.
    """
    return _adapter()(chat_model=model, sampling=sampling)


@lru_cache(maxsize=1)
def _adapter() -> Callable[..., BaseChatModel]:
    """The subclass of `BaseChatModel`, made at its first use so that importing this module is cheap."""
    from langchain_core.language_models import BaseChatModel as Base
    from langchain_core.utils.function_calling import convert_to_openai_tool
    from pydantic import Field

    class AdjudgeChatModel(Base):
        """One of adjudge's models, as LangChain sees it."""

        chat_model: Any = Field(exclude=True, repr=False)
        sampling: Sampling

        @property
        def _llm_type(self) -> str:
            return "adjudge"

        @property
        def _identifying_params(self) -> dict[str, Any]:
            info = self.chat_model.info
            return {"model_name": info.name, "fingerprint": info.fingerprint, "sampling": list(self.sampling)}

        def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
            info = self.chat_model.info
            return {**super()._get_ls_params(stop, **kwargs), "ls_provider": info.provider, "ls_model_name": info.name}

        async def _agenerate(
            self,
            messages: list[BaseMessage],
            stop: list[str] | None = None,
            run_manager: AsyncCallbackManagerForLLMRun | None = None,
            **kwargs: Any,
        ) -> ChatResult:
            return await _reply_to(self.chat_model, self.sampling, messages, stop, kwargs)

        def _generate(
            self,
            messages: list[BaseMessage],
            stop: list[str] | None = None,
            run_manager: CallbackManagerForLLMRun | None = None,
            **kwargs: Any,
        ) -> ChatResult:
            return _in_background(_reply_to(self.chat_model, self.sampling, messages, stop, kwargs))

        def bind_tools(
            self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
        ) -> Runnable[LanguageModelInput, AIMessage]:
            if "tools" not in self.chat_model.info.abilities:
                raise ConfigError(f"the model {self.chat_model.info.name!r} cannot call tools")
            schemas = [convert_to_openai_tool(tool) for tool in tools]
            chosen, choice = _chosen(schemas, tool_choice)
            return self.bind(tools=chosen, tool_choice=choice, **kwargs)

    return AdjudgeChatModel


def _chosen(schemas: list[dict[str, Any]], choice: Any) -> tuple[list[dict[str, Any]], str]:
    """LangChain's `tool_choice` as ours; a tool demanded by its name is then the only one offered."""
    if choice in (None, False, "auto"):
        return schemas, "auto"
    if choice in (True, "any", "required"):
        return schemas, "required"
    if choice == "none":
        return schemas, "none"
    name = choice.get("function", {}).get("name") or choice.get("name") if isinstance(choice, dict) else choice
    named = [schema for schema in schemas if schema["function"]["name"] == name]
    if not named:
        allowed = ["auto", "none", "any", *(schema["function"]["name"] for schema in schemas)]
        raise ConfigError("unknown tool_choice", key="tool_choice", found=choice, allowed=allowed)
    return named, "required"


async def _reply_to(
    model: ChatModel, sampling: Sampling, messages: list[BaseMessage], stop: list[str] | None, asked: dict[str, Any]
) -> ChatResult:
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    given = {key: value for key, value in asked.items() if value is not None}
    if unknown := sorted(given.keys() - _KEYS):
        raise ConfigError("the model does not take this argument", found=unknown[0], allowed=sorted(_KEYS))
    tools = given.pop("tools", ())
    chosen = sampling._replace(**given)
    if stop is not None:
        chosen = chosen._replace(stop=tuple(stop))
    reply = await model.chat([from_langchain_message(m) for m in messages], tools=tools, sampling=chosen)
    choice, usage = reply.choices[0], reply.usage
    calls, invalid = to_langchain_calls(choice.message.get("tool_calls") or ())
    message = AIMessage(
        content=text_of(choice.message["content"]),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata={
            "input_tokens": usage.tokens_in,
            "output_tokens": usage.tokens_out,
            "total_tokens": usage.tokens_in + usage.tokens_out,
            "input_token_details": {"cache_read": usage.tokens_cached},
        },
        response_metadata={"model_name": model.info.name, "finish_reason": choice.finish},
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _in_background(work: Coroutine[Any, Any, T]) -> T:
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    finally:
        future.cancel()  # stops the call when waiting for it was interrupted; changes nothing once it is done


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop in one daemon thread for every synchronous call: clients stay bound to the loop they began in."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="adjudge-langchain", daemon=True).start()
    return loop
