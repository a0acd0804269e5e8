"""The journal within one process: keys, round trips, group commit, replay, and every way in which a file can refuse."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import math
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adjudge.errors import JournalError
from adjudge.journal import Counts, Journal, Kind, key_of
from adjudge.journal.writer import Writer
from adjudge.types import Case, Fingerprint, JudgeResult, Position, Unscored, Verdict

AT = Position(case="c1", node="judge", order="BA", turn=2)

texts = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates included
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as opened:
        yield opened


def key(content: object, kind: Kind = "model") -> str:
    return key_of(kind, AT, content)


def put(journal: Journal, content: object, value: dict[str, Any], kind: Kind = "model") -> dict[str, Any]:
    return asyncio.run(journal.put(key(content, kind), kind, AT, value))


def recorded(path: Path) -> int:
    """Calls in the file as another program sees them; fails when the file is damaged."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(other.execute("SELECT count(*) FROM calls").fetchone()[0])


def result_of(case_id: str, graph: str = "g1", outcome: Verdict | Unscored | None = None) -> JudgeResult:
    verdict = outcome or Verdict(winner="A", scores=(7.5, 3.0), rationale="as E1 says")
    return JudgeResult(id=case_id, outcome=verdict, graph=Fingerprint(name="evidence", mode="pairwise", digest=graph))


