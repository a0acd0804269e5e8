"""Which of vLLM's tool parsers reads the calls of which family of models.

Names are those of vLLM's `--tool-call-parser`. The first pattern that is found in the model's name, or in the
`model_type` of its configuration, decides; the more special one therefore stands first. From vLLM's page "Tool
Calling" and the models' own cards. A family that is not listed here has no parser: name one, or do without tools.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

TOOL_PARSERS: tuple[tuple[str, str], ...] = (
    (r"smollm", "hermes"),
    (r"hermes", "hermes"),
    (r"qwen-?3[-_.]?(coder|5|6)", "qwen3_xml"),
    (r"qwen|qwq", "hermes"),
    (r"llama-?_?4", "llama4_pythonic"),
    (r"llama-?_?3", "llama3_json"),
    (r"mistral|mixtral|ministral|magistral|devstral", "mistral"),
    (r"gpt[-_]?oss", "openai"),
    (r"deepseek[-_]?v3[._-]?2", "deepseek_v32"),
    (r"deepseek[-_]?v3[._-]?1", "deepseek_v31"),
    (r"deepseek[-_]?(v3|r1)", "deepseek_v3"),
    (r"glm-?4[._-]?7", "glm47"),
    (r"glm-?4[._-]?[56]", "glm45"),
    (r"granite-?4", "granite4"),
    (r"granite", "granite"),
    (r"kimi[-_]?k2", "kimi_k2"),
    (r"minimax[-_]?m2", "minimax_m2"),
    (r"functiongemma", "functiongemma"),
    (r"gemma-?4", "gemma4"),
    (r"phi-?4-?mini", "phi4_mini_json"),
    (r"olmo-?3", "olmo3"),
    (r"seed[-_]?oss", "seed_oss"),
    (r"internlm", "internlm"),
    (r"jamba", "jamba"),
    (r"xlam", "xlam"),
)


def tool_parser(model: str) -> str | None:
    """The tool parser for a model.

    Args:
        model: Its name on the hub, or the folder with its weights.
    """
    for text in _told(model):
        for pattern, parser in TOOL_PARSERS:
            if re.search(pattern, text.lower()):
                return parser
    return None


def _told(model: str) -> tuple[str, ...]:
    """What is said about a model: the last part of its name, then the type in its configuration."""
    name = model.rstrip("/").rpartition("/")[2]
    try:
        config = json.loads((Path(model) / "config.json").read_text("utf-8"))
        kind = config.get("model_type", "")
    except (OSError, ValueError, AttributeError):  # a name on the hub; vLLM reports a damaged folder better
        return (name,)
    return (name, str(kind))
