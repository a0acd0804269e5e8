"""LoRA adapters of a running server: loaded and taken away while it serves.

    await load_adapter("http://127.0.0.1:8000/v1", "step-200", "runs/step-200")
    model = ServerModel(ModelSpec(provider="server", base_url=…, model="Qwen/Qwen3-8B", adapter="step-200"))

The server must have been started with `--enable-lora` and `VLLM_ALLOW_RUNTIME_LORA_UPDATING`, as `adjudge models serve
--lora` does. Whoever can call these endpoints can make the server read any folder that it may read, so a server that
others can reach needs a key.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adjudge.errors import ConfigError, ModelError
from adjudge.models.server.failures import failure
from adjudge.models.server.http import Http, read

_SECONDS = 120.0


async def load_adapter(
    base_url: str, name: str, path: str | Path, *, api_key: str | None = None, replace: bool = False
) -> None:
    """Load an adapter under a name, which requests then give as their model.

    vLLM does not forget prompts that it has cached for a name when the weights in the *same* folder change, so save
    each version in a folder of its own; a new folder under an old name (`replace`) is safe.

    Args:
        base_url: Where the API begins, usually ending in `/v1`.
        name: What requests will call it.
        path: Its folder, on the machine of the server.
        api_key: The server's key.
        replace: Whether it may take the place of another adapter of this name.

    Raises:
        ModelError: `rejected`: the server takes no adapters at run time, or not this one; or `unavailable`.
        ConfigError: There is no name, or the URL cannot be used.
    """
    if not name.strip():
        raise ConfigError("an adapter needs a name", key="name", found=name)
    body = {"lora_name": name, "lora_path": str(path), "load_inplace": replace}
    await _post(base_url, "/load_lora_adapter", body, api_key, name)


async def unload_adapter(base_url: str, name: str, *, api_key: str | None = None) -> None:
    """Take an adapter away; requests that name it are then refused.

    Raises:
        ModelError: `rejected`: there is no such adapter, or the server changes none at run time; or `unavailable`.
    """
    await _post(base_url, "/unload_lora_adapter", {"lora_name": name}, api_key, name)


async def _post(base_url: str, path: str, body: dict[str, Any], api_key: str | None, name: str) -> None:
    http = Http(base_url, api_key)

    async def consume(response: Any) -> None:
        raw = await read(response, http.where)
        if 200 <= response.status_code < 300:
            return
        raise failure(response.status_code, response.headers, raw, http.where, api_key)

    try:
        await http.exchange(http.url(path), json.dumps(body).encode(), _SECONDS, consume)
    except ModelError as error:
        raise _told(error, path, name) from error
    finally:
        await http.aclose()


def _told(error: ModelError, path: str, name: str) -> ModelError:
    """The error, with what to do where the server has no such endpoint."""
    text = f"the adapter {name!r}: {error}"
    if error.status in (404, 405) and name not in str(error):
        text += f"; a server with {path} is started by `adjudge models serve --lora NAME=FOLDER`"
    return ModelError(text, kind=error.kind, retryable=error.retryable, status=error.status)
