"""Opening a judge for a command, and saying what it is: graph, model and where that was named, tools, method."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from adjudge.cli.screen import Screen
from adjudge.errors import ConfigError
from adjudge.graphs.library import find
from adjudge.judge import Judge
from adjudge.models import ModelSpec
from adjudge.types import Case

AT_ONCE = 8  # cases judged side by side on a served model
_METHODS = {
    "generate": "the model writes a verdict",
    "logprobs": "the probability of each label at the verdict token",
    "likelihood": "which response the model finds likelier, given question and evidence",
    "likelihood_gain": "for which response the evidence raises the model's likelihood most",
}


def open_judge(
    graph: str, *, model: str | None, corpus: str | None, settings: Sequence[str], images: Path | None = None
) -> Judge:
    """The judge that the options of a command name.

    Raises:
        ConfigError: One of them is wrong.
    """
    return Judge.load(graph, model=model, corpus=corpus, settings=settings, images=images)


def open_judges(graphs: Sequence[str], model: str | None, corpus: str | None, settings: Sequence[str]) -> list[Judge]:
    """Several judges, the corpus given to those that can search one.

    Raises:
        ConfigError: An option is wrong, or none of them can search a corpus.
    """
    searching = [graph for graph in graphs if _searches(graph)]
    if corpus is not None and not searching:
        raise ConfigError("none of these graphs has a corpus_search tool", key="--corpus", found=corpus)
    return [
        open_judge(graph, model=model, corpus=corpus if graph in searching else None, settings=settings)
        for graph in graphs
    ]


def _searches(graph: str) -> bool:
    tools = find(graph)[0].data.get("tools") or {}
    return any(isinstance(entry, dict) and entry.get("kind") == "corpus_search" for entry in tools.values())


class Named(NamedTuple):
    """A model, and who asked for it."""

    name: str
    provider: str
    origin: str


def model_named(judge: Judge, flag: str | None, name: str, environ: Mapping[str, str] = os.environ) -> Named:
    """The model behind a name of the graph, and where it was chosen."""
    info = judge.models[name].info
    given = flag is not None and name == "default"
    origin = "named by --model" if given and flag != "auto" else origin_of(judge.spec.models[name], environ)
    return Named(info.name, "embedded" if info.embedded else info.provider, origin)


def origin_of(spec: ModelSpec, environ: Mapping[str, str] = os.environ) -> str:
    """Who names the model that a specification comes to."""
    if spec.provider != "auto" or spec.base_url or spec.model:
        return "named by the graph"
    named = [variable for variable in ("ADJUDGE_MODEL", "ADJUDGE_BASE_URL") if environ.get(variable)]
    if named:
        return f"named by {' and '.join(named)}"
    return "the default: neither --model nor ADJUDGE_MODEL nor ADJUDGE_BASE_URL is set"


def side_by_side(judge: Judge) -> int:
    """Cases at a time: one, where models run in this process or follow a script, else several."""
    served = all(model.info.provider not in ("local", "scripted") for model in judge.models.values())
    return AT_ONCE if served else 1


def show_header(screen: Screen, judge: Judge, flag: str | None) -> None:
    """Say what is going to judge."""
    spec = judge.spec
    screen.line(("graph   ", "bold"), f"{spec.name} ({spec.mode}): {spec.description}".removesuffix(": "))
    for name in judge.models:
        named = model_named(judge, flag, name)
        label = "model   " if len(judge.models) == 1 else f"model   {name}: "
        screen.line((label, "bold"), f"{named.name} ({named.provider}), {named.origin}")
    screen.line(("tools   ", "bold"), ", ".join(_tools(judge)) or "none")
    for node, method in judge.fingerprint.decide.items():
        screen.line(("decides ", "bold"), f"{node}: {method}, {_METHODS.get(method, 'a method of its own')}")
        screen.line(("votes   ", "bold"), _votes(judge, method))


def _tools(judge: Judge) -> list[str]:
    shown = []
    entry_of = {tool: entry for entry, group in judge.tool_groups.items() for tool in group}
    for name in judge.tools:
        entry = judge.spec.tools.get(entry_of.get(name, name))
        path = getattr(entry, "path", None)
        shown.append(f"{name} ({getattr(entry, 'kind', 'own')}{f' in {path}' if path else ''})")
    return shown


def _votes(judge: Judge, method: str) -> str:
    from adjudge.agents.deciding import sees_order

    spec = judge.spec
    if spec.mode == "step":
        both = sees_order(method, spec.mode) and spec.orders == "both"
        return f"{spec.samples}" + (", candidates in both orders" if both else "")
    if spec.mode in ("pairwise", "listwise") and not sees_order(method, spec.mode):
        return "one; this method cannot depend on the order of the responses"
    orders = "in both orders" if sees_order(method, spec.mode) and spec.orders == "both" else "in one order"
    return f"{spec.samples} {orders}" + (f", on conflict {spec.on_conflict}" if spec.orders == "both" else "")


def searches_nothing(judge: Judge, case: Case) -> bool:
    """Whether the judge has a corpus tool, but neither a corpus nor documents of the case to search."""
    corpora = [entry for entry in judge.spec.tools.values() if entry.kind == "corpus_search"]
    empty = [entry for entry in corpora if not getattr(entry, "path", None)]
    return bool(corpora) and len(empty) == len(corpora) and not case.documents
