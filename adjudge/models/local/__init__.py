"""Models in this process, on transformers: the small embedded model, or any folder with weights.

    model = LocalModel(ModelSpec(provider="local"))                      # the embedded SmolLM2-135M-Instruct
    model = LocalModel(ModelSpec(provider="local", model="./weights"))   # a folder as `save_pretrained` writes it
    reply = await model.chat([user("Hello")])

Importing this package loads neither torch nor transformers; the first call does. Nothing is ever downloaded.
"""

from adjudge.models.local.embedded import embedded_available, embedded_path
from adjudge.models.local.model import LocalModel
from adjudge.models.local.template import CHAT_TEMPLATE
from adjudge.models.local.tool_calls import parse_tool_calls

__all__ = ["CHAT_TEMPLATE", "LocalModel", "embedded_available", "embedded_path", "parse_tool_calls"]
