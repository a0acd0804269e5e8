"""Any LangChain tool as a tool of a judge.

    judge = Judge.load("evidence", tools=[TavilySearch()])   # converted on the way in
    tool = from_langchain(retriever_tool)                    # or by hand

What the tool returns becomes evidence that a verdict can cite: its text as one item, the documents of a retriever tool
as one item each. Images, audio and files are left out, with a note. LangChain is imported when a tool is converted.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adjudge.errors import ConfigError, ToolError
from adjudge.tools.base import Tool, ToolContext, ToolOutput
from adjudge.types import Evidence

if TYPE_CHECKING:
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import BaseTool

NAME_CHARS = 64  # of a tool's name: OpenAI's limit, and letters, digits, _ and - are all that it may hold
MAX_CHARS = 20_000  # kept of one text or document
ERROR_CHARS = 2_000  # kept of an error text
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


def is_langchain_tool(value: object) -> bool:
    """Whether a value looks like a LangChain tool; LangChain itself is not imported for it."""
    return hasattr(value, "ainvoke") and hasattr(value, "args_schema")


def from_langchain(
    tool: BaseTool,
    *,
    name: str | None = None,
    fingerprint: str | None = None,
    evidence: bool = True,
    max_chars: int = MAX_CHARS,
) -> Tool:
    """A LangChain tool as a `Tool`.

    Args:
        tool: The tool; it is called through `ainvoke`, so a synchronous one runs in a thread.
        name: Its name for the model; its own by default, with `_` for characters that model servers refuse.
        fingerprint: What its results depend on. By default its name, description, schema, class and function source:
            not its other settings, so name them here where a journal must tell them apart.
        evidence: Whether its text becomes evidence; else it is shown to the model and cannot be cited.
        max_chars: Characters kept of each text or document.

    Raises:
        ConfigError: It is no LangChain tool, or needs arguments that only a LangGraph agent could inject.
    """
    from langchain_core.tools import BaseTool

    if not isinstance(tool, BaseTool):
        raise ConfigError("this is not a LangChain tool", found=type(tool).__name__, allowed=("BaseTool",))
    shown = name or safe_name(tool.name)
    parameters = _parameters(tool, shown)

    async def call(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        message = await _invoke(tool, shown, dict(arguments))
        text = _clean(text_of_content(message.content))
        if message.status == "error":
            raise ToolError(shorten_end(text, ERROR_CHARS) or f"{shown} failed without saying why")
        if documents := _documents(message.artifact, max_chars):
            return ToolOutput(evidence=documents)
        if text.strip() in ("", "null"):
            return ToolOutput("No results.")
        text = shorten_end(text, max_chars)
        return ToolOutput(evidence=(Evidence(excerpt=text, source=shown),)) if evidence else ToolOutput(text)

    return Tool(shown, tool.description, parameters, fingerprint or _fingerprint(tool, parameters), call)


def safe_name(name: str) -> str:
    """A name that every model server takes: letters, digits, `_` and `-`, at most 64 characters.

    A name that is too long, or empty, ends in a digest of the whole.
    """
    plain = _UNFIT.sub("_", name)
    return plain if 0 < len(plain) <= NAME_CHARS else _with_digest(plain, name)


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with its safe one; those that would come out the same end in a digest, whatever their order."""
    plain = {name: safe_name(name) for name in names}
    count = Counter(plain.values())
    return {name: safe if count[safe] == 1 else _with_digest(safe, name) for name, safe in plain.items()}


def _with_digest(plain: str, name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: NAME_CHARS - 9] or 'tool'}_{digest}"


def shorten_end(text: str, limit: int) -> str:
    """A text cut at its end, saying so."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… [cut: {limit:,} of {len(text):,} characters]"


def text_of_content(content: str | list[Any]) -> str:
    """The text of a message's content; blocks of other kinds are named, not shown."""
    if isinstance(content, str):
        return content
    return "\n".join(part for part in map(_block, content) if part)


def _block(block: Any) -> str:
    if isinstance(block, str):
        return block
    if not isinstance(block, Mapping):
        return ""
    if isinstance(block.get("text"), str):
        return str(block["text"])
    return left_out(str(block.get("type", "block")), str(block.get("mime_type", "")))


