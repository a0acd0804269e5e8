"""The block list: pages of benchmarks, which carry the labels that a judge is measured by, are no evidence.

    blocked = BlockList.load(("example.org/answers",))
    blocked.match(target_of("https://huggingface.co/datasets/x/y"))     # "huggingface.co/datasets"

A pattern is a host, which covers its subdomains, and perhaps the beginning of a path, in which `*` stands for anything
within a segment. Copies that carry the address in their own (archives, caches, translators, readers) are found as
well. A copy of a benchmark under an address of its own is not: no list can know them all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import NamedTuple, Self
from urllib.parse import unquote

from adjudge.errors import ConfigError
from adjudge.tools.web.urls import Target

_PATTERN = re.compile(r"((?:[a-z0-9-]+\.)+[a-z0-9-]+)((?:/[^\s/?#]+)*)/?")
_HOST = re.compile(r"(?<![\w.-])((?:[a-z0-9-]+\.)+[a-z]{2,})(?![\w-])(?=((?:/[^\s?#&]*)?))")
_DECODINGS = 3  # how often an address inside an address may be percent-encoded
# Other doors to a repository's files, and how many segments stand before its owner.
_GITHUB = {
    "raw.githubusercontent.com": 0,
    "media.githubusercontent.com": 1,
    "codeload.github.com": 0,
    "api.github.com": 1,
    "cdn.jsdelivr.net": 1,
    "raw.githack.com": 0,
    "cdn.statically.io": 1,
}


class BlockList(NamedTuple):
    """Patterns by host: the beginning of a path, as segments."""

    patterns: dict[str, list[tuple[str, ...]]]
    digest: str  # of all patterns

    @classmethod
    def load(cls, more: Iterable[str] = (), *, defaults: bool = True) -> Self:
        """The list that ships, and more.

        Args:
            more: Further patterns, for example `example.org` or `github.com/*/my-benchmark*`.
            defaults: Whether the list that ships is part of it.

        Raises:
            ConfigError: A pattern is neither a host nor a host and a path.
        """
        lines = [*(_shipped() if defaults else ()), *more]
        patterns: dict[str, list[tuple[str, ...]]] = {}
        for line in lines:
            host, segments = _parse(line)
            patterns.setdefault(host, []).append(segments)
        return cls(patterns, hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16])

    def match(self, target: Target) -> str:
        """The pattern that a URL falls under; empty when there is none."""
        return next((found for place in _places(target) if (found := self._match(*place))), "")

    def _match(self, host: str, segments: list[str]) -> str:
        labels = host.split(".")
        for start in range(len(labels) - 1):
            parent = ".".join(labels[start:])
            for pattern in self.patterns.get(parent, ()):
                if len(segments) >= len(pattern) and all(map(fnmatchcase, segments, pattern)):
                    return "/".join((parent, *pattern))
        return ""


def _shipped() -> list[str]:
    text = files("adjudge.tools.web").joinpath("blocklist.txt").read_text(encoding="utf-8")
    return [line for raw in text.splitlines() if (line := raw.partition("#")[0].strip())]


def _parse(line: str) -> tuple[str, tuple[str, ...]]:
    found = _PATTERN.fullmatch(re.sub(r"^https?://", "", line.strip().lower()))
    if found is None:
        raise ConfigError(
            "this is not a pattern of the block list",
            key="block",
            found=line,
            hint="write a host and perhaps the beginning of a path: example.org, or github.com/*/my-benchmark*",
        )
    return found.group(1), tuple(filter(None, found.group(2).split("/")))


def _places(target: Target) -> Iterator[tuple[str, list[str]]]:
    """The page itself, and every address that its path or query names."""
    path = target.path.lower()
    for _ in range(_DECODINGS):
        path = unquote(path)
    yield _original(target.host, path.partition("?")[0])
    for found in _HOST.finditer(path):
        yield _original(found.group(1), found.group(2))


def _original(host: str, path: str) -> tuple[str, list[str]]:
    """The host and path segments of the page that a mirror with a known form of address shows."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    if host.endswith(".translate.goog"):
        name = host.removesuffix(".translate.goog").replace("--", "\0").replace("-", ".").replace("\0", "-")
        return name, segments
    if host in _GITHUB:
        repository = segments[_GITHUB[host] :]
        return "github.com", [segment.partition("@")[0] for segment in repository]
    return host, segments
