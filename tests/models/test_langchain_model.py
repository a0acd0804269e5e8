"""LangChain both ways: its models as ours, ours as its models, and messages in between."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from adjudge.errors import ConfigError, MissingPackage, ModelError
from adjudge.models import Choice, ModelSpec, Reply, Sampling, ScriptedModel, TokenUsage
from adjudge.models.langchain import LangChainModel, from_langchain_message, to_langchain, to_langchain_messages
from adjudge.models.scripted import Request
from adjudge.types import Message
from adjudge.types.messages import assistant, system, text_of, tool_call, tool_reply, user

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Seen(BaseModel):
    """One call as the provider's class saw it."""

    temperature: float | None
    max_tokens: int | None
    seed: int | None
    stop: list[str] | None
    extra: dict[str, Any]
    messages: list[Any]


class Provider(BaseChatModel):
    """A provider's chat model: it reads its own fields at each call, as real ones do."""

    model_name: str = "small"
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    answer: Callable[[], AIMessage] = Field(default=lambda: AIMessage("fine"))
    seen: list[Seen] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "provider"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        call = Seen(
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=self.seed,
            stop=stop,
            extra=kwargs,
            messages=messages,
        )
        self.seen.append(call)
        return ChatResult(generations=[ChatGeneration(message=self.answer())])

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=tools, **chosen, **kwargs)


def answering(**fields: Any) -> Provider:
    return Provider(answer=lambda: AIMessage(**fields))


def failing(error: Exception) -> Provider:
    def answer() -> AIMessage:
        raise error

    return Provider(answer=answer)


# LangChain's models as ours


def test_a_reply_has_text_finish_and_usage() -> None:
    usage = {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13, "input_token_details": {"cache_read": 8}}
    model = LangChainModel(answering(content="yes", usage_metadata=usage, response_metadata={"finish_reason": "stop"}))
    assert run(model.chat([user("?")])) == Reply((Choice(assistant("yes")),), TokenUsage(10, 3, 8))


def test_info_says_what_the_class_can_do() -> None:
    info = LangChainModel(Provider(), ModelSpec(provider="langchain", images=True, context=4096)).info
    assert info.abilities == {"chat", "n", "tools", "seed", "images"}
    assert (info.name, info.provider, info.context) == ("small", "langchain", 4096)
    assert LangChainModel(FakeListChatModel(responses=["a"])).info.abilities == {"chat", "n"}


def test_fingerprint_tells_models_apart_and_can_be_given() -> None:
    prints = {LangChainModel(Provider(model_name=name)).info.fingerprint for name in ("small", "large")}
    assert len(prints) == 2
    assert LangChainModel(Provider(), ModelSpec(provider="langchain", weights="w1")).info.fingerprint == "w1"


def test_sampling_reaches_the_fields_that_the_class_declares_and_the_instance_stays_as_it_was() -> None:
    provider = Provider(temperature=0.9)
    sampling = Sampling(temperature=0.3, max_tokens=50, seed=7, stop=("END",))
    run(LangChainModel(provider).chat([user("?")], sampling=sampling))
    (call,) = provider.seen
    assert (call.temperature, call.max_tokens, call.seed, call.stop) == (0.3, 50, 7, ["END"])
    assert call.extra == {}, "the class declares no top_p, so none is sent"
    assert (provider.temperature, provider.max_tokens, provider.seed) == (0.9, None, None)


def test_a_class_without_such_fields_gets_no_arguments_it_does_not_know() -> None:
    model = LangChainModel(FakeListChatModel(responses=["plain"]))
    reply = run(model.chat([user("?")], sampling=Sampling(temperature=0.3, top_p=0.5, seed=7)))
    assert reply.choices[0].message == assistant("plain")


def test_extra_body_has_the_last_word_and_null_leaves_the_instance_alone() -> None:
    provider = Provider(temperature=1.0)
    spec = ModelSpec(provider="langchain", extra_body={"temperature": None, "max_tokens": 9, "thinking": "low"})
    run(LangChainModel(provider, spec).chat([user("?")], tools=[SEARCH]))
    (call,) = provider.seen
    assert (call.temperature, call.max_tokens) == (1.0, 9)
    assert call.extra == {"tools": [SEARCH], "thinking": "low"}


