"""Run: limits that all branches share, seeds, tools that fail, evidence that keeps its name, and the recorder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError, JournalError, LimitExceeded, ModelError, ToolError
from adjudge.journal import Journal
from adjudge.models import ChatModel, Choice, Reply, Sampling, ScriptedModel, TokenLogprob, TokenUsage
from adjudge.models.scripted import Request
from adjudge.run import Limits, Recorder, Run
from adjudge.tools import ToolContext, tool
from adjudge.types import Case, Event, Evidence, LimitReached, Message, Position, ToolCall, ToolCalled
from adjudge.types.messages import assistant, text_of, tool_call, user

CASE = Case(id="c", prompt="?", responses=["a", "b"])
AT = Position("c", "node")
HELLO: list[Message] = [user("hello")]


def a_run(model: ChatModel | None = None, tools: Sequence[Any] = (), **fields: Any) -> Run:
    return Run(CASE, models={"m": model or ScriptedModel(lambda _: "hi")}, tools={t.name: t for t in tools}, **fields)


class Slow(ScriptedModel):
    """Answers after a while, and counts those that it answered."""

    answered = 0

    async def chat(self, *arguments: Any, **more: Any) -> Reply:
        await asyncio.sleep(0.02)
        self.answered += 1
        return await super().chat(*arguments, **more)


def calls(*pairs: tuple[str, str]) -> list[ToolCall]:
    return [tool_call(str(number), name, arguments) for number, (name, arguments) in enumerate(pairs)]


@tool
async def find(query: str, seconds: float = 0.0) -> Evidence:
    """Find something.

    Args:
        query: What to find.
        seconds: How long it takes.
    """
    await asyncio.sleep(seconds)
    return Evidence(excerpt=f"about {query}", source=query)


@tool
async def broken(how: str) -> str:
    """Fail.

    Args:
        how: In which way.
    """
    if how == "told":
        raise ToolError("nothing is there; try another word")
    if how == "time":
        raise TimeoutError
    raise ZeroDivisionError(f"secret of the code <<<{how}>>>")


def test_two_branches_race_for_the_last_call_and_one_gets_it() -> None:
    async def race() -> tuple[list[Any], Slow, Run]:
        model = Slow(lambda _: "hi")
        run = a_run(model, limits=Limits(model_calls=3))
        branches = [run.chat(AT._replace(sample=n), "m", HELLO) for n in range(5)]
        return await asyncio.gather(*branches, return_exceptions=True), model, run

    outcomes, model, run = asyncio.run(race())
    stopped = [outcome for outcome in outcomes if isinstance(outcome, LimitExceeded)]
    assert (len(stopped), model.answered, run.meter.usage().model_calls) == (2, 3, 3)
    assert stopped[0].limit == "model_calls"


def test_parallel_tool_calls_share_their_limit_and_what_was_found_is_kept() -> None:
    events: list[Event] = []
    run = a_run(tools=[find], limits=Limits(tool_calls=2), on_event=events.append)
    with pytest.raises(LimitExceeded, match="all 2 tool calls are used"):
        asyncio.run(run.call_tools(AT, calls(*[("find", f'{{"query": "{n}"}}') for n in range(4)])))
    assert [item.excerpt for item in run.evidence.values()] == ["about 0", "about 1"]
    assert len([event for event in events if isinstance(event, LimitReached)]) == 2


def test_tokens_in_and_out_count_and_the_call_after_the_limit_is_not_made() -> None:
    model = ScriptedModel(lambda _: "one two three")
    run = a_run(model, limits=Limits(tokens=5))

    async def talk() -> None:
        for turn in range(9):
            await run.chat(AT._replace(turn=turn), "m", HELLO)

    with pytest.raises(LimitExceeded, match="8 of 5 tokens"):
        asyncio.run(talk())
    assert len(model.requests) == 2


def test_a_prompt_that_cannot_fit_is_not_sent() -> None:
    model = ScriptedModel(lambda _: "hi")
    with pytest.raises(LimitExceeded, match="cannot fit"):
        asyncio.run(a_run(model, limits=Limits(tokens=50)).chat(AT, "m", [user("x" * 1000)]))
    assert model.requests == []


def test_time_that_runs_out_stops_the_call_in_flight() -> None:
    class Endless(ScriptedModel):
        async def chat(self, *arguments: Any, **more: Any) -> Reply:
            await asyncio.sleep(60)
            raise AssertionError("unreachable")

    run = a_run(Endless(), limits=Limits(seconds=0.3))
    with pytest.raises(LimitExceeded, match="ran out during a call"):
        asyncio.run(run.chat(AT, "m", HELLO))
    with pytest.raises(LimitExceeded, match="are used"):
        asyncio.run(run.chat(AT._replace(turn=1), "m", HELLO))
    assert run.meter.usage().model_calls == 1


def test_a_node_can_be_entered_as_often_as_the_limit_says() -> None:
    events: list[Event] = []
    run = a_run(limits=Limits(visits=2), on_event=events.append)
    run.enter(AT, 0)
    run.enter(AT, 1)
    with pytest.raises(LimitExceeded, match="entered 2 times"):
        run.enter(AT, 2)
    assert [event.limit for event in events if isinstance(event, LimitReached)] == ["visits"]


@pytest.mark.parametrize("limits", [Limits(model_calls=1), Limits(tokens=2), Limits(seconds=0.05)])
def test_a_limit_survives_a_resume_with_what_was_spent(tmp_path: Path, limits: Limits) -> None:
    async def talk(run: Run) -> None:
        for turn in range(9):
            await run.chat(AT._replace(turn=turn), "m", HELLO)

    def judged(journal: Journal, model: ScriptedModel) -> tuple[str, Any]:
        run = a_run(model, journal=journal, limits=limits)
        with pytest.raises(LimitExceeded) as caught:
            asyncio.run(talk(run))
        return str(caught.value), run.meter.usage()

    with Journal(tmp_path / "j.sqlite") as journal:
        first = judged(journal, Slow(lambda _: "hi"))
        again = ScriptedModel(lambda _: "hi")
        assert judged(journal, again) == first
        assert again.requests == []
    with Journal(tmp_path / "j.sqlite", mode="replay") as journal:
        assert judged(journal, again) == first


def test_a_wider_limit_lets_the_same_journal_go_on(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.raises(LimitExceeded):
            asyncio.run(a_run(journal=journal, limits=Limits(model_calls=0)).chat(AT, "m", HELLO))
        assert asyncio.run(a_run(journal=journal).chat(AT, "m", HELLO)).choices


def test_a_failed_model_is_asked_again_on_a_resume_and_the_last_failure_is_replayed(tmp_path: Path) -> None:
    def fails(journal: Journal, *script: Any) -> str:
        with pytest.raises(ModelError) as caught:
            asyncio.run(a_run(ScriptedModel(script), journal=journal).chat(AT, "m", HELLO))
        return f"{caught.value.kind}: {caught.value}"

    with Journal(tmp_path / "j.sqlite") as journal:
        assert fails(journal, ModelError("down")) == "unavailable: down"
        assert fails(journal, ModelError("no", kind="refused")) == "refused: no"
    with Journal(tmp_path / "j.sqlite", mode="replay") as journal:
        assert fails(journal) == "refused: no"
    with Journal(tmp_path / "j.sqlite") as journal:
        reply = asyncio.run(a_run(ScriptedModel(["fine"]), journal=journal).chat(AT, "m", HELLO))
        assert text_of(reply.choices[0].message["content"]) == "fine"


def test_a_replay_without_the_record_says_where(tmp_path: Path) -> None:
    Journal(tmp_path / "j.sqlite").open().close()
    with (
        Journal(tmp_path / "j.sqlite", mode="replay") as journal,
        pytest.raises(JournalError, match="no record of the call at Position"),
    ):
        asyncio.run(a_run(journal=journal).chat(AT, "m", HELLO))


def test_seeds_differ_by_place_and_are_equal_between_runs() -> None:
    places = [AT, AT._replace(order="BA"), AT._replace(sample=1), AT._replace(attempt=1), AT._replace(turn=1)]

    def seeds(base: int) -> list[int | None]:
        model = ScriptedModel(lambda _: "hi")
        run = a_run(model, seed=base)

        async def talk() -> None:
            for place in places:
                await run.chat(place, "m", HELLO)

        asyncio.run(talk())
        return [request.sampling.seed for request in model.requests]

    assert len(set(seeds(0))) == len(places)
    assert seeds(0) == seeds(0)
    assert not set(seeds(0)) & set(seeds(1))


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown model"):
        asyncio.run(a_run().chat(AT, "other", HELLO))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("nothing", "{}"), "there is no tool 'nothing'; there are: broken, find"),
        (("find", "{"), "are not JSON"),
        (("find", "[1]"), "must be a JSON object"),
        (("find", '{"query": "\\ud800"}'), "are not JSON"),
        (("find", '{"a":' * 5000), "nested too deeply"),
        (("find", "{}"), "wrong arguments for find: query"),
        (("find", '{"query": "x", "more": 1}'), "more: Extra inputs"),
        (("broken", '{"how": "told"}'), "try another word"),
        (("broken", '{"how": "time"}'), "did not answer within"),
        (("broken", '{"how": "code"}'), "ZeroDivisionError"),
    ],
)
def test_a_tool_that_fails_tells_the_model_and_is_counted(call: tuple[str, str], told: str) -> None:
    events: list[Event] = []
    run = a_run(tools=[find, broken], on_event=events.append)
    (reply,) = asyncio.run(run.call_tools(AT, calls(call)))
    content = text_of(reply["content"])
    assert told in content
    assert content.startswith("<<<tool error ")
    assert "<<<code" not in content
    assert (run.meter.usage().tool_calls, run.meter.usage().tool_failures, len(run.evidence)) == (1, 1, 0)
    assert [event.error is not None for event in events if isinstance(event, ToolCalled)] == [True]


def test_a_tool_that_was_not_offered_cannot_be_called() -> None:
    run = a_run(tools=[find, broken])
    (reply,) = asyncio.run(run.call_tools(AT, calls(("find", '{"query": "x"}')), offered=["broken"]))
    assert "there is no tool 'find'; there are: broken" in text_of(reply["content"])
    assert not run.evidence


def test_evidence_is_numbered_in_the_order_of_the_calls_whatever_finishes_first() -> None:
    run = a_run(tools=[find])
    slow, quick = '{"query": "slow", "seconds": 0.05}', '{"query": "quick"}'
    replies = asyncio.run(run.call_tools(AT, calls(("find", slow), ("find", quick))))
    assert {name: item.source for name, item in run.evidence.items()} == {"E1": "slow", "E2": "quick"}
    assert ["E1" in text_of(replies[0]["content"]), "E2" in text_of(replies[1]["content"])] == [True, True]
    assert [reply["tool_call_id"] for reply in replies] == ["0", "1"]


def test_the_same_find_keeps_its_name() -> None:
    run = a_run(tools=[find])

    async def search() -> list[Message]:
        await run.call_tools(AT, calls(("find", '{"query": "x"}'), ("find", '{"query": "y"}')))
        return await run.call_tools(AT._replace(turn=1), calls(("find", '{"query": "y"}')))

    assert "evidence E2" in text_of(asyncio.run(search())[0]["content"])
    assert list(run.evidence) == ["E1", "E2"]


def test_found_evidence_says_by_which_call_and_when() -> None:
    run = a_run(tools=[find])
    asyncio.run(run.call_tools(AT, calls(("find", '{"query": "x"}'))))
    item = run.evidence["E1"]
    assert (item.tool, item.arguments) == ("find", {"query": "x"})
    assert item.time is not None


def test_tools_of_one_turn_and_of_the_next_share_a_memory() -> None:
    @tool
    async def count(context: ToolContext) -> str:
        """Count."""
        context.memory["n"] = context.memory.get("n", 0) + 1
        return str(context.memory["n"])

    run = a_run(tools=[count])

    async def twice() -> list[str]:
        replies = [(await run.call_tools(AT._replace(turn=turn), calls(("count", ""))))[0] for turn in (0, 1)]
        return [text_of(reply["content"]).splitlines()[1] for reply in replies]

    assert asyncio.run(twice()) == ["1", "2"]


def paid_for(tmp_path: Path, *changes: Mapping[str, Any]) -> int:
    """How many calls the tool really gets when runs with these changes share a journal."""
    done: list[str] = []

    async def look(query: str, context: ToolContext) -> Evidence:
        """Look.

        Args:
            query: What for.
        """
        done.append(query)
        return Evidence(excerpt=f"{query} {[d.text for d in context.case.documents]} {list(context.evidence.values())}")

    with Journal(tmp_path / "j.sqlite") as journal:
        for change in changes:
            made = tool(look, fingerprint=change.get("fingerprint", "1"))
            case = Case(id="c", prompt="?", documents=change.get("documents", ()))
            run = Run(case, models={}, tools={"look": made}, journal=journal)
            if "known" in change:
                run.evidence.admit([Evidence(excerpt=change["known"])])
            asyncio.run(
                run.call_tools(change.get("at", AT), calls(("look", change.get("arguments", '{"query": "x"}'))))
            )
    return len(done)


@pytest.mark.parametrize(
    ("change", "paid"),
    [
        ({}, 1),
        ({"fingerprint": "2"}, 2),
        ({"documents": [{"id": "d", "text": "another"}]}, 2),
        ({"known": "found before"}, 2),
        ({"at": AT._replace(turn=1)}, 2),
        ({"at": AT._replace(case="d")}, 2),
        ({"arguments": '{"query": "y"}'}, 2),
    ],
)
def test_a_recorded_tool_call_is_used_again_only_where_nothing_it_could_see_has_changed(
    tmp_path: Path, change: dict[str, Any], paid: int
) -> None:
    assert paid_for(tmp_path, {}, change) == paid


@pytest.mark.parametrize(
    ("change", "paid"),
    [
        ({}, 1),
        ({"order": "BA"}, 2),
        ({"sample": 1}, 2),
        ({"attempt": 1}, 2),
        ({"case": "other"}, 2),
        ({"weights": "2"}, 2),
        ({"text": "hello!"}, 2),
        ({"temperature": 0.5}, 2),
        ({"base": 7}, 2),
    ],
)
def test_a_recorded_model_call_is_used_again_only_at_the_same_place(
    tmp_path: Path, change: dict[str, Any], paid: int
) -> None:
    made: list[Request] = []

    def answer(request: Request) -> str:
        made.append(request)
        return "hi"

    def ask(change: dict[str, Any], journal: Journal) -> None:
        place = {key: value for key, value in change.items() if key in Position._fields}
        model = ScriptedModel(answer, weights=change.get("weights"))
        run = a_run(model, journal=journal, seed=change.get("base", 0))
        sampling = Sampling(temperature=change.get("temperature", 0.0))
        asyncio.run(run.chat(AT._replace(**place), "m", [user(change.get("text", "hello"))], sampling=sampling))

    with Journal(tmp_path / "j.sqlite") as journal:
        ask({}, journal)
        ask(change, journal)
    assert len(made) == paid


def test_ids_of_tool_calls_follow_from_the_place_and_an_empty_list_of_calls_is_none() -> None:
    wild = assistant("", [tool_call("call_8f3a", "find", "{}"), tool_call("call_99", "find", "{}")])
    empty: Message = {"role": "assistant", "content": "done", "tool_calls": []}
    run = a_run(ScriptedModel([wild, empty]))
    first = asyncio.run(run.chat(AT._replace(turn=3), "m", HELLO)).choices[0].message
    second = asyncio.run(run.chat(AT, "m", HELLO)).choices[0].message
    assert [call["id"] for call in first["tool_calls"]] == ["node-0-3-0", "node-0-3-1"]
    assert "tool_calls" not in second


class Tokens(ScriptedModel):
    """Reports token ids: the prompt it was given as numbers, and its own."""

    def __init__(self, *turns: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
        super().__init__()
        self.turns = list(turns)

    async def chat(self, *arguments: Any, **more: Any) -> Reply:
        prompt, own = self.turns.pop(0)
        logprobs = tuple(TokenLogprob(str(token), -0.5) for token in own)
        return Reply((Choice(assistant("x"), logprobs=logprobs, token_ids=own),), TokenUsage(), prompt)


def recorded(*turns: tuple[tuple[int, ...], tuple[int, ...]], journal: Journal | None = None) -> Recorder:
    recorder = Recorder()
    run = a_run(Tokens(*turns), recorder=recorder, journal=journal)

    async def talk() -> None:
        for turn in range(max(1, len(turns))):
            await run.chat(AT._replace(turn=turn), "m", HELLO)

    asyncio.run(talk())
    return recorder


def test_turns_that_continue_one_another_are_one_sequence_with_only_own_tokens_trained() -> None:
    (sequence,) = recorded(((1, 2), (3,)), ((1, 2, 3, 9, 9), (4, 5))).sequences()
    assert sequence.ids == (1, 2, 3, 9, 9, 4, 5)
    assert sequence.mask == (0, 0, 1, 0, 0, 1, 1)
    assert sequence.logprobs == (0.0, 0.0, -0.5, 0.0, 0.0, -0.5, -0.5)


def test_a_prompt_that_does_not_continue_begins_a_new_segment() -> None:
    first, second = recorded(((1, 2), (3,)), ((1, 7), (4,))).sequences()
    assert (first.ids, second.ids) == ((1, 2, 3), (1, 7, 4))
    assert second.mask == (0, 0, 1)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 2), max_size=4), st.lists(st.integers(0, 2), min_size=1)), max_size=5)
)
def test_every_sampled_token_is_trained_once(turns: list[tuple[list[int], list[int]]]) -> None:
    sequences = recorded(*((tuple(p), tuple(o)) for p, o in turns)).sequences() if turns else []
    assert sum(sum(sequence.mask) for sequence in sequences) == sum(len(own) for _, own in turns)
    assert all(len(s.ids) == len(s.mask) == len(s.logprobs) for s in sequences)


def test_a_resume_records_the_same_sequences(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        first = recorded(((1, 2), (3,)), journal=journal).sequences()
        assert recorded(journal=journal).sequences() == first


def test_a_run_sees_no_label() -> None:
    case = Case(prompt="?", responses=["a"], label="L", metadata={"k": "v"})
    assert Run(case, models={}).case.label is None
    assert Run(case, models={}).case.metadata == {}