def left_out(kind: str, mime: str = "") -> str:
    """What stands in the place of something that is not text."""
    return f"[{_clean(' '.join(part for part in (kind, mime) if part))[:80]} left out: this tool passes on text only]"


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _documents(artifact: object, max_chars: int) -> tuple[Evidence, ...]:
    """The documents that a retriever tool found; nothing when its artifact is anything else."""
    from langchain_core.documents import Document

    if not isinstance(artifact, list | tuple) or not all(isinstance(item, Document) for item in artifact):
        return ()
    return tuple(
        Evidence(
            excerpt=shorten_end(_clean(item.page_content), max_chars),
            source=_clean(str(item.metadata.get("source", ""))),
            title=_clean(str(item.metadata.get("title", ""))),
        )
        for item in artifact
        if item.page_content.strip()
    )


async def _invoke(tool: BaseTool, shown: str, arguments: dict[str, Any]) -> ToolMessage:
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import ToolException
    from pydantic.v1 import ValidationError as OldValidationError

    try:  # in the form of a tool call: else the artifact and the status are lost
        reply = await tool.ainvoke({"type": "tool_call", "id": "call", "name": tool.name, "args": arguments})
    except ToolException as error:
        text = shorten_end(_clean(str(error)), ERROR_CHARS)
        raise ToolError(text or f"{shown} failed without saying why") from error
    except (ValidationError, OldValidationError) as error:
        lines = [f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}" for item in error.errors()]
        raise ToolError(shorten_end(f"wrong arguments for {shown}: {'; '.join(lines)}", ERROR_CHARS)) from error
    if not isinstance(reply, ToolMessage):
        raise ToolError(f"{shown} returned a {type(reply).__name__}, which only a LangGraph agent can carry out")
    return reply


def _parameters(tool: BaseTool, shown: str) -> dict[str, Any]:
    """The JSON schema of what a model may pass."""
    from langchain_core.tools import Tool as OneInput

    if isinstance(tool, OneInput) and tool.args_schema is None:  # it takes one text under whatever name
        return {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    schema = _schema(tool.tool_call_schema)
    lacking = set(_schema(tool.get_input_schema()).get("required", ())) - set(schema.get("properties", ()))
    if lacking := lacking - _filled_in(tool):
        raise ConfigError(
            f"the LangChain tool {shown!r} needs arguments that only a LangGraph agent injects",
            found=", ".join(sorted(lacking)),
            hint="wrap it in an async function that passes them, and give that function as the tool",
        )
    schema.pop("title", None)
    schema.pop("description", None)
    for prop in schema.get("properties", {}).values():
        if isinstance(prop, dict):
            prop.pop("title", None)
    return {**schema, "type": "object", "properties": schema.get("properties", {})}


def _schema(given: Any) -> dict[str, Any]:
    """A copy of a JSON schema, or of that of a pydantic class of either generation."""
    if not isinstance(given, dict):
        given = given.model_json_schema() if hasattr(given, "model_json_schema") else given.schema()
    copied: dict[str, Any] = json.loads(json.dumps(given))
    return copied


def _filled_in(tool: BaseTool) -> set[str]:
    """Arguments that `ainvoke` fills in itself: the id of the call."""
    from langchain_core.tools import InjectedToolCallId

    fields = getattr(tool.get_input_schema(), "model_fields", {})
    return {name for name, field in fields.items() if any(_is(item, InjectedToolCallId) for item in field.metadata)}


def _is(item: object, kind: type) -> bool:
    return isinstance(item, kind) or (isinstance(item, type) and issubclass(item, kind))


def _fingerprint(tool: BaseTool, parameters: Mapping[str, Any]) -> str:
    function = getattr(tool, "coroutine", None) or getattr(tool, "func", None) or type(tool)
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):  # defined in a shell, or compiled
        source = ""
    kind = f"{type(tool).__module__}.{type(tool).__qualname__}"
    content = json.dumps([tool.name, tool.description, parameters, kind, source], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