def test_n_replies_are_n_calls_with_seeds_of_their_own_and_their_usage_is_added_up() -> None:
    numbers = iter(range(5))
    usage = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
    provider = Provider(answer=lambda: AIMessage(f"reply {next(numbers)}", usage_metadata=usage))
    reply = run(LangChainModel(provider).chat([user("?")], sampling=Sampling(seed=2**31 - 1), n=3))
    assert {text_of(choice.message["content"]) for choice in reply.choices} == {"reply 0", "reply 1", "reply 2"}
    assert {call.seed for call in provider.seen} == {2**31 - 1, 0, 1}
    assert reply.usage == TokenUsage(30, 6, 0)


@pytest.mark.parametrize(
    ("choice", "extra"),
    [
        ("auto", {"tools": [SEARCH]}),
        ("required", {"tools": [SEARCH], "tool_choice": "any"}),
        ("none", {}),
    ],
)
def test_tools_are_bound_in_openai_form(choice: Any, extra: dict[str, Any]) -> None:
    provider = Provider()
    run(LangChainModel(provider).chat([user("?")], tools=[SEARCH], sampling=Sampling(tool_choice=choice)))
    assert provider.seen[0].extra == extra


def test_tool_calls_come_back_with_json_arguments_and_unreadable_ones_as_written() -> None:
    model = LangChainModel(
        answering(
            content="",
            tool_calls=[{"name": "search", "args": {"query": "Ärger"}, "id": "a"}],
            invalid_tool_calls=[{"name": "search", "args": '{"query": ', "id": None, "error": "cut"}],
        )
    )
    (choice,) = run(model.chat([user("?")], tools=[SEARCH])).choices
    calls = [tool_call("a", "search", '{"query": "Ärger"}'), tool_call("call_1", "search", '{"query": ')]
    assert choice == Choice(assistant("", calls), "tool_calls")


@pytest.mark.parametrize(
    ("metadata", "finish"),
    [
        ({"finish_reason": "length"}, "length"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"done_reason": "stop"}, "stop"),
        ({"stop_reason": "end_turn"}, "stop"),
        ({}, "stop"),
    ],
)
def test_every_providers_word_for_the_end_is_understood(metadata: dict[str, str], finish: str) -> None:
    reply = run(LangChainModel(answering(content="x", response_metadata=metadata)).chat([user("?")]))
    assert reply.choices[0].finish == finish


@pytest.mark.parametrize(
    "fields",
    [
        {"response_metadata": {"finish_reason": "content_filter"}},
        {"response_metadata": {"stop_reason": "refusal"}},
        {"additional_kwargs": {"refusal": "I cannot help with that."}},
    ],
)
def test_a_refusal_is_an_error_and_never_a_reply(fields: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="refused") as raised:
        run(LangChainModel(answering(content="", **fields)).chat([user("?")]))
    assert raised.value.kind == "refused"


