"""Where and how the server listens, and what it allows."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from adjudge.errors import ConfigError
from adjudge.types import Frozen


class Settings(Frozen):
    """What `adjudge serve` can be told. Seconds are wall-clock time.

    Raises:
        pydantic.ValidationError: A number is out of its range, or a token is too short or not printable ASCII.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8100, ge=0, le=65535, description="0 takes any free port.")
    token: SecretStr | None = Field(default=None, description="What clients show as `Authorization: Bearer …`.")
    concurrency: int = Field(default=32, ge=1, description="Judgements that run at the same time.")
    queue: int = Field(default=256, ge=0, description="Requests that may wait; further ones get 503 at once.")
    max_body: int = Field(default=16 * 2**20, ge=1, description="Bytes of one request's body.")
    max_cases: int = Field(default=4096, ge=1, description="Cases, or responses to reward, of one request.")
    patience: float = Field(default=60.0, ge=0, description="Seconds to try a judgement again in a model's outage.")
    grace: float = Field(default=300.0, ge=0, description="Seconds for accepted requests after SIGTERM.")
    read_seconds: float = Field(default=30.0, gt=0, description="For a request to arrive, head and body each.")
    write_seconds: float = Field(default=60.0, gt=0, description="For a client to take a piece of the reply.")

    @field_validator("token")
    @classmethod
    def _usable(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None:
            value = token.get_secret_value()
            if len(value) < 8 or not value.isascii() or not value.isprintable() or " " in value:
                raise ValueError("a token has at least 8 characters, all of them printable ASCII and no blanks")
        return token

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.token is None and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from other machines, so a token is needed: "
                "set ADJUDGE_TOKEN or give --token, or listen on 127.0.0.1"
            )
        return self


class Listening(NamedTuple):
    """A socket that is bound, and its address as part of a URL."""

    socket: socket.socket
    shown: str


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; a name counts by what it resolves to."""
    try:
        found = {str(item[4][0]) for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def listen(host: str, port: int) -> Listening:
    """Bind.

    Raises:
        ConfigError: The address is not known here, not ours, or taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"this address is not known: {error}", key="--host", found=host) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        problem = f"the server cannot listen on {host}:{port} ({error.strerror})"
        raise ConfigError(problem, key="--port", found=port, hint="name another with --port") from error
    name = bound.getsockname()
    return Listening(bound, f"[{name[0]}]:{name[1]}" if family == socket.AF_INET6 else f"{name[0]}:{name[1]}")
