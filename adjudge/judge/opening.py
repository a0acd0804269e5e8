"""The models and the corpus of a judge: those of its graph, and those that were given to stand in for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from adjudge.config import Document, apply_overrides
from adjudge.errors import ConfigError
from adjudge.graphs import CustomSettings, GraphSpec
from adjudge.models import ChatModel, ModelSpec, open_model
from adjudge.tools import Tool, corpus_search
from adjudge.tools.corpus import CorpusSettings

AnyModel = ChatModel | ModelSpec | str
_CALLING = ("temperature", "top_p", "max_tokens", "timeout", "retries")  # stays when another model takes the place


def _known(given: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in given:
        if name not in known:
            raise ConfigError("unknown model", key="models", found=name, allowed=known)


def without_models(document: Document, given: Iterable[str]) -> Document:
    """The document without the models that others stand in for, but for how these are to be called and sampled."""
    entries = document.data.get("models", {"default": "auto"})
    if isinstance(entries, Mapping):
        _known(given, entries)
        for name in given:
            entry = entries[name]
            kept = {key: entry[key] for key in _CALLING if key in entry} if isinstance(entry, Mapping) else {}
            document = apply_overrides(document, {f"models.{name}": kept or "auto"})
    return document


def with_sampling(spec: GraphSpec, given: Mapping[str, ChatModel | ModelSpec]) -> GraphSpec:
    """The graph with what a model specification that was given says on sampling."""
    _known(given, spec.models)
    models = dict(spec.models)
    for name, model in given.items():
        if isinstance(model, ModelSpec):
            said = {key: getattr(model, key) for key in _CALLING if key in model.model_fields_set}
            models[name] = models[name].model_copy(update=said)
    return spec.model_copy(update={"models": models})


def open_models(spec: GraphSpec, given: Mapping[str, ChatModel | ModelSpec]) -> dict[str, ChatModel]:
    """The models that nodes use, and those given; all where agents of your own may call any."""
    own = any(isinstance(node, CustomSettings) for node in spec.nodes.values())
    used = dict.fromkeys([*(node.model for node in spec.nodes.values()), *(spec.models if own else given)])
    opened: dict[str, ChatModel] = {}
    for name in used:
        model = given.get(name, spec.models[name])
        if isinstance(model, ModelSpec):
            kept = {key: getattr(spec.models[name], key) for key in _CALLING}
            model = open_model(model.model_copy(update=kept))
        opened[name] = model
    return opened


def as_models(model: AnyModel | Mapping[str, AnyModel] | None) -> dict[str, AnyModel]:
    """Models by name; a single one is the default."""
    if model is None:
        return {}
    return dict(model) if isinstance(model, Mapping) else {"default": model}


def _searching(corpus: list[Any], name: str, entry: Mapping[str, Any]) -> Tool:
    settings = CorpusSettings.model_validate({key: value for key, value in entry.items() if key != "path"})
    made = corpus_search(
        corpus, k=settings.k, name=name, max_chars=settings.max_chars, passage_chars=settings.passage_chars
    )
    return made if settings.description is None else made._replace(description=settings.description)


def with_corpus(
    document: Document, corpus: str | Path | list[Any], given: dict[str, Tool]
) -> tuple[Document, dict[str, Tool]]:
    """The corpus put into every corpus_search tool of a judge file."""
    tools = document.data.get("tools")
    names = [
        name
        for name, entry in (tools or {}).items()
        if isinstance(entry, dict) and entry.get("kind") == "corpus_search"
    ]
    if not names:
        raise ConfigError(
            "this graph has no corpus_search tool that could use a corpus",
            file=document.name,
            hint="use the graph `evidence`, or add `tools: {corpus: {kind: corpus_search}}`",
        )
    if isinstance(corpus, list):
        return document, {**{name: _searching(corpus, name, (tools or {})[name]) for name in names}, **given}
    path = str(Path(corpus).expanduser().resolve())
    return apply_overrides(document, {f"tools.{name}.path": path for name in names}), given
