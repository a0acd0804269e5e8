"""The Judge: a graph with its models and tools, ready to judge cases.

    judge = Judge.load("evidence", corpus="corpus.jsonl")
    result = await judge.ajudge(case)      # or judge(case), also inside a running event loop
    async for event in judge.stream(case): ...

It can also be built in Python: from own functions as tools and agents, or from an own `StateGraph`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langgraph.graph import StateGraph

from adjudge.agents import Agent
from adjudge.config import Document, apply_overrides, validate
from adjudge.errors import ConfigError
from adjudge.graphs import GraphSpec, build, check, nowhere, only_node
from adjudge.graphs.check import Where
from adjudge.graphs.library import find
from adjudge.journal import Journal
from adjudge.judge.assembling import assemble, methods
from adjudge.judge.batch import Batch, Rows, Watch
from adjudge.judge.breaker import PATIENCE
from adjudge.judge.checkpoints import Checkpoints
from adjudge.judge.fingerprint import fingerprint
from adjudge.judge.group import Comparer
from adjudge.judge.judging import Judging
from adjudge.judge.opening import AnyModel, as_models, open_models, with_corpus, with_sampling, without_models
from adjudge.judge.portal import shared_portal
from adjudge.judge.rank import Plan, rank
from adjudge.judge.reloading import Unrepeatable, anchored
from adjudge.judge.reward_function import JudgeReward
from adjudge.judge.scorers import AnyScorer, identities, scorer_of
from adjudge.judge.toolbox import AnyTool, expanded, named, open_tools
from adjudge.models import parse_model
from adjudge.types import Case, Event, Fingerprint, Goal, JudgeResult, Mode, RankResult, Strategy


class Judge(Judging):
    """A judge.

    Args:
        spec: The graph, as a `GraphSpec` or as the mapping that a judge file would hold.
        models: Models that replace those of the graph, by name.
        tools: Tools (ours, async functions, LangChain's) that are added to those of the graph or replace them, by name.
        agents: Agents (async functions from `Work` to `Report`) that nodes may name.
        graph: A `StateGraph` of your own over `State` with `Run` as context; it replaces nodes and edges.
        base: Folder from which relative paths in the graph start; the working directory by default.
        journal: Where calls and results are kept, so that judging again costs nothing.
        scorers: Who scores candidate steps, by the name that nodes use: a judge in mode step, or an async function from
            a case to one score for each of its candidates.
        checkpoints: A file of LangGraph checkpoints, from which a judgement that was cut off goes on after its last
            finished node; see `adjudge.judge.checkpoints`. For graphs of a judge file.
        images: Folder under which images of cases may lie that are named by a path; without one no path is read. Those
            with a web address are fetched by us, under the same rules as a page, and all are sent as data.
        where: File and line of a key path, for error messages.

    Raises:
        ConfigError: The graph cannot run as it is.
    """

    def __init__(
        self,
        spec: GraphSpec | Mapping[str, Any],
        *,
        models: Mapping[str, AnyModel] | None = None,
        tools: Iterable[AnyTool] | Mapping[str, AnyTool] = (),
        agents: Mapping[str, Agent] | None = None,
        graph: StateGraph[Any, Any, Any, Any] | None = None,
        base: Path | None = None,
        scorers: Mapping[str, AnyScorer] | None = None,
        journal: Journal | str | Path | None = None,
        checkpoints: str | Path | None = None,
        images: str | Path | None = None,
        where: Where = nowhere,
    ) -> None:
        self.spec = spec if isinstance(spec, GraphSpec) else validate(GraphSpec, Document(dict(spec), "<mapping>"))
        given = named(tools)
        chosen = {
            name: parse_model(model) if isinstance(model, str) else model for name, model in (models or {}).items()
        }
        self.spec = with_sampling(self.spec, chosen)
        check(self.spec, tools=given, agents=agents or {}, scorers=scorers or {}, where=where)
        self.models = open_models(self.spec, chosen)
        self.tools, self.tool_groups = open_tools(self.spec, given, base or Path.cwd())
        self._whole = expanded(self.spec, self.tool_groups)
        self.images = None if images is None else Path(images)
        self.journal = Journal(journal) if isinstance(journal, str | Path) else journal
        if checkpoints is not None and graph is not None:
            hint = "compile your graph with a checkpointer of your own"
            raise ConfigError("checkpoints are kept for graphs of a judge file only", key="checkpoints", hint=hint)
        self.checkpoints = None if checkpoints is None else Checkpoints(checkpoints)
        self._agents = dict(agents or {})
        self._scored_by = identities(scorers or {})
        self._scorers = {name: scorer_of(name, scorer) for name, scorer in (scorers or {}).items()}
        self._members = assemble(self._whole, self.models, self._agents, self._scorers) if graph is None else {}
        self._custom = graph is not None or bool(agents) or bool(scorers)
        source = build(self.spec, self._members) if graph is None else graph
        self.graph = source.compile(name=self.spec.name)
        self._only_node = only_node(self.spec, self._members)
        decide = methods(self.spec, self.models)
        self.fingerprint: Fingerprint = fingerprint(self.spec, self.models, self.tools, decide, self._scored_by)
        self._comparers: dict[Mode, Comparer] = {}
        self._again: Callable[[], Judge] = Unrepeatable(self.spec.name)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        *,
        model: AnyModel | Mapping[str, AnyModel] | None = None,
        corpus: str | Path | list[Any] | None = None,
        tools: Iterable[AnyTool] | Mapping[str, AnyTool] = (),
        agents: Mapping[str, Agent] | None = None,
        scorers: Mapping[str, AnyScorer] | None = None,
        journal: Journal | str | Path | None = None,
        checkpoints: str | Path | None = None,
        images: str | Path | None = None,
        settings: Sequence[str] = (),
        **overrides: Any,
    ) -> Self:
        """Load a judge file.

        Args:
            name_or_path: A graph that ships (`direct`, `evidence`, `rubric`) or a YAML file.
            model: Replaces the model `default`, or each model that a mapping names.
            corpus: Path or list of passages for the graph's `corpus_search` tools.
            tools: See `Judge`.
            agents: See `Judge`.
            scorers: See `Judge`.
            journal: See `Judge`.
            checkpoints: See `Judge`.
            images: See `Judge`.
            settings: Overrides as the command line takes them: `limits.seconds=60`, the value in YAML.
            overrides: Values by dotted key path: `orders="one"`, or `**{"limits.seconds": 60}`.

        Raises:
            ConfigError: The file, an override or what they name is wrong.
        """
        document, base = find(name_or_path)
        document = apply_overrides(apply_overrides(document, settings), overrides)
        given = named(tools)
        if corpus is not None:
            document, given = with_corpus(document, corpus, given)
        models = as_models(model)
        document = without_models(document, models)
        spec = validate(GraphSpec, document)

        def where(key: str) -> tuple[str | None, int | None]:
            place = document.place(tuple(int(part) if part.isdigit() else part for part in key.split(".")))
            return document.name, place if isinstance(place, int) else None

        judge = cls(
            spec,
            models=models,
            tools=given,
            agents=agents,
            scorers=scorers,
            base=base,
            journal=journal,
            checkpoints=checkpoints,
            images=images,
            where=where,
        )
        judge._again = partial(
            cls.load,
            anchored(name_or_path),
            model=model,
            corpus=anchored(corpus),
            tools=tools,
            agents=agents,
            scorers=scorers,
            journal=anchored(journal.path if isinstance(journal, Journal) else journal),
            checkpoints=anchored(checkpoints),
            images=anchored(images),
            settings=settings,
            **overrides,
        )
        return judge

    @classmethod
    def from_graph(
        cls,
        graph: StateGraph[Any, Any, Any, Any],
        *,
        name: str,
        mode: str,
        models: Mapping[str, AnyModel] | None = None,
        tools: Iterable[AnyTool] | Mapping[str, AnyTool] = (),
        journal: Journal | str | Path | None = None,
        **fields: Any,
    ) -> Self:
        """A judge around a `StateGraph` of your own.

        Its state holds at least `case` and `outcome` (see `State`), its context is `Run`:
        `async def node(state: State, runtime: Runtime[Run])`.

        Args:
            graph: The graph, not compiled.
            name: The judge's name.
            mode: What kind of cases it judges.
            models: Models that its nodes call through `runtime.context.chat`.
            tools: Tools that its nodes call.
            journal: See `Judge`.
            fields: Further fields of a judge file: `scale`, `limits`, `seed`.
        """
        opened = dict(models or {"default": "auto"})
        whole = {"graph": {"agent": "own", "model": next(iter(opened))}}
        spec = {"name": name, "mode": mode, "models": dict.fromkeys(opened, "auto"), "nodes": whole, **fields}
        spec["edges"] = {"start": "graph", "graph": "end"}
        return cls(spec, models=opened, tools=tools, agents={"own": _never}, graph=graph, journal=journal)

    def __call__(self, case: Case, *, on_event: Callable[[Event], None] | None = None) -> JudgeResult:
        """Judge one case and wait for it; `on_event` is called in another thread. See `ajudge`."""
        return shared_portal().call(lambda: self.ajudge(case, on_event=on_event))

    def batch(
        self, cases: Rows, *, concurrency: int | None = None, patience: float = PATIENCE, watch: Watch | None = None
    ) -> Batch:
        """Judge many cases, in constant memory and in their order: `async for result in judge.batch(cases)`, or `for`.

        Args:
            cases: Any iterable, also an asynchronous one; read as there is room.
            concurrency: Judgements in flight; None adapts it to the server.
            patience: Seconds to wait for a server that answers nobody; 0 waits for nothing.
            watch: Called as a case begins; what it returns receives the case's events.
        """
        return Batch(self, cases, concurrency=concurrency, patience=patience, watch=watch)

    async def arank(
        self,
        case: Case,
        *,
        strategy: Strategy = "all_pairs",
        budget: int | None = None,
        confidence: float = 0.95,
        goal: Goal = "ranking",
        on_event: Callable[[Event], None] | None = None,
    ) -> RankResult:
        """Rank a group of responses. Evidence is gathered once and shared by all comparisons.

        Args:
            case: With one or more responses; those that are incomplete or empty take part in no comparison.
            strategy: `pointwise` (each by itself), `listwise` (all at once), `all_pairs` (each pair in both orders,
                scores averaged: Generative RLHF-V), `knockout`, or `adaptive` (chooses each next comparison by what it
                would tell). The graph is changed to the mode that this needs.
            budget: Most comparisons; None: as many as the strategy wants.
            confidence: In [0, 1]; `adaptive` stops when it is reached.
            goal: What `adaptive` spends comparisons on: the whole ranking, or finding the best response.
            on_event: Called with each event as it happens; it must not block.

        Raises:
            CaseError: There is no response, or an image that cannot be had.
            ConfigError: This graph cannot rank a group.
            JournalError: The journal cannot be read or written; nothing that was committed is lost.
        """
        return await rank(self, case, Plan(strategy, budget, confidence, goal), on_event)

    def rank(
        self,
        case: Case,
        *,
        strategy: Strategy = "all_pairs",
        budget: int | None = None,
        confidence: float = 0.95,
        goal: Goal = "ranking",
    ) -> RankResult:
        """`arank`, and wait for it."""
        plan = Plan(strategy, budget, confidence, goal)
        return shared_portal().call(lambda: rank(self, case, plan))

    def comparer(self, mode: Mode) -> Comparer:
        """This judge as one that compares some responses of a group at a time.

        Raises:
            ConfigError: Its graph cannot, or not in this mode.
        """
        if mode not in self._comparers:
            self._comparers[mode] = Comparer.of(
                self._whole, mode, self.models, self.tools, self._agents, self._scorers, self._scored_by
            )
        return self._comparers[mode]

    def as_reward(
        self,
        *,
        strategy: Strategy = "pointwise",
        penalty: float | None = None,
        max_completion_length: int | None = None,
        name: str | None = None,
    ) -> JudgeReward:
        """This judge as a reward function of TRL; see `JudgeReward`. To be pickled it has to come from `Judge.load`."""
        return JudgeReward(
            self._again,
            strategy=strategy,
            penalty=penalty,
            max_completion_length=max_completion_length,
            name=name or self.spec.name,
            judge=self,
        )

    async def stream(self, case: Case) -> AsyncIterator[Event]:
        """Judge one case and yield what happens; the last event is `Finished` with the result.

        Leaving the loop early cancels the judgement.
        """
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        task = asyncio.ensure_future(self.ajudge(case, on_event=queue.put_nowait))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def aclose(self) -> None:
        """Free the models and close the journal."""
        for model in self.models.values():
            await model.aclose()
        if self.journal is not None:
            self.journal.close()

    def close(self) -> None:
        """`aclose`, and wait for it."""
        shared_portal().call(self.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _never(*_: Any) -> Any:
    raise ConfigError("this agent only stands for a graph of your own and cannot be called")
