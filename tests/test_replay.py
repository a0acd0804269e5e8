import asyncio
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adjudge import Case, ConfigError, Journal, JournalError, Judge, JudgeResult, ScriptedModel, Unscored, Verdict
from adjudge.agents import Report, Work
from adjudge.errors import ModelError
from adjudge.models.base import Choice, Reply
from adjudge.models.scripted import Request
from adjudge.replay import Replayed, areplay, replay
from adjudge.run import Run
from adjudge.types.messages import assistant, tool_call

CASES = [
    Case(id="eliot", prompt="Who wrote Middlemarch?", responses=["George Eliot", "Jane Austen"], label="A"),
    Case(id="jupiter", prompt="Which planet is the largest?", responses=["Mars", "Jupiter"], metadata={"hop": 1}),
]
CORPUS = [
    {"id": "m", "title": "Middlemarch", "text": "Middlemarch is a novel by George Eliot."},
    {"id": "j", "title": "Jupiter", "text": "Jupiter is the largest planet of the Solar System."},
]
VERDICT = json.dumps({"rationale": "E1 says so.", "citations": ["E1"], "scores": {"A": 8, "B": 3}})


def searching(request: Request) -> str | Choice:
    """Searches once, then stops gathering, then judges."""
    if not request.may_call or request.sampling.json_schema:
        return VERDICT
    if request.messages[-1]["role"] == "tool":
        return "That is enough."
    query = json.dumps({"query": "Middlemarch Jupiter planet"})
    return Choice(assistant("", [tool_call("x", "corpus", query)]))


def record(journal: Path, judge: Judge, cases: list[Case] = CASES) -> list[JudgeResult]:
    judge.journal = Journal(journal)
    with judge:
        return [judge(case) for case in cases]


def evidence(tmp_path: Path, model: ScriptedModel | None = None, settings: Sequence[str] = ()) -> Judge:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("\n".join(map(json.dumps, CORPUS)), "utf-8")
    return Judge.load("evidence", model=model or ScriptedModel(searching), corpus=corpus, settings=settings)


def edit(journal: Path, statement: str, *values: object) -> int:
    connection = sqlite3.connect(journal)
    with connection:
        changed = connection.execute(statement, values).rowcount
    connection.close()
    return changed


def test_a_run_is_identical_when_replayed_without_its_model_and_corpus(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    recorded = record(journal, evidence(tmp_path))
    assert all(isinstance(result.outcome, Verdict) and result.evidence for result in recorded)
    (tmp_path / "corpus.jsonl").unlink()

    items = list(replay(journal))

    assert [item.case for item in items] == CASES
    assert [item.recorded for item in items] == recorded
    assert [item.replayed for item in items] == recorded
    assert all(item.identical and item.differences == () and item.problem == "" for item in items)


def test_a_judge_of_likelihoods_is_identical_when_replayed(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    model = ScriptedModel(scores=lambda prefix, text: -len(text) / (10 + len(prefix)), embedded=True)
    judge = evidence(tmp_path, model)
    assert record(journal, judge)[0].graph.decide == {"judge": "likelihood"}

    assert all(item.identical for item in replay(journal))


@pytest.mark.parametrize("limit", ["limits.model_calls=2", "limits.tokens=60", "limits.tool_calls=0"])
def test_a_judgement_that_hit_a_limit_is_identical_when_replayed(tmp_path: Path, limit: str) -> None:
    journal = tmp_path / "run.sqlite"
    (result,) = record(journal, evidence(tmp_path, settings=[limit]), CASES[:1])
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "limit"

    (item,) = replay(journal)

    assert item.identical, item


def test_a_failure_of_the_model_is_identical_when_replayed(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    model = ScriptedModel([VERDICT, ModelError("the server is down")])
    (result,) = record(journal, Judge.load("direct", model=model), CASES[:1])
    assert isinstance(result.outcome, Unscored)

    (item,) = replay(journal)

    assert item.identical, item


def test_a_judgement_whose_time_ran_out_during_a_call_is_identical_when_replayed(tmp_path: Path) -> None:
    class Slow(ScriptedModel):
        async def chat(self, *args: Any, **kwargs: Any) -> Reply:
            await asyncio.sleep(30)
            raise AssertionError("the limit on seconds did not stop this call")

    journal = tmp_path / "run.sqlite"
    (result,) = record(journal, Judge.load("direct", model=Slow(), settings=["limits.seconds=0.05"]), CASES[:1])
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "limit"

    (item,) = replay(journal)

    assert item.identical, item


def test_a_changed_result_is_told_from_what_the_calls_give(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))
    with Journal(journal, mode="replay") as opened:
        first = next(iter(opened.results()))
    forged = first.model_copy(update={"outcome": Verdict(winner="B")})
    assert edit(journal, "UPDATE results SET json = ? WHERE case_id = ?", forged.model_dump_json().encode(), first.id)

    changed, other = replay(journal)

    assert not changed.identical
    assert changed.differences == ("judgement",)
    assert changed.replayed == first
    assert other.identical


def test_a_case_whose_call_is_lost_says_so_and_the_others_are_replayed(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))
    assert edit(journal, "DELETE FROM calls WHERE kind = 'tool' AND position LIKE '%eliot%'")

    lost, other = replay(journal)

    assert lost.replayed is None
    assert not lost.identical
    assert "no record" in lost.problem
    assert other.identical


def test_replaying_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))
    before = journal.read_bytes()

    list(replay(journal))

    assert journal.read_bytes() == before