class StatusError(Exception):
    """As providers' SDKs raise it."""

    def __init__(self, status: int, text: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(text or f"status {status}")
        self.status_code = status
        self.response = type("Response", (), {"headers": headers or {}, "status_code": status})()


class ConnectRefused(Exception):
    pass


class ContextOverflowError(Exception):
    pass


RateLimitError = type("RateLimitError", (Exception,), {})
Patient = type("Patient", (Exception,), {"is_retryable": True})


@pytest.mark.parametrize(
    ("error", "kind", "retryable", "status"),
    [
        (StatusError(429), "unavailable", True, 429),
        (StatusError(503), "unavailable", True, 503),
        (StatusError(408), "unavailable", True, 408),
        (StatusError(401), "rejected", False, 401),
        (StatusError(400), "rejected", False, 400),
        (StatusError(400, "This model's maximum context length is 8192"), "too_long", False, 400),
        (ContextOverflowError("too much"), "too_long", False, None),
        (RateLimitError("slow down"), "unavailable", True, None),
        (Patient("again"), "unavailable", True, None),
        (ConnectRefused("down"), "unavailable", True, None),
        (ConnectionResetError("gone"), "unavailable", True, None),
        (KeyError("choices"), "rejected", False, None),
        (ValueError("no such model"), "rejected", False, None),
    ],
)
def test_any_exception_of_a_provider_becomes_a_model_error(
    error: Exception, kind: str, retryable: bool, status: int | None
) -> None:
    with pytest.raises(ModelError) as raised:
        run(LangChainModel(failing(error)).chat([user("?")]))
    assert (raised.value.kind, raised.value.retryable, raised.value.status) == (kind, retryable, status)
    assert raised.value.__cause__ is error
    assert str(raised.value).startswith(f"small: {type(error).__name__}: ")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("-1", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", None)])
def test_the_wait_a_server_asks_for_is_kept(header: str, seconds: float | None) -> None:
    with pytest.raises(ModelError) as raised:
        run(LangChainModel(failing(StatusError(429, headers={"retry-after": header}))).chat([user("?")]))
    assert raised.value.retry_after == seconds


def test_one_failed_reply_of_n_fails_the_call() -> None:
    outcomes = iter([AIMessage("a"), None, AIMessage("c")])

    def answer() -> AIMessage:
        if (outcome := next(outcomes)) is None:
            raise StatusError(500)
        return outcome

    with pytest.raises(ModelError, match="StatusError"):
        run(LangChainModel(Provider(answer=answer)).chat([user("?")], n=3))


def test_a_call_that_takes_too_long_is_ended() -> None:
    class Slow(Provider):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
            await asyncio.sleep(60)
            return super()._generate(*args, **kwargs)

    with pytest.raises(ModelError, match=r"did not answer within 0\.05 seconds") as raised:
        run(LangChainModel(Slow(), ModelSpec(provider="langchain", timeout=0.05)).chat([user("?")]))
    assert raised.value.retryable


def test_on_text_receives_the_text() -> None:
    pieces: list[str] = []
    run(LangChainModel(Provider()).chat([user("?")], on_text=pieces.append))
    assert pieces == ["fine"]


def test_token_ids_and_scores_are_refused() -> None:
    model = LangChainModel(Provider())
    with pytest.raises(ModelError, match="token ids"):
        run(model.complete([1, 2]))
    with pytest.raises(ModelError, match="score"):
        run(model.score([user("?")], ["yes"]))
    run(model.aclose())


def test_a_provider_whose_package_is_absent_names_the_package() -> None:
    with pytest.raises(MissingPackage, match="pip install langchain-openai"):
        LangChainModel("openai:gpt-4o")


def test_langchain_itself_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(MissingPackage, match=r"run: pip install langchain$"):
        LangChainModel("openai:gpt-4o")


@pytest.mark.parametrize("name", ["", "nobody:knows", "just-a-name"])
def test_a_name_that_langchain_does_not_know_is_rejected_with_the_right_form(name: str) -> None:
    with pytest.raises(ConfigError, match="write `provider:model`"):
        LangChainModel(name)


def test_a_string_is_opened_with_its_url_and_key_and_an_error_hides_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def opened(name: str, **settings: Any) -> Provider:
        given.update(settings, name=name)
        if name == "bad:model":
            raise ValueError(f"cannot use {settings}")
        return Provider()

    monkeypatch.setattr("langchain.chat_models.init_chat_model", opened)
    spec = ModelSpec(provider="langchain", base_url="http://127.0.0.1:1/v1", api_key="sk-secret")
    assert LangChainModel("good:model", spec).info.name == "small"
    assert given == {"name": "good:model", "base_url": "http://127.0.0.1:1/v1", "api_key": "sk-secret"}
    with pytest.raises(ConfigError, match="cannot use") as raised:
        LangChainModel("bad:model", spec)
    assert "sk-secret" not in str(raised.value)


# Messages

CALL = tool_call("a", "search", '{"query": "x"}')
BROKEN = tool_call("b", "search", '{"query": ')
NO_OBJECT = tool_call("c", "search", "[1]")


@pytest.mark.parametrize(
    "message",
    [
        system("Judge."),
        user("Who?"),
        user([{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": PIXEL}}]),
        user([{"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}]),
        assistant("Me."),
        assistant("", [CALL]),
        assistant("Both.", [CALL, BROKEN, NO_OBJECT]),
        tool_reply(CALL, "found"),
        {"role": "user", "content": "named", "name": "ann"},
    ],
)
def test_a_message_survives_the_way_there_and_back(message: Message) -> None:
    (there,) = to_langchain_messages([message])
    assert there.id is None, "a random id would change the hash of a request"
    assert from_langchain_message(there) == message


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.text(), st.dictionaries(st.text(min_size=1), JSON, max_size=3))
def test_any_text_and_arguments_survive_the_way_there_and_back(text: str, arguments: dict[str, Any]) -> None:
    message = assistant(text, [tool_call("a", "search", json.dumps(arguments))])
    back = from_langchain_message(to_langchain_messages([message])[0])
    assert text_of(back["content"]) == text
    assert json.loads(back["tool_calls"][0]["function"]["arguments"]) == arguments


def test_absent_content_and_empty_arguments_are_read_kindly() -> None:
    call = tool_call("a", "search", "")
    (there,) = to_langchain_messages([{"role": "assistant", "content": None, "tool_calls": [call]}])
    assert isinstance(there, AIMessage)
    assert there.content == ""
    assert there.tool_calls[0]["args"] == {}


def test_langchains_own_blocks_are_read_and_reasoning_is_left_behind() -> None:
    image = {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}
    assert from_langchain_message(HumanMessage([{"type": "text", "text": "Look:"}, image])) == user(
        [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    )
    thought = AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Yes."}])
    assert from_langchain_message(thought) == assistant("Yes.")
    blocks = ToolMessage([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], tool_call_id="a")
    assert from_langchain_message(blocks)["content"] == "one\ntwo"


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (HumanMessage([{"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}]), "audio"),
        (ChatMessage(content="x", role="critic"), "ChatMessage"),
    ],
)
def test_what_cannot_be_sent_is_rejected_and_named(message: BaseMessage, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        from_langchain_message(message)


# Our models as LangChain's


def test_invoke_and_ainvoke_give_text_usage_and_metadata() -> None:
    model = to_langchain(ScriptedModel(["one", "two"]))
    first, second = model.invoke("How are you?"), run(model.ainvoke([SystemMessage("Be kind."), HumanMessage("?")]))
    assert (first.content, second.content) == ("one", "two")
    assert first.usage_metadata is not None
    assert first.usage_metadata["input_tokens"] == 3
    assert first.usage_metadata["total_tokens"] == 4
    assert first.response_metadata["model_name"] == "scripted"
    assert first.response_metadata["finish_reason"] == "stop"


def test_invoke_works_inside_a_running_loop_and_from_many_threads() -> None:
    model = to_langchain(ScriptedModel(lambda request: request.text.upper()))

    async def inside() -> str:
        return str(model.invoke("inside").content)

    assert run(inside()) == "INSIDE"
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda i=i: results.append(str(model.invoke(f"t{i}").content))) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [f"T{i}" for i in range(8)]


def test_every_synchronous_call_runs_on_one_loop() -> None:
    loops: list[int] = []

    def script(request: Request) -> str:
        loops.append(id(asyncio.get_running_loop()))
        return "x"

    model = to_langchain(ScriptedModel(script))
    model.invoke("a")
    model.invoke("b")
    to_langchain(ScriptedModel(script)).invoke("c")
    assert len(set(loops)) == 1


def test_sampling_is_the_given_one_unless_bound() -> None:
    scripted = ScriptedModel(["x"] * 3)
    model = to_langchain(scripted, Sampling(temperature=0.5, max_tokens=7))
    model.invoke("?")
    model.invoke("?", stop=["END"])
    model.bind(temperature=0.9, seed=3).invoke("?")
    assert [request.sampling for request in scripted.requests] == [
        Sampling(temperature=0.5, max_tokens=7),
        Sampling(temperature=0.5, max_tokens=7, stop=("END",)),
        Sampling(temperature=0.9, max_tokens=7, seed=3),
    ]


def test_an_argument_that_the_model_does_not_take_is_rejected() -> None:
    with pytest.raises(ConfigError, match="did you mean 'temperature'"):
        to_langchain(ScriptedModel(["x"])).bind(temprature=0.9).invoke("?")


def test_a_failure_is_raised_and_never_content() -> None:
    error = ModelError("down", retryable=True)
    model = to_langchain(ScriptedModel([error, error]))
    with pytest.raises(ModelError, match="down"):
        model.invoke("?")
    with pytest.raises(ModelError, match="down"):
        run(model.ainvoke("?"))


@tool
def population(city: str) -> str:
    """How many people live in a city.

    Args:
        city: Its English name.
    """
    return f"{city}: 2 million"


@tool
def area(city: str) -> str:
    """How large a city is."""
    return f"{city}: 400 km²"


@pytest.mark.parametrize(
    ("choice", "sent", "offered"),
    [
        (None, "auto", ["population", "area"]),
        ("auto", "auto", ["population", "area"]),
        ("any", "required", ["population", "area"]),
        (True, "required", ["population", "area"]),
        ("none", "none", ["population", "area"]),
        ("area", "required", ["area"]),
        ({"type": "function", "function": {"name": "area"}}, "required", ["area"]),
    ],
)
def test_bound_tools_are_offered_in_openai_form(choice: Any, sent: str, offered: list[str]) -> None:
    scripted = ScriptedModel(["x"])
    to_langchain(scripted).bind_tools([population, area], tool_choice=choice).invoke("?")
    (request,) = scripted.requests
    assert request.sampling.tool_choice == sent
    assert [schema["function"]["name"] for schema in request.tools] == offered
    assert all(schema["type"] == "function" for schema in request.tools)


def test_a_tool_choice_that_names_no_tool_is_rejected() -> None:
    with pytest.raises(ConfigError, match="did you mean 'population'"):
        to_langchain(ScriptedModel()).bind_tools([population], tool_choice="populaton")


def test_a_model_without_tools_says_so() -> None:
    with pytest.raises(ConfigError, match="cannot call tools"):
        to_langchain(ScriptedModel(abilities={"chat"})).bind_tools([population])


def vienna(request: Request) -> Choice:
    """Calls the tool, then says what it replied."""
    last = request.messages[-1]
    if last["role"] == "tool":
        return Choice(assistant(f"It says {text_of(last['content'])}."))
    return Choice(assistant("", [tool_call("call-1", "population", '{"city": "Vienna"}')]), "tool_calls")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_it_runs_in_langchains_agent_loop_with_a_tool_round_trip(asynchronous: bool) -> None:
    scripted = ScriptedModel(vienna)
    agent: Any = create_agent(to_langchain(scripted), tools=[population], system_prompt="Be exact.")
    asked = {"messages": [{"role": "user", "content": "How many people live in Vienna?"}]}
    state = run(agent.ainvoke(asked)) if asynchronous else agent.invoke(asked)
    assert state["messages"][-1].content == "It says Vienna: 2 million."
    assert [message["role"] for message in scripted.requests[1].messages] == ["system", "user", "assistant", "tool"]
    assert scripted.requests[1].messages[3]["tool_call_id"] == "call-1"
    assert scripted.requests[1].messages[2]["tool_calls"][0]["function"]["arguments"] == '{"city": "Vienna"}'


def test_streaming_gives_the_reply_in_one_piece() -> None:
    model = to_langchain(ScriptedModel(["whole"]))
    assert "".join(str(chunk.content) for chunk in model.stream("?")) == "whole"


class City(BaseModel):
    """A city."""

    name: str


def test_structured_output_comes_through_a_tool_call() -> None:
    scripted = ScriptedModel([Choice(assistant("", [tool_call("a", "City", '{"name": "Vienna"}')]))])
    assert to_langchain(scripted).with_structured_output(City).invoke("?") == City(name="Vienna")
    assert scripted.requests[0].sampling.tool_choice == "required"


def test_there_and_back_is_the_same_model() -> None:
    scripted = ScriptedModel(vienna)
    model = LangChainModel(to_langchain(scripted))
    assert model.info.name == "scripted"
    assert "tools" in model.info.abilities
    direct = run(scripted.chat([user("?")], tools=[SEARCH]))
    around = run(model.chat([user("?")], tools=[SEARCH], sampling=Sampling()))
    assert around == direct
    assert scripted.requests[0].messages == scripted.requests[1].messages
    assert scripted.requests[0].tools == scripted.requests[1].tools


def test_importing_the_module_loads_no_langchain() -> None:
    code = "import adjudge.models.langchain, sys; print([m for m in sys.modules if m.startswith('lang')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
