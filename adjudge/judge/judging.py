"""One case through a judge's graph: journal, limits and checkpoints around it, and the result that comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from adjudge.errors import ConfigError
from adjudge.graphs import GraphSpec, State
from adjudge.graphs.build import Node
from adjudge.journal import Journal
from adjudge.judge.checkpoints import Checkpoints
from adjudge.judge.fingerprint import record_of
from adjudge.judge.fitting import fit
from adjudge.judge.group import MOST_STEPS
from adjudge.judge.isolation import by_itself
from adjudge.models import ChatModel
from adjudge.models.images import resolve_images
from adjudge.run import Recorder, Run
from adjudge.tools import Tool
from adjudge.tools.web import fetch_image
from adjudge.types import Case, Event, Fingerprint, Finished, JudgeResult, Outcome


class Judging:
    """What a `Judge` is made of, and how it judges one case.

    Attributes:
        spec: The graph as it is written.
        graph: It compiled.
        models: By name.
        tools: By name.
        journal: Where calls and results are kept; may be replaced before the first case.
        checkpoints: From which a judgement that was cut off goes on.
        images: Folder under which images of cases may lie that are named by a path.
        fingerprint: Of all that decides what comes out.
    """

    spec: GraphSpec
    graph: CompiledStateGraph[Any, Any, Any, Any]
    models: dict[str, ChatModel]
    tools: dict[str, Tool]
    journal: Journal | None
    checkpoints: Checkpoints | None
    images: Path | None
    fingerprint: Fingerprint
    _whole: GraphSpec  # with the tools of groups by their own names
    _only_node: Node | None  # the one of a graph that has no other, called without LangGraph
    _custom: bool  # code of the caller's own takes part
    _graph_kept = False

    async def ajudge(
        self,
        case: Case,
        *,
        ordinal: int | None = None,
        on_event: Callable[[Event], None] | None = None,
        recorder: Recorder | None = None,
    ) -> JudgeResult:
        """Judge one case. With a journal, a case that was judged before by this very judge is only looked up.

        Args:
            case: The case. Its label and metadata are not seen by anything that judges.
            ordinal: Its place in the input, from 0, for the journal.
            on_event: Called with each event as it happens; it must not block.
            recorder: Keeps token ids and log-probabilities for training; with one, no recorded result is used.

        Raises:
            CaseError: The case does not fit the mode, or an image of it cannot be had.
            JournalError: The journal cannot be read or written; nothing that was committed is lost.
        """
        self.check(case)
        case = await resolve_images(case, self.images, fetch_image)
        if recorder is None and (found := self.recorded(case)) is not None:
            if on_event is not None:
                on_event(Finished(found, recorded=True))
            return found
        run = self._run(case, on_event=on_event, recorder=recorder)
        kept = await self._keep_case(case, ordinal)
        result = self._result(run, await self._invoke(run))
        if self.journal is not None and kept is not None:
            await self.journal.put_result(result, run.case_digest)
            await kept  # committed with the result at the latest; what went wrong with it is told here
        run.emit(Finished(result))
        return result

    async def attempt(
        self,
        case: Case,
        *,
        seed: int,
        recorder: Recorder,
        models: Mapping[str, ChatModel] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> JudgeResult:
        """Judge a case as training does: with a seed of its own, and nothing of the result kept in the journal.

        Args:
            case: The case. Its label and metadata are not seen by anything that judges.
            seed: Base of all seeds of this attempt.
            recorder: Keeps token ids and log-probabilities. Calls of the models that it does not keep, and of tools,
                go through the journal, where there is one.
            models: Models by name, in place of those of the graph with the same abilities.
            on_event: Called with each event as it happens; it must not block.

        Raises:
            CaseError: The case does not fit the mode, or an image of it cannot be had.
        """
        self.check(case)
        case = await resolve_images(case, self.images, fetch_image)
        run = self._run(case, recorder=recorder, on_event=on_event, seed=seed, models={**self.models, **(models or {})})
        return self._result(run, await self._invoke(run))

    def _run(
        self,
        case: Case,
        *,
        recorder: Recorder | None,
        on_event: Callable[[Event], None] | None = None,
        seed: int | None = None,
        models: Mapping[str, ChatModel] | None = None,
    ) -> Run:
        return Run(
            case,
            models=self.models if models is None else models,
            tools=self.tools,
            limits=self.spec.limits,
            seed=self.spec.seed if seed is None else seed,
            journal=self.journal,
            on_event=on_event,
            recorder=recorder,
        )

    def check(self, case: Case) -> None:
        """Refuse a case that this judge cannot judge.

        Raises:
            CaseError: It has too few or too many responses, or images that a model cannot see.
        """
        for model in self.models.values():
            fit(case, self.spec.mode, model.info)

    @property
    def _replays(self) -> bool:
        return self.journal is not None and self.journal.mode == "replay"

    def recorded(self, case: Case) -> JudgeResult | None:
        """The result of an earlier judgement of this case by this very judge, from the journal."""
        if self.journal is None or self._replays:
            return None
        return self.journal.judged(case, self.fingerprint.digest)

    async def part_of(self, run: Run, case: Case) -> Outcome:
        """Judge a case as a part of another judgement: within its limits and its journal, its calls counted there.

        Args:
            run: The other judgement.
            case: A case that fits this judge.
        """
        part = run.within(case, self.models, self.tools, self.spec.seed)
        return self._outcome(await self._run_through(part))

    async def _invoke(self, run: Run) -> Mapping[str, Any]:
        """The state at the end of the graph."""
        if self.checkpoints is None or run.recorder is not None or self._replays:
            return await self._run_through(run)
        with by_itself():
            return await self.checkpoints.invoke(self.graph, run, self.fingerprint.digest, MOST_STEPS)

    async def _run_through(self, run: Run) -> Mapping[str, Any]:
        state: State = {"case": run.case}
        if self._only_node is not None:
            return await self._only_node(state, runtime=Runtime(context=run))
        with by_itself():
            return await self.graph.ainvoke(state, {"recursion_limit": MOST_STEPS}, context=run)

    def _outcome(self, state: Mapping[str, Any]) -> Outcome:
        outcome: Outcome | None = state.get("outcome")
        if outcome is None:
            raise ConfigError(f"the graph {self.spec.name!r} ended without an outcome", hint="let a node set `outcome`")
        return outcome

    def _result(self, run: Run, state: Mapping[str, Any]) -> JudgeResult:
        outcome = self._outcome(state)
        last: dict[str, int] = {}
        for cast in state.get("votes", ()):
            last[cast.node] = max(cast.visit, last.get(cast.node, 0))
        votes = [cast.vote for cast in state.get("votes", ()) if cast.visit == last[cast.node]]
        threads = list(state.get("threads", {}).values())
        return JudgeResult(
            id=run.case.id,
            outcome=outcome,
            votes=tuple(sorted(votes, key=lambda vote: (vote.order, vote.sample))),
            evidence=run.evidence.ordered(),
            usage=run.meter.usage(),
            graph=self.fingerprint,
            trajectory=threads[-1] if threads else (),
            process=state.get("process"),
            summaries=state.get("summaries", ()),
        )

    async def _keep_case(self, case: Case, ordinal: int | None) -> Awaitable[object] | None:
        """Record who judges and what; the case's own commit is for the caller to await."""
        if self.journal is None or self._replays:
            return None
        if not self._graph_kept:
            await self.journal.put_graph(self.fingerprint.digest, self.record())
            self._graph_kept = True
        return self.journal.queue_case(case, ordinal)

    def record(self) -> dict[str, Any]:
        """What a replay needs to know of this judge: the graph, and what its models and tools are; no secrets."""
        return record_of(self._whole, self.fingerprint, self.models, self.tools, custom=self._custom)
