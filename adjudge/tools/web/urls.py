"""Read a URL once, strictly, into the parts that are checked and the same parts that are requested.

    target_of("HTTP://Example.org:80/a b?q=ü#part").url

No second parser ever sees the text, so none can disagree about which host it names. What browsers silently repair
(backslashes, control characters, spaces, percent signs in a host) is refused; what has one meaning only is normalised:
case, default ports, IDNA with full-width digits and dots, a final dot, IPv4 in octal, decimal or hexadecimal.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote, urljoin

from adjudge.errors import ToolError, shorten
from adjudge.tools.web.addresses import ipv4_of

MAX_URL = 4096  # characters
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\\]")
_URL = re.compile(r"(?i:(https?))://([^/?#]*)([^#]*)(?:#.*)?")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PATH_CHARS = "/?%:@!$&'()*+,;=-._~[]|{}"


class Target(NamedTuple):
    """A URL in its parts, without fragment."""

    scheme: str  # http or https
    host: str  # lower-case ASCII name, or an IP address without brackets
    port: int
    path: str  # with query, ASCII, begins with /
    literal: bool  # the host is an address, so there is nothing to resolve

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, the same for all its spellings."""
        return f"{self.scheme}://{self.authority}{self.path}"


def target_of(url: str) -> Target:
    """Read a URL.

    Raises:
        ToolError: It is no http or https URL, holds a user name or password, or its host has no single meaning.
    """
    text = url.strip(" ")
    if len(text) > MAX_URL:
        raise _refused(url, f"is longer than {MAX_URL} characters")
    if bad := _FORBIDDEN.search(text):
        raise _refused(url, f"holds the character U+{ord(bad.group()):04X}, which no URL may hold")
    matched = _URL.fullmatch(text)
    if matched is None:
        raise _refused(url, "does not begin with http:// or https://")
    scheme, authority, path = matched.group(1).lower(), matched.group(2), matched.group(3)
    if "@" in authority:
        raise _refused(url, "holds a user name or password")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not parts.group(1):
        raise _refused(url, "has no host that can be read")
    port = int(parts.group(2) or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise _refused(url, f"has the port {port}, and ports go from 1 to 65535")
    try:
        host, literal = _host(parts.group(1))
        path = quote(path if path.startswith("/") else f"/{path}", safe=_PATH_CHARS)
    except ValueError as error:  # also what idna and lone surrogates raise
        raise _refused(url, f"has a host or path that cannot be read ({error})") from error
    return Target(scheme, host, port, path, literal)


def redirected(target: Target, location: str) -> Target:
    """Where a redirect leads, relative locations included.

    Raises:
        ToolError: The location is not a URL that may be read; see `target_of`.
    """
    try:
        joined = urljoin(target.url, location.strip(" "))
    except ValueError as error:
        raise _refused(location, f"cannot be read ({error})") from error
    return target_of(joined)


def _host(text: str) -> tuple[str, bool]:
    """The host in lower-case ASCII, and whether it is an address.

    Raises:
        ValueError: It is neither a name nor an address.
    """
    if text.startswith("["):
        if "%" in text:
            raise ValueError("an address with a zone")
        return str(ipaddress.IPv6Address(text[1:-1])), True
    name = text.lower() if text.isascii() else _to_ascii(text)
    name = name.removesuffix(".")
    if (address := ipv4_of(name)) is not None:
        return str(address), True
    if len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError("a label of the host is empty, too long, or holds other than letters, digits, - and _")
    return name, False


def _to_ascii(text: str) -> str:
    """Full-width digits and dots become plain ones, other letters punycode (UTS 46, not transitional)."""
    import idna  # its tables take a while to load, and most hosts are ASCII

    mapped = idna.uts46_remap(text, std3_rules=False, transitional=False).lower()
    return mapped if mapped.isascii() else idna.encode(mapped, uts46=True).decode("ascii").lower()


def _refused(url: str, why: str) -> ToolError:
    return ToolError(f"the URL {shorten(url)} {why}; give the http or https address of a public page")
