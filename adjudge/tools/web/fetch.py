"""`fetch`: read a web page and return the passages of it that bear on a question.

    {kind: fetch}                       # only what a search or the case named
    {kind: fetch, allow: [wikipedia.org]}

What may be fetched: `named.py`; from which addresses: `addresses.py` and `network.py`; how: `client.py`. It runs no
JavaScript, logs in nowhere, sends no cookie and does not read robots.txt: it asks for one page on a person's behalf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from adjudge.errors import ConfigError, ToolError, shorten
from adjudge.tools.base import Tool, ToolContext, ToolOutput, tool
from adjudge.tools.documents import extract_pdf_pages
from adjudge.tools.web.blocking import BlockList
from adjudge.tools.web.named import is_named
from adjudge.tools.web.network import INTERNET, Network
from adjudge.tools.web.pages import ReadPdf, read_page, relevant
from adjudge.tools.web.urls import Target, target_of
from adjudge.tools.web.visit import visit
from adjudge.types import Evidence, Frozen

MAX_K = 20
MAX_SECONDS = 55.0  # below the time that a judgement gives any tool call
MIN_BYTES, MAX_BYTES = 1_000, 50_000_000
MAX_PORT = 65535

Allow = Literal["named", "any"] | tuple[str, ...]


class FetchSettings(Frozen):
    """`{kind: fetch}` in a graph file."""

    kind: Literal["fetch"]
    allow: Allow = Field(
        default="named",
        description="`named`: URLs that the case or a search named; a list of hosts: also everything there and on "
        "their subdomains; `any`: every public URL, which lets a page make the judge send out what it knows.",
    )
    k: int = Field(default=4, ge=1, le=MAX_K, description="Most passages of a page.")
    seconds: float = Field(default=20.0, gt=0, le=MAX_SECONDS, description="For a whole fetch, redirects included.")
    max_bytes: int = Field(
        default=5_000_000, ge=MIN_BYTES, le=MAX_BYTES, description="Of a page, on the wire and decompressed."
    )
    ports: tuple[int, ...] = Field(default=(80, 443), min_length=1, description="Ports that may be asked.")
    allow_private: bool = Field(
        default=False, description="Whether private and loopback addresses may be asked; metadata addresses never are."
    )
    block: tuple[str, ...] = Field(default=(), description="Further patterns of pages that are no evidence.")
    block_defaults: bool = Field(default=True, description="Whether the block list of benchmark pages is used.")


def build(settings: FetchSettings, base: Path) -> Tool:
    """The tool that a graph file asks for, PDFs included; `base` (the graph file's folder) plays no part."""
    return fetch(**settings.model_dump(exclude={"kind"}), read_pdf=extract_pdf_pages)


def fetch(
    *,
    allow: Literal["named", "any"] | Sequence[str] = "named",
    k: int = 4,
    seconds: float = 20.0,
    max_bytes: int = 5_000_000,
    ports: Sequence[int] = (80, 443),
    allow_private: bool = False,
    block: Sequence[str] = (),
    block_defaults: bool = True,
    read_pdf: ReadPdf | None = None,
    network: Network = INTERNET,
    name: str = "fetch",
) -> Tool:
    """A tool that reads a web page.

    Args:
        allow: What may be fetched; see `FetchSettings`, as for the other settings.
        k: Most passages of a page, 1 to 20.
        seconds: For a whole fetch, above 0 and at most 55.
        max_bytes: Of a page, on the wire and decompressed, 1,000 to 50,000,000.
        ports: Ports that may be asked.
        allow_private: Whether private and loopback addresses may be asked.
        block: Further patterns of pages that are no evidence.
        block_defaults: Whether the block list that ships is used.
        read_pdf: Reads a PDF into page numbers, counted from 1, and their text; without it PDFs are refused.
        network: How names are resolved and addresses reached, for tests and own networks.
        name: The tool's name for the model.

    Raises:
        ConfigError: A setting is out of range, or a host or pattern is none.
    """
    _check("k", k, 1, MAX_K)
    _check("seconds", seconds, 0.001, MAX_SECONDS)
    _check("max_bytes", max_bytes, MIN_BYTES, MAX_BYTES)
    for port in ports:
        _check("ports", port, 1, MAX_PORT)
    hosts = _hosts(allow)
    blocked = BlockList.load(block, defaults=block_defaults)
    policy = _Policy(allow == "any", hosts, frozenset(ports), allow_private, blocked, network, max_bytes)

    async def read(url: str, context: ToolContext, question: str = "") -> ToolOutput:
        """Read a web page and get the passages of it that bear on a question.

        Only pages that a search has found or that the case itself names can be read, unless the judge was set up to
        allow more. HTML, plain text, JSON and, where it is set up, PDF can be read; pages that need JavaScript or a
        login cannot.

        Args:
            url: The page's full address, exactly as the search or the case gives it.
            question: What you want to know from the page, in telling words: names, terms, dates. Without it the
                question of the case is used.
        """
        try:
            async with asyncio.timeout(seconds) as limit:
                return await _read(policy, url, question, context, k, read_pdf)
        except TimeoutError as error:
            if not limit.expired():
                raise ToolError("the page could not be read in time; try another source") from error
            raise ToolError(f"the page could not be read within {seconds:g} seconds; try another source") from error

    made_of = f"1:{allow}:{k}:{seconds}:{max_bytes}:{sorted(ports)}:{allow_private}:{blocked.digest}:{bool(read_pdf)}"
    return tool(read, name=name, fingerprint=made_of)


@dataclass(frozen=True)
class _Policy:
    """What a fetch may reach."""

    anywhere: bool
    hosts: tuple[str, ...]
    ports: frozenset[int]
    allow_private: bool
    blocked: BlockList
    network: Network
    max_bytes: int

    def on_hosts(self, target: Target) -> bool:
        """Whether the target lies on an allowed host or a subdomain of one."""
        return any(target.host == host or target.host.endswith(f".{host}") for host in self.hosts)

    def check_port(self, target: Target) -> None:
        """Refuse other ports.

        Raises:
            ToolError: The port may not be asked.
        """
        if target.port not in self.ports:
            allowed = ", ".join(map(str, sorted(self.ports)))
            raise ToolError(f"{target.authority} has the port {target.port}, and only these may be asked: {allowed}")


class _BlockedPage(Exception):
    """A page of the block list; the pattern that it matches."""


async def _read(
    policy: _Policy, url: str, question: str, context: ToolContext, k: int, read_pdf: ReadPdf | None
) -> ToolOutput:
    named = is_named(start := target_of(url), url, context.case, context.evidence)

    def may(target: Target) -> None:
        # A redirect from a named URL was decided by whoever named it; one from a URL that the model made up could
        # carry anything anywhere, so on allowed hosts it has to stay there.
        if not (named or policy.anywhere or policy.on_hosts(target)):
            raise ToolError(_not_allowed(target, policy))
        if pattern := policy.blocked.match(target):
            raise _BlockedPage(pattern)
        policy.check_port(target)

    try:
        target, answer = await visit(
            start, may, policy.network, most=policy.max_bytes, allow_private=policy.allow_private
        )
    except _BlockedPage as error:
        text = f"This page is kept out: it belongs to a benchmark ({error}). Look for another source."
        return ToolOutput(text, blocked=1)
    page = await read_page(answer, read_pdf)
    chosen, matched = await asyncio.to_thread(relevant, page, question.strip() or context.case.question, k)
    found = [
        Evidence(excerpt=page.pieces[n].text, source=target.url + page.pieces[n].place, title=page.title)
        for n in chosen
    ]
    which = "nearest to the question" if matched else "first; none shares a word with the question"
    return ToolOutput(f"{len(found)} of {len(page.pieces)} passages of the page, {which}.", tuple(found))


def _not_allowed(target: Target, policy: _Policy) -> str:
    more = f" or on {', '.join(policy.hosts)}" if policy.hosts else ""
    return (
        f"{shorten(target.url)} may not be fetched: only pages that the case names or a search has found{more} may be, "
        "by their exact address"
    )


def _hosts(allow: str | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(allow, str):
        return tuple(map(_host, allow))
    if allow not in ("named", "any"):
        raise ConfigError(
            "this is no way to allow pages", key="allow", found=allow, allowed=("named", "any", "[hosts]")
        )
    return ()


def _host(text: str) -> str:
    try:
        target = target_of(f"http://{text}/")
    except ToolError as error:
        problem, hint = "this is not a host", "write hosts as in `allow: [wikipedia.org]`, or `named` or `any`"
        raise ConfigError(problem, key="allow", found=text, hint=hint) from error
    if target.path != "/" or target.port != 80:
        hint = "write the host alone; ports are set by `ports`"
        raise ConfigError("this is more than a host", key="allow", found=text, hint=hint)
    return target.host


def _check(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{key} must lie from {low:,} to {high:,}", key=key, found=value)
