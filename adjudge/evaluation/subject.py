"""Who is measured: a judge file with a model, opened for whatever kind of judgement a benchmark asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from adjudge.errors import ConfigError
from adjudge.evaluation.benchmarks import Corpus
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.judge.modes import changed_to
from adjudge.models import ChatModel, ModelSpec
from adjudge.tools import Tool
from adjudge.types import Mode, Scale


class Subject(NamedTuple):
    """A judge to be measured.

    Args:
        label: Its name in tables.
        graph: A graph that ships, or a YAML file.
        model: Replaces the graph's default model.
        settings: Changes to the graph, as `--set` takes them.
        overrides: The same by dotted key path.
    """

    label: str
    graph: str
    model: str | ModelSpec | ChatModel | None = None
    settings: Sequence[str] = ()
    overrides: Mapping[str, Any] = {}


class Opener:
    """Opens a subject's judges, which share its models.

    Args:
        subject: Whose.
        journal: Where all of them keep their calls.
    """

    def __init__(self, subject: Subject, journal: Journal | None) -> None:
        self.subject = subject
        self._journal = journal
        self._first: Judge | None = None

    @property
    def own_mode(self) -> Mode:
        """The mode that the graph was written for."""
        return self.judge.spec.mode

    @property
    def judge(self) -> Judge:
        """The judge as its graph is written, without a corpus of a benchmark."""
        if self._first is None:
            self._first = self.load({})
        return self._first

    def open(self, mode: Mode, scale: Scale | None = None, corpus: Corpus | None = None) -> Judge:
        """A judge for a kind of judgement.

        Args:
            mode: What is judged; a graph of another mode is changed to this one.
            scale: Used where the graph's own has no numbers and the mode needs them; 1 to 10 by default.
            corpus: What a graph with a corpus tool searches.

        Raises:
            ConfigError: The graph cannot judge this.
        """
        first = self.judge
        changes = changed_to(mode, first.spec.mode, first.spec.scale, scale)
        if "scale" in changes:
            changes["scale"] = changes["scale"].model_dump(exclude_defaults=True)
        searches = any(tool.kind == "corpus_search" for tool in first.spec.tools.values())
        wanted = corpus if searches else None
        return self.load(changes, wanted) if changes or wanted is not None else first

    async def aclose(self) -> None:
        """Free the models; the journal stays open."""
        if self._first is not None:
            for model in self._first.models.values():
                await model.aclose()

    def load(self, changes: Mapping[str, Any], corpus: Corpus | None = None, tools: Iterable[Tool] = ()) -> Judge:
        """A judge with changes to the graph.

        Args:
            changes: Values by dotted key path.
            corpus: What its corpus tools search.
            tools: Tools that replace those of the same name.

        Raises:
            ConfigError: The graph does not allow it.
        """
        subject = self.subject
        model = subject.model if self._first is None else self._first.models
        overrides = {**subject.overrides, **changes}
        try:
            return Judge.load(
                subject.graph,
                model=model,
                corpus=corpus,
                tools=list(tools),
                journal=self._journal,
                settings=subject.settings,
                **overrides,
            )
        except ConfigError as error:
            if "mode" not in changes:
                raise
            problem = f"{subject.label} cannot judge {changes['mode']}: {error.problem}"
            raise ConfigError(problem, file=error.file, key=error.key, found=error.found, hint=error.hint) from error