class TestKeys:
    def test_a_key_never_changes_between_releases(self) -> None:
        # A journal that was recorded with other keys would silently be called again from start to end.
        content = {"messages": [{"role": "user", "content": "Zürich 😀"}], "sampling": [0.0, 1.0, None, True]}
        text = (
            '["model",["c1","judge","BA",0,0,2,0],'
            '{"messages":[{"content":"Zürich 😀","role":"user"}],"sampling":[0.0,1.0,null,true]}]'
        )
        assert key(content) == hashlib.sha256(text.encode()).hexdigest()

    @given(content=objects)
    def test_the_order_of_keys_does_not_matter(self, content: dict[str, Any]) -> None:
        assert key(content) == key(dict(reversed(content.items())))

    @given(one=objects, other=objects)
    def test_different_contents_have_different_keys(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert (key(one) == key(other)) == (repr(_sorted(one)) == repr(_sorted(other)))

    @pytest.mark.parametrize(
        "moved",
        [
            AT._replace(case="c2"),
            AT._replace(node="gather"),
            AT._replace(order="AB"),
            AT._replace(sample=1),
            AT._replace(visit=1),
            AT._replace(turn=3),
            AT._replace(attempt=1),
        ],
    )
    def test_another_position_is_another_key(self, moved: Position) -> None:
        assert key_of("model", moved, {"q": 1}) != key_of("model", AT, {"q": 1})

    def test_another_kind_is_another_key(self) -> None:
        kinds: list[Kind] = ["model", "score", "complete", "tool", "limit", "stop"]
        assert len({key_of(kind, AT, {"q": 1}) for kind in kinds}) == len(kinds)

    def test_numbers_keep_their_type(self) -> None:
        assert len({key({"n": number}) for number in (1, 1.0, True, "1")}) == 4

    def test_an_emoji_is_not_its_two_lone_surrogates(self) -> None:
        assert key("😀") != key("\ud83d\ude00")

    def test_what_is_not_json_is_refused(self) -> None:
        with pytest.raises(TypeError, match="not JSON serializable"):
            key({"when": object()})


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return sorted((name, _sorted(inner)) for name, inner in value.items()) or {}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


class TestRecords:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(value=objects)
    def test_any_json_comes_back_exactly(self, journal: Journal, value: dict[str, Any]) -> None:
        assert repr(put(journal, value, value)) == repr(value)
        assert repr(journal.get(key(value))) == repr(value)

    def test_infinite_and_undefined_numbers_come_back(self, journal: Journal) -> None:
        put(journal, 1, {"logprobs": [-math.inf, math.nan, 0.1]})
        stored = journal.find(key(1))
        assert stored is not None
        assert stored["logprobs"][0] == -math.inf
        assert math.isnan(stored["logprobs"][1])

    def test_long_values_are_compressed_and_come_back(self, journal: Journal, path: Path) -> None:
        value = {"token_ids": list(range(100_000)), "text": "x\ud800" * 1000}
        put(journal, 1, value)
        assert journal.find(key(1)) == value
        with contextlib.closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT length(value) FROM calls").fetchone()[0] < 300_000

    def test_put_returns_what_a_replay_will_read(self, journal: Journal) -> None:
        # Otherwise a run could see a tuple, or an integer key, where its replay sees JSON.
        returned = put(journal, 1, {"pair": (1, 2), "by_number": {3: "c"}})
        assert returned == {"pair": [1, 2], "by_number": {"3": "c"}} == journal.find(key(1))

    @pytest.mark.parametrize("value", [{"x": object()}, {"x": {1, 2}}, ["a list"], "text", None])
    def test_what_is_no_json_object_is_refused_and_nothing_is_stored(self, journal: Journal, value: Any) -> None:
        with pytest.raises(TypeError):
            put(journal, 1, value)
        assert journal.find(key(1)) is None

    def test_an_unknown_call_is_none(self, journal: Journal) -> None:
        assert journal.get(key("never made"), "model", AT) is None

    def test_the_first_value_of_a_key_stands(self, journal: Journal) -> None:
        assert put(journal, 1, {"reply": "first"}) == {"reply": "first"}
        assert put(journal, 1, {"reply": "second"}) == {"reply": "first"}
        assert journal.find(key(1)) == {"reply": "first"}

    def test_racing_puts_of_one_key_agree(self, journal: Journal) -> None:
        async def race() -> list[dict[str, Any]]:
            return await asyncio.gather(*(journal.put(key(1), "model", AT, {"n": n}) for n in range(50)))

        answers = asyncio.run(race())
        assert all(answer == answers[0] for answer in answers)
        assert journal.find(key(1)) == answers[0]
        assert journal.counts().calls == {"model": 1}

    def test_two_journals_on_one_file_share_their_records(self, journal: Journal, path: Path) -> None:
        with Journal(path) as other:
            put(journal, "a", {"by": "one"})
            assert other.find(key("a")) == {"by": "one"}
            assert put(other, "a", {"by": "other"}) == {"by": "one"}
            put(other, "b", {"by": "other"})
            assert journal.find(key("b")) == {"by": "other"}

    def test_counts_are_by_kind(self, journal: Journal) -> None:
        for number, kind in enumerate(("tool", "model", "tool")):
            put(journal, number, {}, kind)  # type: ignore[arg-type]  # mypy widens the tuple's literals to str
        asyncio.run(journal.put_result(result_of("c1")))
        assert journal.counts() == Counts(calls={"model": 1, "tool": 2}, cases=0, graphs=0, results=1)

    def test_a_damaged_record_is_an_error_that_names_it(self, journal: Journal, path: Path) -> None:
        put(journal, 1, {"x": 1})
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE calls SET value = x'78ff'")
        with pytest.raises(JournalError, match=f"{key(1)}.*damaged"):
            journal.find(key(1))


class TestGroupCommit:
    def test_concurrent_puts_share_transactions(self, journal: Journal) -> None:
        async def burst() -> None:
            await asyncio.gather(*(journal.put(key(n), "model", AT, {"n": n}) for n in range(100)))

        asyncio.run(burst())
        assert 1 <= journal.commits <= 50
        assert journal.counts().calls == {"model": 100}

    def test_a_finished_put_is_visible_to_everyone(self, journal: Journal, path: Path) -> None:
        async def one_by_one() -> None:
            with contextlib.closing(sqlite3.connect(path)) as other:
                for number in range(20):
                    await journal.put(key(number), "tool", AT, {})
                    assert other.execute("SELECT count(*) FROM calls").fetchone() == (number + 1,)

        asyncio.run(one_by_one())
        assert journal.commits == 20

    def test_threads_with_their_own_loops_share_a_journal(self, journal: Journal) -> None:
        failures: list[Exception] = []

        async def work(worker: int) -> None:
            async def one(number: int) -> None:
                name = key([number % 150])  # every value is written by several threads
                stored = await journal.put(name, "model", AT, {"worker": worker})
                assert journal.get(name) == stored

            await asyncio.gather(*(one(number) for number in range(worker * 50, worker * 50 + 100)))

        def run(worker: int) -> None:
            try:
                asyncio.run(work(worker))
            except Exception as error:  # noqa: BLE001 - the test shows whatever it was
                failures.append(error)

        threads = [threading.Thread(target=run, args=(worker,)) for worker in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert journal.counts().calls == {"model": 150}

    def test_a_cancelled_put_disturbs_nobody(self, journal: Journal) -> None:
        async def run() -> None:
            tasks = [asyncio.create_task(journal.put(key(n), "model", AT, {})) for n in range(20)]
            await asyncio.sleep(0)
            tasks[3].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [n for n, outcome in enumerate(outcomes) if outcome != {}] == [3]

        asyncio.run(run())

    def test_a_record_that_cannot_be_written_fails_alone(self, journal: Journal) -> None:
        async def run() -> list[object]:
            kinds: list[Any] = ["model"] * 10
            kinds[4] = "\ud800"  # SQLite takes no lone surrogate as text
            puts = (journal.put(key(n), kind, AT, {}) for n, kind in enumerate(kinds))
            return list(await asyncio.gather(*puts, return_exceptions=True))

        outcomes = asyncio.run(run())
        assert isinstance(outcomes[4], JournalError)
        assert [n for n, outcome in enumerate(outcomes) if outcome != {}] == [4]
        assert journal.counts().calls == {"model": 9}

    def test_nobody_waits_for_a_writer_that_has_died(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Death(BaseException):
            pass

        def die(*_: object) -> None:
            raise Death

        monkeypatch.setattr(Writer, "_commit", die)

        async def run() -> list[object]:
            puts = [journal.put(key(n), "model", AT, {}) for n in range(30)]
            async with asyncio.timeout(20):
                first = await asyncio.gather(*puts, return_exceptions=True)
                later = await asyncio.gather(journal.put(key(99), "model", AT, {}), return_exceptions=True)
            return [*first, *later]

        outcomes = asyncio.run(run())
        assert len(outcomes) == 31
        assert all(isinstance(outcome, JournalError) and "Death" in str(outcome) for outcome in outcomes)
        assert journal.find(key(1)) is None
        assert "has died" in caplog.text


class TestReplay:
    def test_recorded_calls_are_read(self, path: Path) -> None:
        with Journal(path) as journal:
            put(journal, 1, {"x": 1})
        with Journal(path, mode="replay") as replay:
            assert replay.get(key(1), "model", AT) == {"x": 1}

    def test_a_miss_names_kind_and_position(self, journal: Journal, path: Path) -> None:
        with (
            Journal(path, mode="replay") as replay,
            pytest.raises(
                JournalError, match=r"no tool call is recorded at case 'c1', node 'judge', order 'BA'.*resume"
            ),
        ):
            replay.get(key("new", "tool"), "tool", AT)

    def test_find_tells_a_miss_without_an_error(self, journal: Journal, path: Path) -> None:
        with Journal(path, mode="replay") as replay:
            assert replay.find(key("new")) is None

    def test_nothing_can_be_recorded(self, journal: Journal, path: Path) -> None:
        with Journal(path, mode="replay") as replay, pytest.raises(JournalError, match="replay"):
            put(replay, 1, {})

    def test_a_missing_file_is_an_error_and_is_not_created(self, path: Path) -> None:
        with pytest.raises(JournalError, match="no such file"):
            Journal(path, mode="replay").open()
        assert not path.exists()

    def test_the_file_and_its_folder_stay_as_they_are(self, path: Path) -> None:
        with Journal(path) as journal:
            put(journal, 1, {"x": 1})
        before = path.read_bytes()
        with Journal(path, mode="replay") as replay:
            assert replay.counts().calls == {"model": 1}
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_a_journal_that_is_being_written_can_be_replayed(self, journal: Journal, path: Path) -> None:
        with Journal(path, mode="replay") as replay:
            put(journal, 1, {"x": 1})
            assert replay.get(key(1)) == {"x": 1}
        put(journal, 2, {"x": 2})
        assert recorded(path) == 2

    def test_a_journal_in_a_folder_that_cannot_be_written_can_be_replayed(self) -> None:
        with _shared_folder() as folder:
            with Journal(folder / "run.journal") as journal:
                put(journal, 1, {"x": 1})
            with _read_only(folder), Journal(folder / "run.journal", mode="replay") as replay:
                assert replay.get(key(1)) == {"x": 1}
                assert replay.counts().calls == {"model": 1}


class TestRefusals:
    def test_a_lock_that_is_held_too_long_fails_the_put_and_loses_nothing(self, path: Path) -> None:
        with Journal(path, timeout=0.1) as journal, contextlib.closing(sqlite3.connect(path)) as other:
            put(journal, 1, {"x": 1})
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match=r"another process .* longer than 0\.1 s"):
                put(journal, 2, {"x": 2})
            assert journal.find(key(1)) == {"x": 1}
            other.rollback()
            assert put(journal, 2, {"x": 2}) == {"x": 2}

    def test_a_put_waits_for_a_short_lock(self, journal: Journal, path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            timer = threading.Timer(0.2, other.rollback)
            timer.start()
            assert put(journal, 1, {"x": 1}) == {"x": 1}
            timer.join()

    def test_a_lock_while_the_file_is_created_is_an_error(self, path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(JournalError, match="another process"):
                Journal(path, timeout=0.1).open()

    @pytest.mark.parametrize("mode", ["resume", "replay"])
    def test_another_version_is_refused_with_both_numbers(self, path: Path, mode: Any) -> None:
        Journal(path).open().close()
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE meta SET schema_version = 7")
        with pytest.raises(JournalError, match="made by journal version 7; this adjudge reads version 2"):
            Journal(path, mode=mode).open()

    @pytest.mark.parametrize("mode", ["resume", "replay"])
    def test_what_is_not_a_database_is_left_as_it_is(self, path: Path, mode: Any) -> None:
        text = b'{"id": "c1", "prompt": "a file of cases, given by mistake"}\n' * 50
        path.write_bytes(text)
        with pytest.raises(JournalError, match="not a journal"):
            Journal(path, mode=mode).open()
        assert path.read_bytes() == text

    @pytest.mark.parametrize("mode", ["resume", "replay"])
    def test_another_programs_database_is_left_as_it_is(self, path: Path, mode: Any) -> None:
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("CREATE TABLE meta (name TEXT)")
        before = path.read_bytes()
        with pytest.raises(JournalError, match="another program's database"):
            Journal(path, mode=mode).open()
        assert path.read_bytes() == before

    def test_a_damaged_file_is_an_error(self, path: Path) -> None:
        with Journal(path) as journal:
            for number in range(50):
                put(journal, number, {"text": "x" * 500})
        data = bytearray(path.read_bytes())
        data[4096:] = b"\xff" * (len(data) - 4096)
        path.write_bytes(data)
        with pytest.raises(JournalError, match="damaged"):
            Journal(path, mode="replay").open()

    def test_an_empty_file_becomes_a_journal(self, path: Path) -> None:
        path.touch()
        with Journal(path) as journal:
            put(journal, 1, {})
        assert recorded(path) == 1

    def test_a_missing_folder_is_made(self, tmp_path: Path) -> None:
        with Journal(tmp_path / "runs" / "today" / "a b%23?#.journal") as journal:
            put(journal, 1, {"x": 1})
            assert journal.find(key(1)) == {"x": 1}
            assert journal.path.is_file()

    def test_a_folder_as_path_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(JournalError, match="cannot be opened"):
            Journal(tmp_path).open()

    def test_a_file_as_folder_is_an_error(self, path: Path) -> None:
        path.touch()
        with pytest.raises(JournalError, match=r"run\.journal"):
            Journal(path / "run.journal").open()

    def test_a_folder_that_cannot_be_written_is_an_error(self) -> None:
        with (
            _shared_folder() as folder,
            _read_only(folder),
            pytest.raises(JournalError, match="folder that you may write to"),
        ):
            Journal(folder / "run.journal").open()

    def test_a_file_that_cannot_be_written_is_an_error(self) -> None:
        with _shared_folder() as folder:
            with Journal(folder / "run.journal") as journal:
                put(journal, 1, {})
            with (
                _read_only(folder),
                pytest.raises(JournalError, match=r"run\.journal: it (is read-only|cannot be opened)"),
            ):
                put(Journal(folder / "run.journal").open(), 2, {})
            assert recorded(folder / "run.journal") == 1


class TestFullDisk:
    def test_the_put_that_does_not_fit_fails_and_the_rest_is_intact(self, path: Path) -> None:
        stored: list[int] = []

        def fill(journal: Journal) -> None:
            for number in range(100):
                put(journal, number, {"text": str(number) * 2000})
                stored.append(number)

        with Journal(path, max_pages=20) as journal:
            with pytest.raises(JournalError, match=r"full.*intact"):
                fill(journal)
            assert stored
            assert journal.find(key(len(stored))) is None
            assert all(journal.find(key(number)) for number in stored)
        assert recorded(path) == len(stored)
        with Journal(path) as journal:
            put(journal, len(stored), {"text": "fits now"})
        assert recorded(path) == len(stored) + 1

    def test_what_fits_of_a_batch_is_kept(self, path: Path) -> None:
        async def run(journal: Journal) -> list[object]:
            sizes = [100, 100, 500_000, 100]
            texts = ["".join(chr(0x4E00 + (n * n + size) % 20_000) for n in range(size)) for size in sizes]
            puts = (journal.put(key(n), "model", AT, {"text": text}) for n, text in enumerate(texts))
            return list(await asyncio.gather(*puts, return_exceptions=True))

        with Journal(path, max_pages=20) as journal:
            outcomes = asyncio.run(run(journal))
            assert [isinstance(outcome, JournalError) for outcome in outcomes] == [False, False, True, False]
        assert recorded(path) == 3


class TestCasesGraphsAndResults:
    def test_a_case_comes_back_with_all_it_has(self, journal: Journal) -> None:
        case = Case.model_validate(
            {
                "id": "q1",
                "prompt": [{"role": "user", "content": [{"type": "text", "text": "Wer? 😀"}]}],
                "responses": ["eins", {"text": "zwei", "model": "m"}],
                "rubric": [{"name": "true", "weight": 2.5}],
                "trajectory": {"steps": [{"thought": "t", "tool": "search", "arguments": {"q": [1, None]}}]},
                "label": {"winner": "A", "p": 0.1},
                "metadata": {"split": "dev", "broken": "\ud800"},
            }
        )
        asyncio.run(journal.put_case(case))
        assert list(journal.cases()) == [case]

    def test_cases_follow_the_input_not_the_order_of_writing(self, journal: Journal) -> None:
        async def write() -> None:
            for ordinal in (3, 0, 2, 1):
                await journal.put_case(Case(id=f"c{ordinal}", prompt="?"), ordinal)
            await journal.put_case(Case(id="last", prompt="?"))
            await journal.put_case(Case(id="c2", prompt="edited"))

        asyncio.run(write())
        assert [case.id for case in journal.cases()] == ["c0", "c1", "c2", "c3", "last"]
        assert [case.prompt for case in journal.cases()][2] == "edited"

    def test_results_follow_the_cases(self, journal: Journal) -> None:
        async def write() -> None:
            for ordinal in (2, 0, 1):
                await journal.put_case(Case(id=f"c{ordinal}", prompt="?"), ordinal)
            for name in ("without a case", "c1", "c2", "c0"):
                await journal.put_result(result_of(name))
            await journal.put_result(result_of("c1", graph="g2"))

        asyncio.run(write())
        assert [result.id for result in journal.results("g1")] == ["c0", "c1", "c2", "without a case"]
        assert [(result.id, result.graph.digest) for result in journal.results()][1:3] == [("c1", "g1"), ("c1", "g2")]
        assert journal.counts() == Counts(calls={}, cases=3, graphs=0, results=5)

    def test_a_result_comes_back_exactly(self, journal: Journal) -> None:
        result = result_of("c1").model_copy(update={"trajectory": ({"role": "user", "content": "a\nb"},)})
        asyncio.run(journal.put_result(result))
        found = journal.result("c1", "g1")
        assert found == result
        assert found.to_dict(trajectory=True) == result.to_dict(trajectory=True)
        assert journal.result("c1", "g2") is None

    def test_a_later_judgement_replaces_the_result(self, journal: Journal) -> None:
        # After an outage the case is judged again; the outage must not stay on record as its outcome.
        asyncio.run(journal.put_result(result_of("c1", outcome=Unscored(reason="model_failure"))))
        asyncio.run(journal.put_result(result_of("c1")))
        assert [result.scored for result in journal.results()] == [True]

    def test_graphs_are_kept_by_digest(self, journal: Journal) -> None:
        asyncio.run(journal.put_graph("d1", {"name": "direct"}))
        asyncio.run(journal.put_graph("d0", {"name": "evidence"}))
        asyncio.run(journal.put_graph("d1", {"name": "ignored"}))
        assert journal.graphs() == {"d1": {"name": "direct"}, "d0": {"name": "evidence"}}
        assert journal.graph("d0") == {"name": "evidence"}
        assert journal.graph("d9") is None

    def test_an_unfinished_iteration_hides_no_later_records(self, journal: Journal) -> None:
        for number in range(5):
            asyncio.run(journal.put_case(Case(id=f"c{number}", prompt="?")))
        cases = journal.cases()
        next(cases)
        put(journal, 1, {"x": 1})
        assert journal.find(key(1)) == {"x": 1}
        assert len(list(cases)) == 4

    def test_a_record_of_another_shape_is_an_error_that_names_it(self, journal: Journal, path: Path) -> None:
        asyncio.run(journal.put_result(result_of("c1")))
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute('UPDATE results SET json = \'{"id": "c1"}\'')
        with pytest.raises(JournalError, match="'c1' does not read as a JudgeResult"):
            list(journal.results())


class TestClosing:
    def test_pending_puts_are_written(self, path: Path) -> None:
        async def run() -> None:
            with Journal(path) as journal:
                tasks = [asyncio.create_task(journal.put(key(n), "model", AT, {})) for n in range(40)]
                await asyncio.sleep(0)
            assert await asyncio.gather(*tasks) == [{}] * 40

        asyncio.run(run())
        assert recorded(path) == 40

    def test_a_put_whose_loop_is_gone_is_written(self, path: Path) -> None:
        with Journal(path) as journal, contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")  # holds the writer back until the loop has ended
            loop = asyncio.new_event_loop()
            task = loop.create_task(journal.put(key(1), "model", AT, {}))
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            other.rollback()
            put(journal, 2, {})
            assert not task.done()
        assert recorded(path) == 2

    def test_a_closed_journal_says_so(self, path: Path) -> None:
        journal = Journal(path).open()
        journal.close()
        journal.close()
        for use in (lambda: journal.find(key(1)), lambda: put(journal, 1, {}), lambda: list(journal.cases())):
            with pytest.raises(JournalError, match="it is closed"):
                use()

    def test_it_opens_at_the_first_use(self, path: Path) -> None:
        journal = Journal(path)
        assert not path.exists()
        assert put(journal, 1, {"x": 1}) == {"x": 1}
        journal.close()
        assert recorded(path) == 1

    def test_one_that_was_never_opened_can_be_closed(self, path: Path) -> None:
        Journal(path).close()
        assert not path.exists()

    @pytest.mark.parametrize("mode", ["resume", "replay"])
    def test_no_thread_and_no_extra_file_is_left(self, path: Path, mode: Any) -> None:
        Journal(path).open().close()
        before = set(threading.enumerate())
        for _ in range(5):
            with Journal(path, mode=mode) as journal:
                journal.counts()
        assert set(threading.enumerate()) <= before
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_a_forgotten_journal_ends_its_thread(self, path: Path) -> None:
        before = set(threading.enumerate())
        journal = Journal(path)
        put(journal, 1, {})
        del journal
        gc.collect()
        assert set(threading.enumerate()) <= before
        assert recorded(path) == 1

    def test_durable_puts_are_recorded(self, path: Path) -> None:
        with Journal(path, durable=True) as journal:
            put(journal, 1, {"x": 1})
        assert recorded(path) == 1


@contextlib.contextmanager
def _shared_folder() -> Iterator[Path]:
    """A folder that other users can enter; pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="adjudge-journal-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Within this block neither the folder nor its files can be written, by root either."""
    root = os.geteuid() == 0
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
