"""The command line and the environment of a vLLM server, made for judges.

Beyond the model itself: structured output without runaway white space, tool arguments held to their schema, the prefix
cache and its count in `usage`, enough log-probabilities, and sampling defaults of vLLM instead of those in the model's
`generation_config.json`, which would change top-k and repetition penalty unasked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from adjudge.errors import ConfigError
from adjudge.models.base import ModelSpec
from adjudge.models.local import embedded
from adjudge.models.serve.families import tool_parser
from adjudge.models.serve.interpreter import Interpreter, clean_environment
from adjudge.types import Frozen

EMBEDDED = "embedded"
ENTRY = "vllm.entrypoints.openai.api_server"  # the command `vllm` is absent from wheels for processors
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TEMPLATE = Path(embedded.__file__).with_name("chat_template.jinja")
_STRUCTURED = {"backend": "xgrammar", "disable_any_whitespace": True}
_MAX_LOGPROBS = 20  # alternatives per token, what the chat API allows
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # values that vLLM's --max-lora-rank takes
_OURS = {
    "--model": "name the model itself",
    "--host": "use --host",
    "--port": "use --port, or `port`",
    "--api-key": "set ADJUDGE_API_KEY: other users of this machine can read a command line",
    "--served-model-name": "it follows from the model",
    "--lora-modules": "use --lora, or `lora`",
    "--tensor-parallel-size": "use --tensor-parallel-size, or `tensor_parallel`",
}


class ServeSettings(Frozen):
    """What a server is started with; equal settings share one server.

    Raises:
        ConfigError: An extra flag sets what a field of its own is there for.
    """

    model: str = Field(description="`embedded`, a folder with weights, or a name in the hub's cache.")
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=1, le=65535, description="None: any free port.")
    lora: tuple[tuple[str, str], ...] = Field(default=(), description="Names and folders of LoRA adapters.")
    tensor_parallel: int = Field(default=1, ge=1, description="GPUs that share the model.")
    max_model_len: int | None = Field(default=None, ge=1, description="Most tokens of prompt and reply together.")
    tools: bool = Field(default=True, description="Whether tool calls are to be read.")
    tool_parser: str | None = Field(default=None, description="vLLM's name of it; None: by the model's family.")
    online: bool = Field(default=False, description="Whether weights may be downloaded.")
    python: str | None = Field(default=None, description="The Python that has vLLM.")
    extra: tuple[str, ...] = Field(default=(), description="Further words of the command line.")

    @model_validator(mode="after")
    def _no_doubles(self) -> Self:
        for word in self.extra:
            flag = word.partition("=")[0].replace("_", "-")
            if flag in _OURS:
                raise ConfigError("this cannot be given as a further flag", found=flag, hint=_OURS[flag])
        return self

    @property
    def served_name(self) -> str:
        """What the model is called in requests."""
        if self.model == EMBEDDED:
            return embedded.NAME
        return Path(self.model).expanduser().name if is_folder(self.model) else self.model

    @property
    def parser(self) -> str | None:
        """The tool parser; None where there are to be no tools, or none is known for the model."""
        if not self.tools:
            return None
        return self.tool_parser or tool_parser(embedded.NAME if self.model == EMBEDDED else self.model)

    @property
    def adapts(self) -> bool:
        """Whether the server takes adapters, also while it runs."""
        return bool(self.lora) or "--enable-lora" in self.extra


def is_folder(model: str) -> bool:
    """Whether a model is named by its path."""
    return model.startswith((".", "/", "~")) or Path(model).is_dir()


def absolute(folder: str | Path) -> Path:
    """A folder as a process with another working directory finds it."""
    return Path(folder).expanduser().absolute()


def settings_of(spec: ModelSpec) -> ServeSettings:
    """The settings of a server for a model of a graph file."""
    return ServeSettings(
        model=spec.model or EMBEDDED,
        port=spec.port,
        lora=tuple(sorted(spec.lora.items())),
        tensor_parallel=spec.tensor_parallel,
        max_model_len=spec.context,
        python=spec.python,
        extra=spec.serve_args,
    )


def command(settings: ServeSettings, interpreter: Interpreter, port: int) -> list[str]:
    """The words of the command line; no shell reads them, and no secret is among them.

    Args:
        settings: What to serve; the embedded model is unpacked if that has not happened yet.
        interpreter: Who runs it.
        port: Where it listens.

    Raises:
        ConfigError: A folder holds no model or no adapter.
        MissingPackage: The embedded model is not installed.
    """
    words = [interpreter.path, "-m", ENTRY, "--model", _weights(settings.model)]
    words += ["--served-model-name", settings.served_name, "--host", settings.host, "--port", str(port)]
    words += ["--structured-outputs-config", json.dumps(_STRUCTURED, separators=(",", ":"))]
    words += ["--max-logprobs", str(_MAX_LOGPROBS), "--enable-prefix-caching", "--generation-config", "vllm"]
    words += ["--tensor-parallel-size", str(settings.tensor_parallel)]
    words += _optional(interpreter, "--enable-prompt-tokens-details")
    words += _optional(interpreter, "--disable-uvicorn-access-log")
    if settings.parser is not None:
        words += ["--enable-auto-tool-choice", "--tool-call-parser", settings.parser]
        words += _optional(interpreter, "--tool-strict-level", "parameter")
    length = settings.max_model_len or (embedded.CONTEXT if settings.model == EMBEDDED else None)
    if length is not None:
        words += ["--max-model-len", str(length)]
    if settings.model == EMBEDDED:
        words += ["--chat-template", str(_TEMPLATE)]  # its own has no branch for tools
    if interpreter.cpu:
        words += ["--dtype", "bfloat16", "--enforce-eager", "--max-num-seqs", "32"]
    return [*words, *_lora(settings.lora), *settings.extra]


def environment(
    settings: ServeSettings, interpreter: Interpreter, api_key: str | None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The server's environment: what it inherits, and what we add."""
    return clean_environment(interpreter.path, environ) | added_environment(settings, interpreter, api_key)


