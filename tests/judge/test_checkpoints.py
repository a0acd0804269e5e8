"""Checkpoints: where a judgement goes on, what a file may hold, and that nothing is left open."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from adjudge.errors import ConfigError, JournalError, MissingPackage
from adjudge.graphs import State
from adjudge.journal import Journal
from adjudge.judge import Judge, checkpoints
from adjudge.judge.checkpoints import Checkpoints, thread_of
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request
from adjudge.replay import replay
from adjudge.run import Recorder, Run
from adjudge.tools import tool
from adjudge.types import Answer, Case, Evidence, JudgeResult, Verdict
from adjudge.types.messages import assistant, tool_call

SECRET = "zq7token"
QUESTION = Case(id="c", prompt="What is x?", label=SECRET, metadata={"note": SECRET})
PAIR = Case(id="p", prompt="Which?", responses=["one", "two"])


class CutOffError(Exception):
    """Stands for a process that dies."""


@tool
async def corpus(query: str) -> Evidence:
    """Search.

    Args:
        query: What for.
    """
    return Evidence(excerpt=f"about {query}")


class Script:
    """Answers every agent; dies at one of the calls, counted from 1."""

    def __init__(self, dies_at: int = 0) -> None:
        self.dies_at = dies_at
        self.calls = 0

    def __call__(self, request: Request) -> Any:
        self.calls += 1
        if self.calls == self.dies_at:
            raise CutOffError
        wanted = (request.sampling.json_schema or {}).get("properties", {})
        steps = [{"goal": "find x", "expected": "", "uses": []}]
        if "examples" in wanted:
            return {"examples": [{"question": "Like?", "steps": steps}]}
        if "steps" in wanted:
            return {"steps": steps}
        if "plan_at_fault" in wanted:
            flagged = "mistake no." not in str(request.messages[1]) and request.text.count("E1") > 0
            return {
                "plan_at_fault": False,
                "execution_at_fault": flagged,
                "step": 0 if flagged else None,
                "mistake": "m",
            }
        if "answer" in wanted:
            return {"answer": "7", "citations": ["E1"]}
        if "scores" in wanted:
            return {"rationale": "r", "citations": ["E1"], "scores": {"A": 7, "B": 4}, "confidence": 0.5}
        if request.messages[-1]["role"] == "tool":
            return "3\nsays E1" if "mistake no." not in request.text else "4\nsays it"
        return assistant("", [tool_call("x", "corpus", '{"query": "x"}')])


def load(graph: str, path: Path, script: Any = None, **more: Any) -> tuple[Judge, ScriptedModel]:
    model = ScriptedModel(script or Script())
    tools = {"corpus": corpus} if graph in ("four_agents", "evidence") else {}
    return Judge.load(graph, model=model, tools=tools, checkpoints=path / "checkpoints.sqlite", **more), model


def one(judge: Judge, case: Case = QUESTION, **more: Any) -> JudgeResult:
    return asyncio.run(judge.ajudge(case, **more))


def plain(result: JudgeResult) -> dict[str, Any]:
    """A result without the times at which things happened."""
    told = result.to_dict(trajectory=True)
    del told["usage"]["seconds"]
    for item in told["evidence"]:
        del item["time"]
    return told


def undisturbed(graph: str, case: Case, tmp_path: Path) -> tuple[dict[str, Any], int]:
    judge, model = load(graph, tmp_path / "undisturbed")
    return plain(one(judge, case)), len(model.requests)


@pytest.mark.parametrize(("graph", "case"), [("evidence", PAIR), ("direct", PAIR)])
@pytest.mark.parametrize("journal", [False, True])
def test_cut_off_at_any_call_the_result_is_that_of_an_undisturbed_run(
    graph: str, case: Case, journal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "TIMEOUT", 5)  # a lock that is left behind shows at once
    expected, calls = undisturbed(graph, case, tmp_path)
    for number, again in itertools.product(range(1, calls + 1), range(3)):
        folder = tmp_path / f"{number}-{again}"
        kept = {"journal": Journal(folder / "run.sqlite")} if journal else {}
        first, _ = load(graph, folder, Script(number), **kept)
        with pytest.raises(CutOffError):
            one(first, case)
        second, model = load(graph, folder, **kept)
        assert plain(one(second, case))["judgement"] == expected["judgement"], number
        assert len(model.requests) <= calls
        if journal:
            assert len(model.requests) <= calls - number + 1
        asyncio.run(second.aclose())


@pytest.mark.parametrize("journal", [False, True])
def test_evidence_and_costs_are_gone_on_with(journal: bool, tmp_path: Path) -> None:
    expected, calls = undisturbed("four_agents", QUESTION, tmp_path)
    for number in range(1, calls + 1):
        folder = tmp_path / str(number)
        kept = {"journal": Journal(folder / "run.sqlite")} if journal else {}
        with pytest.raises(CutOffError):
            one(load("four_agents", folder, Script(number), **kept)[0])
        again, _ = load("four_agents", folder, **kept)
        assert plain(one(again)) == expected, number
        asyncio.run(again.aclose())


def assert_quiet(threads: int) -> None:
    """No more threads than before: that of a closed connection ends a moment later."""
    end = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= threads


def test_a_limit_survives_a_resume(tmp_path: Path) -> None:
    more = {"settings": ["limits.model_calls=5"]}
    with pytest.raises(CutOffError):
        one(load("four_agents", tmp_path, Script(5), **more)[0])
    judge, model = load("four_agents", tmp_path, **more)
    result = one(judge)
    assert getattr(result.outcome, "reason", "") == "limit"
    assert (result.usage.model_calls, len(model.requests)) == (5, 1)


def test_another_graph_or_case_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(CutOffError):
        one(load("four_agents", tmp_path, Script(5))[0])
    _, calls = undisturbed("four_agents", QUESTION, tmp_path)
    for more, case in (({"settings": ["seed=1"]}, QUESTION), ({}, QUESTION.model_copy(update={"id": "d"}))):
        judge, model = load("four_agents", tmp_path, **more)
        assert isinstance(one(judge, case).outcome, Answer)
        assert len(model.requests) == calls


def test_many_judgements_share_the_file_and_nothing_is_left_open(tmp_path: Path) -> None:
    judge, _ = load("four_agents", tmp_path)
    cases = [QUESTION.model_copy(update={"id": str(number)}) for number in range(24)]
    before = threading.active_count()

    async def side_by_side() -> list[JudgeResult]:
        return [result async for result in judge.batch(cases, concurrency=12)]

    results = asyncio.run(side_by_side())
    assert all(isinstance(result.outcome, Answer) for result in results)
    assert_quiet(before)
    assert [one(judge).outcome, judge(QUESTION).outcome] == [results[0].outcome] * 2  # other event loops
    with sqlite3.connect(tmp_path / "checkpoints.sqlite") as connection:
        ((threads,),) = connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchall()
    connection.close()
    assert threads == len(cases) + 1


def test_a_cancelled_judgement_leaves_nothing_open_and_is_gone_on_with(tmp_path: Path) -> None:
    judge, _ = load("four_agents", tmp_path)
    before = threading.active_count()

    async def leave_early() -> None:
        async for event in judge.stream(QUESTION):
            if type(event).__name__ == "Checked":
                break

    asyncio.run(leave_early())
    assert_quiet(before)
    again, model = load("four_agents", tmp_path)
    assert isinstance(one(again).outcome, Answer)
    assert not any("examples" in str(request.sampling.json_schema) for request in model.requests)


def test_it_holds_neither_labels_nor_pickle(tmp_path: Path) -> None:
    judge, _ = load("four_agents", tmp_path)
    one(judge)
    with sqlite3.connect(tmp_path / "checkpoints.sqlite") as connection:
        kinds = {kind for (kind,) in connection.execute("SELECT type FROM checkpoints UNION SELECT type FROM writes")}
    connection.close()
    assert kinds <= {"msgpack", "null", "bytes"}
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("checkpoints.sqlite*"))
    assert SECRET.encode() not in stored


EVIL: list[str] = []


class Evil:
    """What a tampered file would like to have made."""

    def __init__(self, *words: object, **more: object) -> None:
        EVIL.append(repr(words))


def tampered(tmp_path: Path, kind: str, blob: Any) -> None:
    """A judgement that was cut off, with something else in the place of its process."""
    with pytest.raises(CutOffError):
        one(load("four_agents", tmp_path, Script(5))[0])
    with sqlite3.connect(tmp_path / "checkpoints.sqlite") as connection:
        rows = connection.execute("SELECT rowid, checkpoint FROM checkpoints").fetchall()
        for row, old in rows:
            connection.execute(
                "UPDATE checkpoints SET type = ?, checkpoint = ? WHERE rowid = ?", (kind, blob(old), row)
            )
    connection.close()


def test_a_foreign_type_in_a_file_is_not_made_and_refused(tmp_path: Path) -> None:
    made = ormsgpack.Ext(0, ormsgpack.packb((__name__, "Evil", "boo")))

    def keep(code: int, data: bytes) -> ormsgpack.Ext:
        return ormsgpack.Ext(code, data)

    def put_in(old: bytes) -> bytes:
        checkpoint = ormsgpack.unpackb(old, ext_hook=keep, option=ormsgpack.OPT_NON_STR_KEYS)
        values = checkpoint["channel_values"]
        values.update({key: made for key in ("process", "case") if key in values})
        return ormsgpack.packb(checkpoint, option=ormsgpack.OPT_NON_STR_KEYS)

    tampered(tmp_path, "msgpack", put_in)
    EVIL.clear()
    with pytest.raises(JournalError, match="this version does not know"):
        one(load("four_agents", tmp_path)[0])
    assert EVIL == []


def test_a_pickle_in_a_file_is_not_opened(tmp_path: Path) -> None:
    class Boom:
        def __reduce__(self) -> Any:
            return EVIL.append, ("boom",)

    tampered(tmp_path, "pickle", lambda old: pickle.dumps(Boom()))
    EVIL.clear()
    with pytest.raises(JournalError, match="cannot be read"):
        one(load("four_agents", tmp_path)[0])
    assert EVIL == []


@pytest.mark.parametrize("content", [b"this is no database " * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_an_error_that_names_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoints.sqlite").write_bytes(content)
    judge, model = load("four_agents", tmp_path)
    before = threading.active_count()
    with pytest.raises(JournalError, match=r"checkpoints.sqlite: cannot be read or written"):
        one(judge)
    assert_quiet(before)
    assert model.requests == []


def test_a_path_that_cannot_be_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    judge, _ = load("four_agents", tmp_path / "file")
    with pytest.raises(JournalError, match=r"checkpoints.sqlite: cannot be read or written"):
        one(judge)


def test_a_recorded_rollout_and_a_replay_leave_checkpoints_alone(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.sqlite"
    judge, _ = load("four_agents", tmp_path, journal=tmp_path / "run.sqlite")
    assert isinstance(one(judge, recorder=Recorder()).outcome, Answer)
    assert not path.exists()
    asyncio.run(judge.aclose())
    (replayed,) = replay(tmp_path / "run.sqlite", judge=judge)
    assert replayed.identical
    assert not path.exists()


def test_a_judge_as_scorer_keeps_no_checkpoints_of_its_own(tmp_path: Path) -> None:
    nodes = {"gather": {"agent": "executor"}, "judge": {"agent": "judge", "decide": "generate"}}
    edges = {"start": "gather", "gather": "judge", "judge": "end"}
    spec = {"name": "s", "mode": "step", "scale": {"min": 1, "max": 10}, "nodes": nodes, "edges": edges}
    inner = Judge(spec, models={"default": ScriptedModel(lambda r: Script()(r) if r.sampling.json_schema else "ok")})
    judge, _ = load(
        "four_agents",
        tmp_path,
        scorers={"prm": inner},
        settings=["nodes.execute.best_of=2", "nodes.execute.scorer=prm", "models.default.temperature=1"],
    )
    result = one(judge)
    assert result.process is not None
    assert result.process.outputs[0].scores == (5.5, 5.5)  # whoever is shown first gets 7 and then 4
    with sqlite3.connect(tmp_path / "checkpoints.sqlite") as connection:
        spaces = connection.execute("SELECT DISTINCT thread_id, checkpoint_ns FROM checkpoints").fetchall()
    connection.close()
    assert [space for _, space in spaces] == [""]


def test_a_judge_in_a_node_of_another_graph_is_no_part_of_it(tmp_path: Path) -> None:
    judge = Judge.load("evidence", model=ScriptedModel(Script()), tools={"corpus": corpus})
    found: list[JudgeResult] = []

    async def node(state: State) -> State:
        found.extend([await judge.ajudge(PAIR), await judge.ajudge(PAIR)])
        return {"outcome": found[-1].outcome}

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_edge("node", END)
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "t"}}
    asyncio.run(graph.compile(checkpointer=saver).ainvoke({}, config, durability="sync"))
    assert found[0].outcome == found[1].outcome
    assert list(saver.storage["t"]) == [""]


def test_the_thread_can_be_looked_at_with_langgraph(tmp_path: Path) -> None:
    judge, _ = load("four_agents", tmp_path)
    one(judge)
    thread = thread_of(Run(QUESTION, {}), judge.fingerprint.digest)
    assert judge.checkpoints is not None

    async def history() -> list[tuple[str, ...]]:
        assert judge.checkpoints is not None
        async with judge.checkpoints.saver() as saver:
            graph = judge.graph.copy(update={"checkpointer": saver})
            states = graph.aget_state_history({"configurable": {"thread_id": thread}})
            return [state.next async for state in states]

    path = ["execute", "check", "execute", "check", "answer"]
    assert [node for nodes in reversed(asyncio.run(history())) for node in nodes][2:] == path


def test_checkpoints_for_an_own_graph_are_refused(tmp_path: Path) -> None:
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State, context_schema=Run)
    graph.add_node("own", lambda state: {"outcome": Verdict()})
    graph.add_edge(START, "own")
    graph.add_edge("own", END)
    spec = {"name": "x", "mode": "answer", "nodes": {"own": {"agent": "mine"}}, "edges": {"start": "own", "own": "end"}}
    with pytest.raises(ConfigError, match="a checkpointer of your own"):
        Judge(spec, models={"default": ScriptedModel()}, agents={"mine": _never}, graph=graph, checkpoints=tmp_path)


async def _never(*_: Any) -> Any:
    raise AssertionError("never called")


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langgraph.checkpoint.sqlite.aio", None)
    with pytest.raises(MissingPackage, match="pip install langgraph-checkpoint-sqlite"):
        Checkpoints(tmp_path / "c.sqlite")
