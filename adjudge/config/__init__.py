"""Configuration: YAML files and overrides become frozen pydantic values, or one error that lists every mistake.

    document = read_yaml("judge.yaml")
    document = apply_overrides(document, ["models.default.model=Qwen/Qwen3-8B"])
    spec = validate(GraphSpec, document)

A `Document` holds plain data and remembers where each key stands, so that an error found by pydantic names the file,
the line and the key path. Variables (`${ADJUDGE_X}`) are filled in by `validate`, after the overrides: a variable that
was overridden need not exist, and an error shows `${ADJUDGE_X}`, never its value.

Nothing here knows what a graph, a model or a tool is. Includes and file merging are not supported.
"""

from adjudge.config.document import Document, KeyPath, Place, parse_yaml, read_yaml
from adjudge.config.environment import interpolate
from adjudge.config.overrides import apply_overrides
from adjudge.config.validation import InvalidDocument, validate

__all__ = [
    "Document",
    "InvalidDocument",
    "KeyPath",
    "Place",
    "apply_overrides",
    "interpolate",
    "parse_yaml",
    "read_yaml",
    "validate",
]
