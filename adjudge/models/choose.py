"""Which model is meant, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from adjudge.errors import ConfigError
from adjudge.models.base import ChatModel, ModelSpec, Provider

EMBEDDED = "embedded"
_OWN: dict[str, Provider] = {
    "server": "server",
    "vllm": "vllm",
    "local": "local",
    "scripted": "scripted",
    "langchain": "langchain",
}
_FORMS = (
    "auto",
    EMBEDDED,
    "embedded+compact, the same trained to judge, or embedded+FOLDER, with a LoRA adapter of yours",
    "a URL such as http://127.0.0.1:8000/v1",
    "a path to a folder with weights",
    "provider:model such as openai:gpt-4o",
    "vllm:model, which starts a vLLM server around the run",
    "a model's name on the server at ADJUDGE_BASE_URL",
)


def parse_model(text: str) -> ModelSpec:
    """The model that a short form names: see `ModelSpec`.

    Raises:
        ConfigError: The text has a colon or a plus with nothing before or behind it.
    """
    if text in ("", "auto"):
        return ModelSpec()
    if text == EMBEDDED:
        return ModelSpec(provider="local")
    if text.startswith(f"{EMBEDDED}+"):
        if not (adapter := text.removeprefix(f"{EMBEDDED}+")):
            raise ConfigError("a model cannot be read", found=text, allowed=_FORMS)
        return ModelSpec(provider="local", adapter=adapter)
    if text.startswith(("http://", "https://")):
        return ModelSpec(provider="server", base_url=text)
    if text.startswith((".", "/", "~")) or Path(text).is_dir():
        return ModelSpec(provider="local", model=str(Path(text).expanduser()))
    prefix, colon, rest = text.partition(":")
    if not colon:
        return ModelSpec(provider="server", model=text)
    if not prefix or not rest:
        raise ConfigError("a model cannot be read", found=text, allowed=_FORMS)
    if prefix in _OWN:
        return ModelSpec(provider=_OWN[prefix], model=rest)
    return ModelSpec(provider="langchain", model=text)


def _explicit(text: str) -> bool:
    """Whether a short form says by itself where the model is; a name with a colon may be one on a server."""
    own = text.startswith((".", "/", "~", "http://", "https://")) or text.partition(":")[0] in _OWN
    return own or text.partition("+")[0] == EMBEDDED


def resolve_auto(spec: ModelSpec, environ: Mapping[str, str] = os.environ) -> ModelSpec:
    """A model that says where it is: `auto` becomes what the environment names, else the embedded model.

    Settings of the graph file (temperature, limits, …) are kept.

    Raises:
        ConfigError: A server is meant, but no URL is known.
    """
    named, url = environ.get("ADJUDGE_MODEL", ""), environ.get("ADJUDGE_BASE_URL")
    if spec.provider == "auto":
        provider: Provider
        if spec.base_url or (url and not (_explicit(named) and not spec.model)):
            provider = "server"
            spec = spec.model_copy(update={"model": spec.model or named})
        elif named and not spec.model:
            chosen = parse_model(named)
            provider = chosen.provider
            given = {"model": chosen.model, "base_url": chosen.base_url}
            spec = spec.model_copy(update=given | ({"adapter": chosen.adapter} if chosen.adapter else {}))
        else:
            provider = "server" if spec.model else "local"
        spec = spec.model_copy(update={"provider": provider})
    if spec.provider != "server":
        return spec
    if not (spec.base_url or url):
        raise ConfigError(
            f"no server is known for the model {spec.model!r}",
            hint="set ADJUDGE_BASE_URL or base_url, or name the model in another way",
            found=spec.model,
            allowed=_FORMS,
        )
    key = spec.api_key or environ.get("ADJUDGE_API_KEY")
    return spec.model_copy(update={"base_url": spec.base_url or url, "api_key": key})


def open_model(model: ModelSpec | str, environ: Mapping[str, str] = os.environ) -> ChatModel:
    """Open a model; weights are loaded and connections made at the first call.

    Args:
        model: A specification, or a short form of it.
        environ: Where `ADJUDGE_MODEL`, `ADJUDGE_BASE_URL` and `ADJUDGE_API_KEY` are looked up.

    Raises:
        ConfigError: The model cannot be found.
        MissingPackage: A package that it needs is not installed.
    """
    spec = resolve_auto(parse_model(model) if isinstance(model, str) else model, environ)
    if spec.provider == "server":
        from adjudge.models.server import ServerModel

        return ServerModel(spec)
    if spec.provider == "vllm":
        from adjudge.models.serve import VllmModel

        return VllmModel(spec)
    if spec.provider == "local":
        from adjudge.models.local import LocalModel

        return LocalModel(spec)
    if spec.provider == "langchain":
        from adjudge.models.langchain import LangChainModel

        return LangChainModel(spec.model, spec)
    from adjudge.models.scripted import script_from_file

    return script_from_file(spec.model)