def added_environment(settings: ServeSettings, interpreter: Interpreter, api_key: str | None) -> dict[str, str]:
    """The variables that are set for a server: no telemetry, no downloads, its key, what its flags need.

    Args:
        settings: What to serve.
        interpreter: Who runs it.
        api_key: The bearer token that requests need; None asks for none.
    """
    added = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if not settings.online:
        added |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    if settings.adapts:
        added["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
    if interpreter.cpu and settings.model == EMBEDDED:
        added["VLLM_CPU_KVCACHE_SPACE"] = "1"  # GiB: 46,000 tokens of this model
    if api_key is not None:
        added["VLLM_API_KEY"] = api_key
    return added


def _optional(interpreter: Interpreter, flag: str, *values: str) -> list[str]:
    return [flag, *values] if flag in interpreter.flags else []


def _weights(model: str) -> str:
    if model == EMBEDDED:
        return str(embedded.embedded_path())
    if not is_folder(model):
        return model
    folder = absolute(model)
    if not (folder / "config.json").is_file():
        raise ConfigError(f"there is no model at {str(folder)!r}: it has no config.json", key="model", found=model)
    return str(folder)


def _lora(adapters: Sequence[tuple[str, str]]) -> list[str]:
    if not adapters:
        return []
    folders = {name: absolute(path) for name, path in adapters}
    rank = max(adapter_rank(name, folder) for name, folder in folders.items())
    allowed = next((size for size in _RANKS if size >= rank), None)
    if allowed is None:
        raise ConfigError("an adapter's rank is too high for vLLM", key="lora", found=rank, allowed=map(str, _RANKS))
    words = ["--enable-lora", "--max-lora-rank", str(allowed), "--max-loras", str(len(folders)), "--lora-modules"]
    return [*words, *(f"{name}={folder}" for name, folder in folders.items())]


def adapter_rank(name: str, folder: Path) -> int:
    """The rank of a LoRA adapter: vLLM refuses one above its limit, and reserves memory up to that limit.

    Raises:
        ConfigError: There is no adapter in the folder.
    """
    file = folder / "adapter_config.json"
    try:
        rank = json.loads(file.read_text("utf-8"))["r"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        problem = f"there is no LoRA adapter at {str(folder)!r} ({error})"
        raise ConfigError(problem, key=f"lora.{name}", hint="give the folder that `save_pretrained` wrote") from error
    if not isinstance(rank, int) or rank < 1:
        raise ConfigError("the adapter's rank is not a number", file=str(file), key="r", found=rank)
    return rank
