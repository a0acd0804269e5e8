"""What a judge file says about an MCP server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, field_serializer, field_validator, model_validator

from adjudge.tools.langchain import MAX_CHARS
from adjudge.types import Frozen

_SECRET_CHARS = 8  # a value of `env` shorter than this is no secret, and may be a word


class McpSettings(Frozen):
    """`{kind: mcp, command: "python server.py"}` or `{kind: mcp, url: "http://…"}` in a graph file.

    `env` and `headers` may hold secrets and the query of a URL does: they are left out whenever the settings are
    written down.
    """

    kind: Literal["mcp"]
    command: str | None = Field(
        default=None, min_length=1, description="Starts the server, in the graph file's folder; split as a shell would."
    )
    args: tuple[str, ...] = Field(default=(), description="Further arguments, as they are.")
    env: dict[str, str] = Field(
        default_factory=dict, exclude=True, description="The server's environment, besides PATH, HOME and the like."
    )
    url: str | None = Field(default=None, description="Of a server that runs: streamable HTTP, else SSE.")
    headers: dict[str, str] = Field(default_factory=dict, exclude=True, description="Sent with each request to `url`.")
    tools: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Names of the server's tools to offer; null: all of them."
    )
    timeout: float = Field(default=30, gt=0, le=60, description="Seconds for one call.")
    start_timeout: float = Field(default=20, gt=0, le=600, description="Seconds to connect and list the tools.")
    evidence: bool = Field(default=True, description="Whether results are evidence that a verdict can cite.")
    max_chars: int = Field(default=MAX_CHARS, ge=100, le=1_000_000, description="Longest result, in characters.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("should begin with http:// or https:// and name a host")
            if parts.username is not None or parts.password is not None:
                raise ValueError("should hold no user name or password; use `headers`")
        return url

    @field_validator("command")
    @classmethod
    def _is_one_command(cls, command: str | None) -> str | None:
        if command is not None:
            try:
                words = shlex.split(command)
            except ValueError as error:
                raise ValueError(f"cannot be split into words: {error}") from error
            if not words:
                raise ValueError("should name a program")
        return command

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("an MCP server has either a command, which starts it, or a url")
        if self.command is None and (self.args or self.env):
            raise ValueError("`args` and `env` belong to a `command`, not to a `url`")
        if self.url is None and self.headers:
            raise ValueError("`headers` belong to a `url`, not to a `command`")
        return self

    @field_serializer("url")
    def _without_secrets(self, url: str | None) -> str | None:
        return None if url is None else public_url(url)

    def words(self) -> list[str]:
        """The command with its arguments."""
        return [*shlex.split(self.command or ""), *self.args]

    def shown(self) -> str:
        """The server as messages and fingerprints name it, without secrets."""
        return shlex.join(self.words()) if self.url is None else public_url(self.url)

    def redacted(self, text: str) -> str:
        """A message without the secrets of these settings: libraries quote whole URLs in theirs."""
        if self.url is not None:
            text = text.replace(self.url, public_url(self.url))
        for value in (*self.env.values(), *self.headers.values()):
            if len(value) >= _SECRET_CHARS:
                text = text.replace(value, "…")
        return text


def public_url(url: str) -> str:
    """A URL without its query and fragment, which often hold a key."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def folder_of(base: Path) -> str:
    """Where a server is started."""
    return str(base.expanduser().resolve())
