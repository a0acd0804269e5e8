"""Models behind an OpenAI-compatible HTTP server: vLLM first, and any other that speaks the same.

    model = ServerModel(ModelSpec(provider="server", model="Qwen/Qwen3-8B", base_url="http://127.0.0.1:8000/v1"))
    reply = await model.chat([user("Is 7 prime?")])

Nothing a server sends is trusted: each reply is checked by hand before it becomes a `Reply`. Only this package knows
httpx and aiohttp.
"""

from adjudge.models.server.model import ServerModel

__all__ = ["ServerModel"]