def test_results_of_several_judges_in_one_journal_are_all_replayed(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))
    record(journal, Judge.load("direct", model=ScriptedModel(lambda _: VERDICT)))

    items = list(replay(journal))

    assert sorted(item.recorded.graph.name for item in items) == ["direct", "direct", "evidence", "evidence"]
    assert all(item.identical for item in items)


async def own_agent(work: Work, run: Run) -> Report:
    reply = await run.chat(work.at(), "default", [{"role": "user", "content": work.case.question}])
    return Report(outcome=Verdict(winner=str(reply.choices[0].message["content"])))


def custom(model: ScriptedModel) -> Judge:
    spec = {
        "name": "mine",
        "mode": "pairwise",
        "nodes": {"judge": {"agent": "own"}},
        "edges": {"start": "judge", "judge": "end"},
    }
    return Judge(spec, models={"default": model}, agents={"own": own_agent})


def test_a_judge_with_agents_of_ones_own_is_replayed_from_python_only(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, custom(ScriptedModel(["A", "B"])))

    with pytest.raises(ConfigError, match=r"'mine'.*judge=my_judge"):
        list(replay(journal))
    mine = custom(ScriptedModel([]))  # would fail if it were asked
    items = list(replay(journal, judge=mine))

    assert [item.identical for item in items] == [True, True]
    assert mine.journal is None


def test_another_judge_than_the_one_that_made_the_run_is_refused(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))

    with pytest.raises(JournalError, match=r"no result of this judge.*results of: evidence"):
        list(replay(journal, judge=Judge.load("direct", model=ScriptedModel([]))))


def test_a_graph_that_this_version_cannot_read_is_an_error_of_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))
    with Journal(journal, mode="replay") as opened:
        ((digest, graph),) = opened.graphs().items()
    graph["spec"]["nodes"]["judge"]["decide"] = "by dice"
    edit(journal, "UPDATE graphs SET json = ? WHERE digest = ?", json.dumps(graph).encode(), digest)

    with pytest.raises(JournalError, match="does not fit this version"):
        list(replay(journal))


def test_a_missing_journal_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"none\.sqlite"):
        list(replay(tmp_path / "none.sqlite"))


def test_replay_works_inside_an_event_loop(tmp_path: Path) -> None:
    journal = tmp_path / "run.sqlite"
    record(journal, evidence(tmp_path))

    async def collect() -> list[Replayed]:
        return [item async for item in areplay(journal)]

    assert [item.identical for item in asyncio.run(collect())] == [True, True]


def test_text_that_looks_like_a_variable_is_not_filled_in_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADJUDGE_HINT", "costs $${ADJUDGE_OTHER}")  # what was filled in holds a reference by chance
    journal = tmp_path / "run.sqlite"
    settings = ["nodes.judge.instructions=${ADJUDGE_HINT}"]
    record(journal, Judge.load("direct", model=ScriptedModel(lambda _: VERDICT), settings=settings))
    monkeypatch.delenv("ADJUDGE_HINT")

    assert all(item.identical for item in replay(journal))
