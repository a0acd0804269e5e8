"""Tools: plain async functions with a full docstring, which the model, LangGraph and TRL all read.

    @tool
    async def population(city: str) -> str:
        '''Look up how many people live in a city.

        Args:
            city: The city's English name.
        '''

A tool returns text, an `Evidence`, a list of them, or any JSON value. It raises `ToolError` with a text for the model
when it cannot do what was asked. A parameter annotated `ToolContext` is filled in by `Run` and hidden from the model.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, cast, get_type_hints, overload

from docstring_parser import parse as parse_docstring
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from adjudge.errors import BadCall, ConfigError, ToolError
from adjudge.types import Case, Evidence

ToolFunction = Callable[..., Awaitable[object]]


class ToolContext(NamedTuple):
    """What a tool may know of the judgement it works for."""

    case: Case  # blind: without label and metadata
    evidence: Mapping[str, Evidence]  # by shown name: E1, E2, …
    memory: dict[str, Any]  # lives as long as the judgement; for tools that keep state
    eyes: bool = False  # whether the model that called can be shown `ToolOutput.images`


class ToolOutput(NamedTuple):
    """What a tool found: text for the model, and items that a verdict can cite."""

    text: str = ""
    evidence: tuple[Evidence, ...] = ()
    images: tuple[str, ...] = ()  # data URLs, for a model with eyes only
    blocked: int = 0  # hits that a block list kept out


class Tool(NamedTuple):
    """A tool as the model sees it, and how to call it."""

    name: str
    description: str
    parameters: dict[str, Any]  # JSON schema of the arguments
    fingerprint: str  # changes when the same arguments may give another result: code, corpus, settings
    call: Callable[[Mapping[str, Any], ToolContext], Awaitable[ToolOutput]]

    @property
    def schema(self) -> dict[str, Any]:
        """The tool in OpenAI's form."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


@overload
def tool(function: ToolFunction, *, name: str | None = None, fingerprint: str = "") -> Tool: ...
@overload
def tool(*, name: str | None = None, fingerprint: str = "") -> Callable[[ToolFunction], Tool]: ...
def tool(
    function: ToolFunction | None = None, *, name: str | None = None, fingerprint: str = ""
) -> Tool | Callable[[ToolFunction], Tool]:
    """Make a `Tool` of an async function from its type hints and Google-style docstring.

    Args:
        function: The async function; left out when used as `@tool(name=…)`.
        name: Its name for the model; the function's own by default.
        fingerprint: What else its results depend on, for example a corpus's hash. The source text is always part.

    Raises:
        ConfigError: The function is not async, has no docstring, or has a parameter without a type hint.
    """
    if function is None:
        return lambda actual: tool(actual, name=name, fingerprint=fingerprint)
    shown = name or str(getattr(function, "__name__", "tool"))
    arguments, context_name = _arguments_model(function, shown)
    documented = parse_docstring(inspect.getdoc(function) or "")
    description = "\n\n".join(t for t in (documented.short_description, documented.long_description) if t)

    async def call(raw: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        try:
            valid = arguments.model_validate(dict(raw))
        except ValidationError as error:
            raise BadCall(_explain(shown, error)) from error
        values = {field: getattr(valid, field) for field in arguments.model_fields}
        if context_name is not None:
            values[context_name] = context
        return as_output(await function(**values))

    schema = arguments.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for prop in schema.get("properties", {}).values():
        prop.pop("title", None)
    return Tool(shown, description, schema, _fingerprint(function, fingerprint), call)


def as_output(value: object) -> ToolOutput:
    """Whatever a tool returned, as text and evidence.

    Raises:
        ToolError: The value is neither text, evidence nor JSON.
    """
    if isinstance(value, ToolOutput):
        return value
    if isinstance(value, str):
        return ToolOutput(value)
    if isinstance(value, Evidence):
        return ToolOutput(evidence=(value,))
    if isinstance(value, list | tuple) and value and all(isinstance(item, Evidence) for item in value):
        return ToolOutput(evidence=tuple(cast("list[Evidence]", value)))
    if value is None or value == []:
        return ToolOutput("No results.")
    try:
        return ToolOutput(json.dumps(value, ensure_ascii=False))
    except TypeError as error:
        raise ToolError(f"the tool returned a {type(value).__name__}, which is not JSON") from error


def _arguments_model(function: ToolFunction, shown: str) -> tuple[type[BaseModel], str | None]:
    if not inspect.iscoroutinefunction(function):
        raise ConfigError(f"the tool {shown!r} must be an async function", hint="write `async def`")
    documented = parse_docstring(inspect.getdoc(function) or "")
    if not documented.short_description:
        raise ConfigError(f"the tool {shown!r} has no docstring", hint="the model reads it to know when to call it")
    texts = {parameter.arg_name: parameter.description for parameter in documented.params}
    hints = get_type_hints(function)
    fields: dict[str, Any] = {}
    context_name = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise ConfigError(f"parameter {parameter.name!r} of the tool {shown!r} has no type hint")
        if hints[parameter.name] is ToolContext:
            context_name = parameter.name
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], Field(default, description=texts.get(parameter.name)))
    return create_model(shown, __config__=ConfigDict(extra="forbid"), **fields), context_name


def _fingerprint(function: ToolFunction, extra: str) -> str:
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):  # defined in a shell, or compiled
        source = str(getattr(function, "__qualname__", ""))
    return hashlib.sha256(f"{source}\x1f{extra}".encode()).hexdigest()[:16]


def _explain(name: str, error: ValidationError) -> str:
    lines = [f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}" for item in error.errors()]
    return f"wrong arguments for {name}: " + "; ".join(lines)
