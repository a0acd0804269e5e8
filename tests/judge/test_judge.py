"""The Judge as users meet it: loading, blindness, the journal, streams, own functions and own graphs."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from adjudge.agents import Report, Work
from adjudge.errors import CaseError, ConfigError, ModelError
from adjudge.graphs import State
from adjudge.graphs.library import find, names
from adjudge.journal import Journal, key_of
from adjudge.judge import Judge
from adjudge.models import ModelSpec, Reply, ScriptedModel, open_model, parse_model, resolve_auto
from adjudge.models.scripted import Request
from adjudge.replay import replay
from adjudge.run import Run, door
from adjudge.tools import ToolContext, tool
from adjudge.types import (
    Case,
    Event,
    Evidence,
    EvidenceFound,
    Finished,
    JudgeResult,
    ModelCalled,
    NodeStarted,
    Response,
    Step,
    ToolCalled,
    Unscored,
    Verdict,
    VoteCast,
)
from adjudge.types.messages import assistant, text_of, tool_call, user

CASE = Case(id="c", prompt="What is the capital of Australia?", responses=["Canberra", "Sydney"])


def filled(schema: dict[str, Any]) -> Any:
    """A value that a schema admits."""
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return {name: filled(part) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [filled(schema["items"])] * int(schema.get("minItems", 0))
    return "fine" if schema.get("type") == "string" else schema.get("minimum")


def cooperative(request: Request) -> Any:
    """Searches once, then says what is asked for; the first response shown gets one point more."""
    if request.may_call and request.messages[-1]["role"] != "tool":
        name = request.tools[0]["function"]["name"]
        return assistant("", [tool_call("x", name, '{"query": "capital"}')])
    if request.sampling.json_schema is None:
        return "E1 settles it."
    reply = filled(request.sampling.json_schema)
    if "scores" in reply:
        reply["scores"]["A"] += 1
    return reply


def corpus(seen: list[str] | None = None, fingerprint: str = "1") -> Any:
    async def corpus(query: str, context: ToolContext) -> Evidence:
        """Search.

        Args:
            query: What for.
        """
        if seen is not None:
            seen.append(f"{query} {context}")
        return Evidence(excerpt="Canberra is the capital.", source="atlas")

    return tool(corpus, fingerprint=fingerprint)


def load(model: ScriptedModel, graph: str = "evidence", seen: list[str] | None = None, **more: Any) -> Judge:
    searched = {"evidence": "corpus", "web_evidence": "search"}.get(graph)
    tools = {searched: corpus(seen, more.pop("fingerprint", "1"))} if searched else {}
    return Judge.load(graph, model=model, tools=tools, **more)


def one(judge: Judge, case: Case = CASE) -> JudgeResult:
    return asyncio.run(judge.ajudge(case))


SECRET = "zq7token"


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize("graph", names())
def test_no_judge_sees_label_metadata_or_who_answered(
    graph: str, embedded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def watched(kind: Any, at: Any, content: Any) -> str:
        seen.append(json.dumps([at, content]))
        return key_of(kind, at, content)

    monkeypatch.setattr(door, "key_of", watched)
    mode = find(graph)[0].data["mode"]
    count = {"pointwise": 1, "answer": 0, "step": 0}.get(mode, 2)
    responses = [Response(text=f"answer {n}", model=SECRET) for n in range(count)]
    case = Case(prompt="?", responses=responses, rubric=[{"name": "facts"}], label=SECRET, metadata={SECRET: [SECRET]})
    if mode == "step":
        case = case.model_copy(update={"candidates": (Step(thought="one"), Step(thought="two"))})
    model = ScriptedModel(cooperative, embedded=embedded, scores=lambda prefix, text: -1.0)
    one(load(model, graph, seen, journal=tmp_path / "j.sqlite"), case)
    assert model.requests
    assert len(seen) >= len(model.requests)
    assert SECRET not in str(model.requests)
    assert SECRET not in "".join(seen)


def test_a_judgement_works_inside_a_running_loop_and_twice_in_a_row() -> None:
    judge = load(ScriptedModel(cooperative))

    async def inside() -> JudgeResult:
        return judge(CASE)

    first, second = judge(CASE), judge(CASE)
    third = asyncio.run(inside())
    assert first.outcome == second.outcome == third.outcome
    assert isinstance(first.outcome, Verdict)


def test_events_come_as_they_happen_and_the_result_last() -> None:
    async def collect() -> list[Event]:
        return [event async for event in load(ScriptedModel(cooperative)).stream(CASE)]

    events = asyncio.run(collect())
    kinds = [type(event) for event in events]
    assert kinds[:5] == [NodeStarted, ModelCalled, ToolCalled, EvidenceFound, ModelCalled]
    assert kinds.count(VoteCast) == 2
    assert kinds.count(Finished) == 1
    assert isinstance(events[-1], Finished)
    assert isinstance(events[-1].result.outcome, Verdict)


class Hanging(ScriptedModel):
    """Never answers, and notes that it was cancelled."""

    cancelled = False

    async def chat(self, *arguments: Any, **more: Any) -> Reply:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError("unreachable")


def test_leaving_a_stream_early_cancels_the_judgement() -> None:
    model = Hanging()

    async def leave() -> None:
        async for event in Judge.load("direct", model=model, orders="one").stream(CASE):
            assert isinstance(event, NodeStarted)
            await asyncio.sleep(0.01)
            break
        gc.collect()
        for _ in range(200):  # the generator is closed by the loop, soon
            if not model.cancelled:
                await asyncio.sleep(0.01)
        assert model.cancelled

    asyncio.run(leave())


def test_a_stream_raises_what_the_judgement_raises() -> None:
    async def collect() -> None:
        async for _ in load(ScriptedModel()).stream(Case(prompt="?")):
            pass

    with pytest.raises(CaseError):
        asyncio.run(collect())


def test_a_slow_model_is_stopped_and_the_evidence_is_kept() -> None:
    class Late(ScriptedModel):
        async def chat(self, *arguments: Any, **more: Any) -> Reply:
            if len(self.requests) == 2:
                await asyncio.sleep(60)
            return await super().chat(*arguments, **more)

    result = one(load(Late(cooperative), settings=["limits.seconds=1"]))
    assert isinstance(result.outcome, Unscored)
    assert (result.outcome.reason, "seconds" in result.outcome.detail) == ("limit", True)
    assert [item.name for item in result.evidence] == ["E1"]


# The journal.


def test_a_second_run_calls_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    seen: list[str] = []
    first = one(load(ScriptedModel(cooperative), seen=seen, journal=tmp_path / "j.sqlite"))
    idle = ScriptedModel()
    second = one(load(idle, seen=seen, journal=tmp_path / "j.sqlite"))
    assert isinstance(first.outcome, Verdict)
    assert second.model_dump_json() == first.model_dump_json()
    assert (idle.requests, len(seen)) == ([], 1)


@pytest.mark.parametrize("made", range(4))
def test_a_resume_pays_only_for_what_is_missing(tmp_path: Path, made: int) -> None:
    def failing(request: Request) -> Any:
        if len(first.requests) > made:
            raise ModelError("down")
        return cooperative(request)

    seen: list[str] = []
    first, second = ScriptedModel(failing), ScriptedModel(cooperative)
    assert isinstance(one(load(first, seen=seen, journal=tmp_path / "j.sqlite")).outcome, Unscored)
    result = one(load(second, seen=seen, journal=tmp_path / "j.sqlite"))
    assert isinstance(result.outcome, Verdict)
    assert len(second.requests) == 4 - made  # two turns of gathering, two orders
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("change", "asked", "searched"),
    [
        ({}, 0, 0),
        ({"weights": "other"}, 4, 0),
        ({"fingerprint": "2"}, 0, 1),
        ({"nodes.judge.instructions": "Be strict."}, 2, 0),
        ({"nodes.gather.instructions": "Look twice."}, 4, 0),
        ({"seed": 1}, 4, 0),
        ({"models.default.temperature": 0.5}, 4, 0),
    ],
)
def test_what_has_changed_is_asked_again(tmp_path: Path, change: dict[str, Any], asked: int, searched: int) -> None:
    one(load(ScriptedModel(cooperative), journal=tmp_path / "j.sqlite"))
    seen: list[str] = []
    model = ScriptedModel(cooperative, weights=change.pop("weights", None))
    result = one(load(model, seen=seen, journal=tmp_path / "j.sqlite", **change))
    assert isinstance(result.outcome, Verdict)
    assert (len(model.requests), len(seen)) == (asked, searched)


def test_cases_with_the_same_text_do_not_share_calls(tmp_path: Path) -> None:
    model = ScriptedModel(cooperative)
    judge = load(model, journal=tmp_path / "j.sqlite")
    one(judge)
    one(judge, CASE.model_copy(update={"id": "d"}))
    assert len(model.requests) == 8


def test_an_edited_case_with_the_same_id_is_judged_anew(tmp_path: Path) -> None:
    seen: list[str] = []
    model = ScriptedModel(cooperative)
    judge = load(model, seen=seen, journal=tmp_path / "j.sqlite")
    one(judge)
    one(
        judge, CASE.model_copy(update={"documents": (), "responses": (Response(text="Perth"), Response(text="Sydney"))})
    )
    assert (len(model.requests), len(seen)) == (8, 2)


def test_the_journal_keeps_the_case_as_it_was_given_and_the_result(tmp_path: Path) -> None:
    case = CASE.model_copy(update={"label": "A"})
    judge = load(ScriptedModel(cooperative), journal=tmp_path / "j.sqlite")
    result = one(judge, case)
    judge.close()
    with Journal(tmp_path / "j.sqlite", mode="replay") as journal:
        assert list(journal.cases()) == [case]
        assert journal.result("c", result.graph.digest) == result


# Python faces.


async def population(city: str) -> str:
    """Look up how many people live in a city.

    Args:
        city: Its name.
    """
    return f"{city}: 431 000"


def test_own_functions_are_tools_and_agents() -> None:
    async def gather(work: Work, run: Run) -> Report:
        (reply,) = await run.call_tools(work.at(), [tool_call("x", "population", '{"city": "Canberra"}')])
        note = await run.chat(work.at(turn=1), "helper", [user(text_of(reply["content"]))])
        return Report(messages=(user("facts"), note.choices[0].message))

    spec = {
        "name": "own",
        "mode": "pairwise",
        "models": {"default": "auto", "helper": "auto"},
        "nodes": {"look": {"agent": "gather"}, "judge": {"agent": "judge", "thread": "look"}},
        "edges": {"start": "look", "look": "judge", "judge": "end"},
    }
    helper, model = ScriptedModel(["many people"]), ScriptedModel(cooperative)
    judge = Judge(spec, models={"default": model, "helper": helper}, tools=[population], agents={"gather": gather})
    result = one(judge)
    assert isinstance(result.outcome, Verdict)
    assert "431 000" in helper.requests[0].text
    assert "many people" in model.requests[0].text


def test_an_own_state_graph_is_a_judge() -> None:
    async def ask(state: State, runtime: Runtime[Run]) -> State:
        work = Work("ask", state["case"])
        reply = await runtime.context.chat(work.at(), "second", [user(state["case"].question)])
        return {"outcome": Verdict(winner=text_of(reply.choices[0].message["content"]))}

    graph = StateGraph(State, context_schema=Run)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    models = {"first": ScriptedModel(["B"]), "second": ScriptedModel(["A"])}
    judge = Judge.from_graph(graph, name="mine", mode="pairwise", models=models, limits={"model_calls": 1})
    result = one(judge)
    assert isinstance(result.outcome, Verdict)
    assert (result.outcome.winner, result.usage.model_calls, result.graph.name) == ("A", 1, "mine")
    assert judge.spec.limits.model_calls == 1


def test_values_are_set_by_dotted_key_and_from_text() -> None:
    judge = Judge.load("direct", model=ScriptedModel(), orders="one", settings=["limits.seconds=60"])
    assert (judge.spec.orders, judge.spec.limits.seconds) == ("one", 60)


def test_a_corpus_needs_a_graph_that_searches_one() -> None:
    with pytest.raises(ConfigError, match="no corpus_search tool"):
        Judge.load("direct", model=ScriptedModel(), corpus=["x"])


def test_a_list_is_a_corpus() -> None:
    judge = Judge.load("evidence", model=ScriptedModel(cooperative), corpus=["Canberra is the capital of Australia."])
    assert [item.excerpt for item in one(judge).evidence] == ["Canberra is the capital of Australia."]


def test_a_model_for_a_name_that_the_graph_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown model.*did you mean 'default'"):
        Judge.load("direct", model={"defualt": ScriptedModel()})
    with pytest.raises(ConfigError, match="unknown model"):
        Judge(Judge.load("direct", model=ScriptedModel()).spec, models={"other": ScriptedModel()})


def test_another_model_keeps_how_the_graph_samples(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("no\n" * 9)
    overrides: dict[str, Any] = {"models.default": {"model": "Qwen/Qwen3-8B", "temperature": 0.7, "max_tokens": 99}}
    judge = Judge.load("direct", model=f"scripted:{script}", samples=2, **overrides)
    assert judge.models["default"].info.provider == "scripted"
    one(judge)
    model = judge.models["default"]
    assert isinstance(model, ScriptedModel)
    assert {(r.sampling.temperature, r.sampling.max_tokens) for r in model.requests} == {(0.7, 99)}


def test_what_a_model_specification_says_on_sampling_holds(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("no\n" * 9)
    spec = ModelSpec(provider="scripted", model=str(script), temperature=0.3)
    judge = Judge.load("direct", model=spec, samples=2)
    one(judge)
    model = judge.models["default"]
    assert isinstance(model, ScriptedModel)
    assert {request.sampling.temperature for request in model.requests} == {0.3}


def test_an_edited_script_is_another_model(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    fingerprints = set()
    for text in ("one", "two"):
        script.write_text(text)
        fingerprints.add(open_model(f"scripted:{script}").info.fingerprint)
    assert len(fingerprints) == 2


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 3, 2) + b"\x08\x02\0\0\0"
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}}


@pytest.mark.parametrize("blind", ["default", "second"])
def test_images_need_eyes_in_every_model(blind: str) -> None:
    prompt: Any = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, IMAGE]}]
    case = Case(prompt=prompt, responses=["a cat", "a dog"])
    seeing, unseeing = ScriptedModel(cooperative), ScriptedModel(cooperative, abilities=["chat", "tools"])
    models = {name: unseeing if name == blind else seeing for name in ("default", "second")}
    spec = {
        "name": "own",
        "mode": "pairwise",
        "models": dict.fromkeys(models, "auto"),
        "nodes": {"gather": {"agent": "executor", "model": "second"}, "judge": {"agent": "judge"}},
        "edges": {"start": "gather", "gather": "judge", "judge": "end"},
    }
    with pytest.raises(CaseError, match="cannot see"):
        one(Judge(spec, models=models), case)
    one(Judge(spec, models=dict.fromkeys(models, seeing)), case)
    assert IMAGE in seeing.requests[-1].messages[1]["content"]  # type: ignore[operator]


def looking_at(url: str) -> Case:
    blocks: Any = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return Case(prompt=[{"role": "user", "content": blocks}], responses=["a cat", "a dog"])


def test_images_named_by_a_path_are_sent_as_data(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    model = ScriptedModel(cooperative)
    result = one(Judge.load("direct", model=model, images=tmp_path), looking_at("cat.png"))
    assert result.scored
    assert all(IMAGE in request.messages[1]["content"] for request in model.requests)  # type: ignore[operator]


@pytest.mark.parametrize("url", ["../secret.png", "/etc/hostname", "cat.gif", "http://127.0.0.1/cat.png", "file:///x"])
def test_images_that_cannot_be_had_are_refused_before_anything_is_asked(tmp_path: Path, url: str) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "in").mkdir()
    model = ScriptedModel(cooperative)
    with pytest.raises(CaseError, match=r"image"):
        one(Judge.load("direct", model=model, images=tmp_path / "in"), looking_at(url))
    assert not model.requests


def test_images_in_a_run_are_replayed_without_their_files(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    journal = tmp_path / "journal.sqlite"
    with Judge.load("direct", model=ScriptedModel(cooperative), images=tmp_path, journal=journal) as judge:
        judge(looking_at("cat.png"))
    (tmp_path / "cat.png").unlink()
    assert [item.identical for item in replay(journal)] == [True]


@pytest.mark.parametrize(
    ("graph", "count", "hint"),
    [
        ("direct", 0, "needs two responses, found 0"),
        ("direct", 1, "use a pointwise graph such as `rubric`"),
        ("direct", 3, "set mode: listwise"),
        ("rubric", 2, "use a pairwise graph such as `direct`"),
        ("rubric", 0, "needs one response"),
    ],
)
def test_the_wrong_number_of_responses_is_refused_with_a_hint(graph: str, count: int, hint: str) -> None:
    model = ScriptedModel()
    with pytest.raises(CaseError) as caught:
        one(Judge.load(graph, model=model), Case(id="odd", prompt="?", responses=["r"] * count))
    assert "case 'odd'" in str(caught.value)
    assert hint in str(caught.value)
    assert model.requests == []


# Which model is meant.

URL = "http://127.0.0.1:1/v1"
FORMS: list[tuple[str, dict[str, str], tuple[str, str, str | None]]] = [
    ("auto", {}, ("local", "", None)),
    ("", {}, ("local", "", None)),
    ("embedded", {"ADJUDGE_BASE_URL": URL}, ("local", "", None)),
    ("auto", {"ADJUDGE_BASE_URL": URL}, ("server", "", URL)),
    ("auto", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "Qwen/Qwen3-8B"}, ("server", "Qwen/Qwen3-8B", URL)),
    ("auto", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "llama3:8b"}, ("server", "llama3:8b", URL)),
    ("auto", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "embedded"}, ("local", "", None)),
    ("auto", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "./weights"}, ("local", "weights", None)),
    ("auto", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "embedded+lora"}, ("local", "", None)),
    ("auto", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "http://other/v1"}, ("server", "", "http://other/v1")),
    ("auto", {"ADJUDGE_MODEL": "openai:gpt-4o"}, ("langchain", "openai:gpt-4o", None)),
    ("auto", {"ADJUDGE_MODEL": "/weights"}, ("local", "/weights", None)),
    ("auto", {"ADJUDGE_MODEL": "http://other/v1"}, ("server", "", "http://other/v1")),
    ("Qwen/Qwen3-8B", {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "other"}, ("server", "Qwen/Qwen3-8B", URL)),
    ("http://other/v1", {"ADJUDGE_BASE_URL": URL}, ("server", "", "http://other/v1")),
    ("openai:gpt-4o", {"ADJUDGE_BASE_URL": URL}, ("langchain", "openai:gpt-4o", None)),
    ("server:llama3:8b", {"ADJUDGE_BASE_URL": URL}, ("server", "llama3:8b", URL)),
    ("scripted:x.txt", {"ADJUDGE_BASE_URL": URL}, ("scripted", "x.txt", None)),
]


@pytest.mark.parametrize(("text", "environ", "expected"), FORMS)
def test_a_short_form_names_a_model(text: str, environ: dict[str, str], expected: tuple[str, str, str | None]) -> None:
    spec = resolve_auto(parse_model(text), environ)
    assert (spec.provider, spec.model, spec.base_url) == expected


def test_the_embedded_model_is_named_with_an_adapter() -> None:
    for text, environ in (("embedded+runs/lora", {}), ("auto", {"ADJUDGE_MODEL": "embedded+runs/lora"})):
        spec = resolve_auto(parse_model(text), environ)
        assert (spec.provider, spec.model, spec.adapter) == ("local", "", "runs/lora")


def test_a_model_that_the_file_names_is_not_replaced_by_the_environment() -> None:
    spec = ModelSpec(model="mine", temperature=0.5)
    chosen = resolve_auto(spec, {"ADJUDGE_BASE_URL": URL, "ADJUDGE_MODEL": "embedded", "ADJUDGE_API_KEY": "k"})
    assert (chosen.provider, chosen.model, chosen.temperature, chosen.api_key) == ("server", "mine", 0.5, "k")
    with pytest.raises(ConfigError, match="no server is known for the model 'mine'"):
        resolve_auto(spec, {"ADJUDGE_MODEL": "openai:gpt-4o"})


@pytest.mark.parametrize(
    ("text", "problem"), [("openai:", "cannot be read"), (":x", "cannot be read"), ("embedded+", "cannot be read")]
)
def test_what_names_no_model_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_model(text)


def test_a_name_without_a_server_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="set ADJUDGE_BASE_URL"):
        open_model("Qwen/Qwen3-8B", {})


def test_a_script_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        open_model(f"scripted:{tmp_path / 'none.txt'}", {})
