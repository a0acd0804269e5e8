"""What judged: a digest that changes when the graph, a prompt, a model or a tool does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from adjudge.agents import prompts
from adjudge.graphs import GraphSpec
from adjudge.models import ChatModel, ModelInfo
from adjudge.tools import Tool
from adjudge.types import Fingerprint


def public_spec(spec: GraphSpec) -> dict[str, Any]:
    """The graph as JSON types, without keys, addresses and what else of a request is nobody's business."""
    plain = spec.model_dump(mode="json")
    for model in plain["models"].values():
        for secret in ("api_key", "base_url", "extra_body"):
            model.pop(secret, None)
    return plain


def fingerprint(
    spec: GraphSpec,
    models: Mapping[str, ChatModel],
    tools: Mapping[str, Tool],
    decide: Mapping[str, str],
    scorers: Mapping[str, str] = {},
) -> Fingerprint:
    """The fingerprint of a judge.

    Args:
        spec: Its graph.
        models: Its models by name.
        tools: Its tools by name.
        decide: How each judge node decides.
        scorers: What scores candidate steps, by name.
    """
    weights = {name: model.info.fingerprint for name, model in models.items()}
    kept = {name: tool.fingerprint for name, tool in tools.items()}
    content = [public_spec(spec), prompts_digest(), weights, kept, dict(decide), *([dict(scorers)] if scorers else [])]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    return Fingerprint(
        name=spec.name, mode=spec.mode, digest=digest[:32], models=weights, tools=kept, decide=dict(decide)
    )


@lru_cache(maxsize=1)
def prompts_digest() -> str:
    """sha256 over all prompts that ship."""
    folder = files(prompts)
    texts = sorted((path.name, path.read_text("utf-8")) for path in folder.iterdir() if path.name.endswith(".md"))
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def record_of(
    spec: GraphSpec,
    judged: Fingerprint,
    models: Mapping[str, ChatModel],
    tools: Mapping[str, Tool],
    *,
    custom: bool,
) -> dict[str, Any]:
    """What a replay needs to know of a judge: the graph, and what its models and tools are; no secrets.

    Args:
        spec: The graph, with the tools that its entries stand for.
        judged: Its fingerprint.
        models: Its models by name.
        tools: Its tools by name.
        custom: Whether a part of it was given in Python.
    """
    told = ("name", "description", "parameters", "fingerprint")
    return {
        "spec": public_spec(spec),
        "custom": custom,
        "fingerprint": judged.model_dump(mode="json"),
        "prompts": prompts_digest(),
        "models": {name: _recorded(model.info) for name, model in models.items()},
        "tools": {name: {key: getattr(tool, key) for key in told} for name, tool in tools.items()},
    }


def _recorded(info: ModelInfo) -> dict[str, Any]:
    price = None if info.price is None else info.price.model_dump()
    return {**info._asdict(), "abilities": sorted(info.abilities), "price": price}
