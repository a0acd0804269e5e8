"""Batches over a Ray cluster: actors judge, this process alone writes the journal.

    for item in judge_on_ray(partial(Judge.load, "direct", model="http://judge:8000/v1"), cases, journal=journal):
        ...

Cases travel in small blocks through Ray Data; each comes back with its result and every call that it made, which are
then recorded here. Ray gives the blocks of a lost worker to another, so those cases are judged again; what counts is
the one result that arrives. Workers hold no journal and no state that matters.

Every machine needs adjudge, the judge's files under the same paths, and its keys in its own environment: nothing secret
travels. A worker whose judge has another fingerprint (other weights, another corpus) is refused, with the differences.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from adjudge.errors import CaseError, ConfigError, MissingPackage
from adjudge.journal import Journal, Kind
from adjudge.judge import Judge
from adjudge.judge.batch import Judged, Row, unfit
from adjudge.judge.drift import differences
from adjudge.judge.portal import shared_portal
from adjudge.types import Case, JudgeResult, Position

CHUNK = 4096  # cases in Ray's hands at a time, which bounds memory here
IN_FLIGHT = 8
_BLOCK = 4  # times as many cases in a block as judgements in flight; a lost worker loses one block

Build = Callable[[], Judge]


class Notebook(Journal):
    """Stands in for a journal where none may be written: finds nothing, and keeps the calls of each case in memory."""

    def __init__(self) -> None:
        super().__init__("notebook")  # never opened: every method that a judgement uses is replaced
        self._calls: defaultdict[str, list[tuple[str, Kind, Position, Mapping[str, Any]]]] = defaultdict(list)

    def find(self, key: str) -> None:
        """Nothing is found."""

    def judged(self, case: Case, graph: str) -> None:
        """Nothing is found."""

    async def put(self, key: str, kind: Kind, position: Position, value: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a call."""
        self._calls[position.case].append((key, kind, position, value))
        return dict(value)

    def queue_case(self, case: Case, ordinal: int | None = None) -> asyncio.Future[bytes | None]:
        """Nothing is kept: the driver has the case."""
        done: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def put_graph(self, digest: str, graph: Mapping[str, Any]) -> None:
        """Nothing is kept: the driver has the graph."""

    async def put_result(self, result: JudgeResult, digest: str = "") -> None:
        """Nothing is kept: the result is handed on."""

    def calls_of(self, case_id: str) -> list[tuple[str, Kind, Position, Mapping[str, Any]]]:
        """The calls of a case, which are forgotten here."""
        return self._calls.pop(case_id, [])


class Worker:
    """An actor of Ray Data: judges blocks of cases.

    Args:
        build: Makes the judge.
        record: `Judge.record` of the driver's judge.
        in_flight: Judgements at a time.

    Raises:
        ConfigError: The judge made here is another one than the driver's.
    """

    def __init__(self, build: Build, record: Mapping[str, Any], in_flight: int) -> None:
        self._judge = build()
        mine = self._judge.record()
        if mine["fingerprint"]["digest"] != record["fingerprint"]["digest"]:
            told = "; ".join(differences(record, mine)) or "the version of adjudge"
            raise ConfigError(f"a worker has another judge than the driver (then: driver, now: worker): {told}")
        self._notebook = Notebook()
        self._judge.journal = self._notebook
        self._in_flight = in_flight

    def __call__(self, block: Mapping[str, Any]) -> dict[str, list[str]]:
        """Judge a block: `case` holds cases as JSON, what returns holds results with their calls as JSON."""
        cases = [Case.model_validate_json(text) for text in block["case"]]
        return {"judged": shared_portal().call(self._judge_all, cases)}

    async def _judge_all(self, cases: list[Case]) -> list[str]:
        batch = self._judge.batch(cases, concurrency=self._in_flight)
        return [self._packed(item.result) async for item in batch.judged()]

    def _packed(self, result: JudgeResult) -> str:
        return json.dumps([result.model_dump(mode="json"), self._notebook.calls_of(result.id)])


def judge_on_ray(
    build: Build,
    rows: Iterable[Row],
    *,
    journal: Journal,
    address: str | None = None,
    workers: int = 2,
    in_flight: int = IN_FLIGHT,
) -> Iterator[Judged]:
    """Judge cases on a Ray cluster. Results come as they arrive; the journal knows the order of the input.

    Args:
        build: Makes the judge, here and on each worker; it has to be picklable.
        rows: Cases; an error among them stands for a row that is no case.
        journal: Where calls and results are kept; cases that have a result in it are not judged again.
        address: Of the cluster; None uses RAY_ADDRESS, else Ray is started on this machine.
        workers: Actors.
        in_flight: Judgements at a time of each.

    Raises:
        MissingPackage: Ray is not installed.
        ConfigError: A worker has another judge.
        JournalError: The journal cannot be written.
    """
    judge = build()
    judge.journal = journal
    shared_portal().call(journal.put_graph, judge.fingerprint.digest, judge.record())
    with _cluster(address):
        numbered = enumerate(rows)
        while chunk := list(itertools.islice(numbered, CHUNK)):
            waiting: dict[str, Case] = {}
            for ordinal, row in chunk:
                known = _known(judge, ordinal, row)
                if known is not None:
                    yield known
                elif isinstance(row, Case):
                    waiting[row.id] = row
                    shared_portal().call(_kept, journal, row, ordinal)
            for packed in _on_workers(build, judge.record(), list(waiting.values()), workers, in_flight):
                result, calls = json.loads(packed)
                found = JudgeResult.model_validate(result)
                shared_portal().call(_record, journal, waiting[found.id], found, calls)
                yield Judged(waiting[found.id], found)


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Ray, started and stopped here unless the program has started it already."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingPackage("ray", needed_for="a batch on a cluster", install='pip install "adjudge[ray]"') from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    if ray.is_initialized():
        yield
        return
    ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    try:
        yield
    finally:
        ray.shutdown()


def _on_workers(
    build: Build, record: Mapping[str, Any], cases: list[Case], workers: int, in_flight: int
) -> Iterator[str]:
    """What the workers make of cases, as it arrives."""
    import ray.data

    if not cases:
        return
    size = _BLOCK * in_flight
    items = [{"case": case.model_dump_json()} for case in cases]
    blocks = ray.data.from_items(items, override_num_blocks=-(-len(cases) // size))
    judged = blocks.map_batches(
        Worker,
        batch_size=size,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=workers),
        fn_constructor_args=(build, record, in_flight),
    )
    for row in judged.iter_rows():
        yield row["judged"]


def _known(judge: Judge, ordinal: int, row: Row) -> Judged | None:
    """What needs no worker: a row that is no case or does not fit, and a case that was judged before."""
    if not isinstance(row, Case):
        return Judged(None, unfit(judge, row, ordinal))
    try:
        judge.check(row)
    except CaseError as error:
        return Judged(row, unfit(judge, error, ordinal, row.id))
    assert judge.journal is not None
    found = judge.journal.judged(row, judge.fingerprint.digest)
    return None if found is None else Judged(row, found)


async def _kept(journal: Journal, case: Case, ordinal: int) -> None:
    await journal.put_case(case, ordinal)


async def _record(journal: Journal, case: Case, result: JudgeResult, calls: list[Any]) -> None:
    """Calls first: a result without its calls could not be replayed."""
    puts = (journal.put(key, kind, Position(*position), value) for key, kind, position, value in calls)
    await asyncio.gather(*puts)
    await journal.put_result(result, case.digest())
