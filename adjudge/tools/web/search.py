"""`web_search`: pages of the web that bear on a query, with titles, addresses and excerpts.

    {kind: web_search}                                  # through ddgs
    web_search(provider=lambda query, k: [Hit("Middlemarch", "https://example.org/m", "A novel by …")])

Pages of benchmarks are dropped and counted (`blocking.py`); what was found is kept on disk (`cache.py`); engines are
asked no more than once in an interval (`pacing.py`). The query goes to the engine: what a model writes into it, the
engine reads.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from adjudge.errors import BadCall, ConfigError, ToolError
from adjudge.tools.base import Tool, ToolOutput, tool
from adjudge.tools.web.blocking import BlockList
from adjudge.tools.web.cache import Hit, SearchCache
from adjudge.tools.web.engines import Asking, EngineError, ask, available
from adjudge.tools.web.pacing import PACING
from adjudge.tools.web.urls import target_of
from adjudge.types import Evidence, Frozen

MAX_K = 20
MORE = 5  # hits asked for beyond k, so that blocked ones can be replaced
BUDGET = 45.0  # seconds for a search with all its waiting; below what a judgement gives any tool call
PATIENCE = 2.0  # seconds to wait for an engine's turn when there is another engine to ask
TRIES = 3  # of an engine that turns us away, when it is the only one
QUERY_CHARS = 400
TITLE_CHARS, SNIPPET_CHARS = 300, 1000
REGION = r"[a-z]{2}-[a-z]{2}"
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")

Provider = Callable[[str, int], Sequence[Hit] | Awaitable[Sequence[Hit]]]


class WebSearchSettings(Frozen):
    """`{kind: web_search}` in a graph file."""

    kind: Literal["web_search"]
    k: int = Field(default=5, ge=1, le=MAX_K, description="Most pages per search.")
    backend: str = Field(
        default="auto",
        min_length=1,
        description="A search engine that ddgs knows, several with commas in between (the next is asked when one "
        "finds nothing or fails), or `auto`.",
    )
    region: str = Field(default="us-en", pattern=f"^{REGION}$", description="Country and language: `de-de`, `uk-en`.")
    safesearch: Literal["on", "moderate", "off"] = Field(default="moderate", description="Where the engine has it.")
    interval: float = Field(default=1.0, ge=0, le=30, description="Least seconds between two calls of one engine.")
    cache_days: float = Field(default=7.0, ge=0, description="How long a search is kept on disk; 0: not at all.")
    block: tuple[str, ...] = Field(default=(), description="Further patterns of pages that are no evidence.")
    block_defaults: bool = Field(default=True, description="Whether the block list of benchmark pages is used.")


def build(settings: WebSearchSettings, base: Path) -> Tool:
    """The tool that a graph file asks for; `base` (the graph file's folder) plays no part."""
    return web_search(**settings.model_dump(exclude={"kind"}))


def web_search(
    *,
    k: int = 5,
    provider: Provider | None = None,
    backend: str = "auto",
    region: str = "us-en",
    safesearch: Literal["on", "moderate", "off"] = "moderate",
    interval: float = 1.0,
    cache_days: float = 7.0,
    block: Sequence[str] = (),
    block_defaults: bool = True,
    name: str = "web_search",
) -> Tool:
    """A tool that searches the web.

    Args:
        k: Most pages per search, 1 to 20.
        provider: Your own search: a function, async or not, of query and most hits. It is called each time: it paces
            and caches by itself, and `backend` to `cache_days` play no part.
        backend: Which engines ddgs asks; see `WebSearchSettings`, as for the other settings.
        region: Country and language.
        safesearch: How engines that can do so filter their results.
        interval: Least seconds between two calls of one engine, 0 to 30, in the whole process.
        cache_days: How long a search is kept on disk, in days.
        block: Further patterns of pages that are no evidence.
        block_defaults: Whether the block list that ships is used.
        name: The tool's name for the model.

    Raises:
        ConfigError: A setting is out of range, or there is no such engine.
        MissingPackage: There is no provider, and ddgs is not installed.
    """
    _check("k", k, 1, MAX_K)
    _check("interval", interval, 0, 30)
    if not re.fullmatch(REGION, region):
        raise ConfigError("this is no region", key="region", found=region, hint="write country and language: us-en")
    blocked = BlockList.load(block, defaults=block_defaults)
    if provider is None:
        engines = available(backend)
        asking = Asking(k + MORE, region, safesearch)
        cache = SearchCache((*engines, *asking), cache_days * 86_400)
        own: _Provided | _Engines = _Engines(engines, asking, interval, cache)
        made_of = f"{cache.settings}"
    else:
        own, made_of = _Provided(provider, k + MORE), getattr(provider, "__qualname__", type(provider).__name__)

    async def search(query: str) -> ToolOutput:
        """Search the web; gives titles, addresses and short excerpts of pages.

        An excerpt is a hint, not the page: to read more of a page, fetch its address where there is a tool for that.
        When nothing fits, search again with other words, or for one fact at a time.

        Args:
            query: A few telling words, for example `Middlemarch novel author`. It is sent to a search engine.
        """
        wanted = _BLANK.sub(" ", query).strip()[:QUERY_CHARS].encode("utf-8", "replace").decode()
        if not wanted:
            raise BadCall("the query is empty; give a few words that the page you look for would contain")
        return _output(await own.search(wanted), k, blocked)

    return tool(search, name=name, fingerprint=f"1:{made_of}:{k}:{blocked.digest}")


class _Provided(NamedTuple):
    """A search of the user's own."""

    provider: Provider
    most: int

    async def search(self, query: str) -> list[Hit]:
        if inspect.iscoroutinefunction(self.provider):
            found = await self.provider(query, self.most)
        else:
            found = await asyncio.to_thread(self.provider, query, self.most)
            if inspect.isawaitable(found):  # an async function in a wrapper
                found = await found
        try:
            hits = [Hit(*hit) for hit in found]
        except TypeError as error:
            raise ToolError("the search provider did not return a list of (title, url, snippet)") from error
        if not all(isinstance(part, str) for hit in hits for part in hit):
            raise ToolError("the search provider returned a hit whose title, url or snippet is no text")
        return hits


class _Engines(NamedTuple):
    """Engines of ddgs, asked in turn until one finds something."""

    names: list[str]
    how: Asking
    interval: float
    cache: SearchCache

    async def search(self, query: str) -> list[Hit]:
        if (known := self.cache.find(query)) is not None:
            return known
        try:
            async with asyncio.timeout(BUDGET):
                return await self._in_turn(query)
        except TimeoutError as error:
            raise ToolError(f"the search service did not answer within {BUDGET:g} seconds") from error

    async def _in_turn(self, query: str) -> list[Hit]:
        end = time.monotonic() + BUDGET
        failures: list[EngineError] = []
        empty = False
        for place, name in enumerate(self.names):
            left = end - time.monotonic()
            patience = left if place == len(self.names) - 1 else min(left, PATIENCE)
            try:
                hits = await self._ask(name, query, patience)
            except EngineError as error:
                failures.append(error)
                continue
            if hits:
                self.cache.put(query, hits)
                return hits
            empty = True
        if empty:
            return []
        raise _no_service(failures)

    async def _ask(self, name: str, query: str, patience: float) -> list[Hit]:
        """One engine's hits; the only engine is asked again after a pause when it turns us away."""
        end = time.monotonic() + patience
        for left in reversed(range(TRIES if len(self.names) == 1 else 1)):
            wait = PACING.reserve(name, self.interval, end - time.monotonic())
            if wait is None:
                raise EngineError(f"{name} has more searches waiting than it may be asked", "too_often")
            await asyncio.sleep(wait)
            if wait and (known := self.cache.find(query)) is not None:
                return known  # the same search was ahead in the queue
            try:
                hits = await asyncio.to_thread(ask, name, query, self.how)
            except EngineError as error:
                if error.why != "too_often":
                    raise
                PACING.refused(name)
                if not left:
                    raise
                continue
            PACING.answered(name)
            return hits
        raise AssertionError("the last try returns or raises")


def _no_service(failures: Sequence[EngineError]) -> ToolError:
    told = "; ".join(map(str, failures))
    if all(failure.why == "unreachable" for failure in failures):
        return ToolError(f"the search service cannot be reached, so nothing can be searched on the web: {told}")
    if all(failure.why == "too_often" for failure in failures):
        return ToolError(f"the search service was asked too often; go on with what you have: {told}")
    return ToolError(f"the search service failed: {told}")


def _output(hits: Sequence[Hit], k: int, blocked: BlockList) -> ToolOutput:
    """Hits as evidence: without pages that are kept out, addresses that are none, and repetitions."""
    found: dict[str, Evidence] = {}
    dropped = 0
    for hit in hits:
        try:
            target = target_of(hit.url)
        except ToolError:
            continue
        if blocked.match(target):
            dropped += 1
        elif len(found) < k:
            title = _line(hit.title, TITLE_CHARS)
            excerpt = _line(hit.snippet, SNIPPET_CHARS) or title
            found.setdefault(target.url, Evidence(excerpt=excerpt, source=target.url, title=title))
    if found:
        return ToolOutput(evidence=tuple(found.values()), blocked=dropped)
    note = " All that was found are pages of benchmarks, which are kept out." if dropped else ""
    return ToolOutput(f"No results.{note}", blocked=dropped)


def _line(text: str, limit: int) -> str:
    line = _BLANK.sub(" ", text).strip().encode("utf-8", "replace").decode()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _check(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{key} must lie from {low} to {high}", key=key, found=value)
