"""vLLM servers that are started here: by `adjudge models serve`, or around a run by `provider: vllm`.

    settings = ServeSettings(model="Qwen/Qwen3-8B")
    with serve(settings) as served:
        print(served.base_url)

vLLM itself is never imported: it runs in a process of its own, under any interpreter that has it. That process does
not outlive this one, however this one ends. Windows is not supported, as vLLM does not support it.
"""

from adjudge.models.serve.adapters import load_adapter, unload_adapter
from adjudge.models.serve.flags import ServeSettings, command, environment
from adjudge.models.serve.interpreter import Interpreter, find_interpreter
from adjudge.models.serve.model import VllmModel
from adjudge.models.serve.running import Served, serve

__all__ = [
    "Interpreter",
    "ServeSettings",
    "Served",
    "VllmModel",
    "command",
    "environment",
    "find_interpreter",
    "load_adapter",
    "serve",
    "unload_adapter",
]
