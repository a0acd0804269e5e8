"""What an MCP server sends back, reduced to text before anything else sees it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adjudge.tools.langchain import left_out, shorten_end

if TYPE_CHECKING:
    from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
    from mcp.types import CallToolResult, ContentBlock


async def as_text(
    request: MCPToolCallRequest, handler: Callable[[MCPToolCallRequest], Awaitable[MCPToolCallResult]]
) -> MCPToolCallResult:
    """An interceptor of `langchain-mcp-adapters` that leaves text only.

    It also gives back an argument named `runtime`, which the adapter takes for its own.

    Raises:
        ToolException: What the server sent is no result, or not the one that its own schema promises.
    """
    from langchain_core.tools import ToolException
    from mcp.types import CallToolResult

    if request.runtime is not None:
        request = request.override(args={**request.args, "runtime": request.runtime})
    try:
        result = await handler(request)
    except (ValidationError, RuntimeError) as error:  # of the MCP library, on the result
        raise ToolException(f"the server's reply is not a valid result: {shorten_end(str(error), 300)}") from error
    return _text_only(result) if isinstance(result, CallToolResult) else result


def _text_only(result: CallToolResult) -> CallToolResult:
    from mcp.types import TextContent

    texts = [_text(block) for block in result.content]
    structured = result.structuredContent or {}
    if not any(text.strip() for text in texts) and any(value is not None for value in structured.values()):
        texts = [json.dumps(structured, ensure_ascii=False)]
    content: list[Any] = [TextContent(type="text", text=text) for text in texts if text]
    return result.model_copy(update={"content": content, "structuredContent": None})


def _text(block: ContentBlock) -> str:
    from mcp.types import AudioContent, EmbeddedResource, ImageContent, ResourceLink, TextContent, TextResourceContents

    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, EmbeddedResource):
        inner = block.resource
        return inner.text if isinstance(inner, TextResourceContents) else left_out("file", inner.mimeType or "")
    if isinstance(block, ImageContent | AudioContent):
        return left_out(block.type, block.mimeType)
    if isinstance(block, ResourceLink):
        return f"{block.name}: {block.uri}"
    return left_out(str(getattr(block, "type", "block")))
