"""Ask a search engine through the package `ddgs`, one engine at a time.

    hits = ask("duckduckgo", "Middlemarch novel author", Asking())

We call the package's engines rather than its `DDGS().text`: that takes every answer but 200 for an empty one, so that
"429 Too Many Requests" and a captcha come out as "No results found.", and its `RatelimitException` is never raised
(read in ddgs 9.16). Here the status is seen. An engine whose page has changed or that shows a captcha with status 200
still looks as if it had found nothing.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from adjudge.errors import ConfigError, MissingPackage, ToolError, shorten
from adjudge.tools.web.cache import Hit

# General engines first, each with an index of its own before those that share one; Wikipedia gives one page at most.
AUTO = ("duckduckgo", "brave", "mojeek", "startpage", "yahoo", "wikipedia")
_TOO_OFTEN = (202, 403, 429, 503)  # how engines turn a program away

Why = Literal["unreachable", "too_often", "failed"]


class EngineError(ToolError):
    """An engine gave no answer.

    Args:
        message: What happened.
        why: `unreachable` (no connection, no answer in time), `too_often` (it turned us away) or `failed`.
    """

    def __init__(self, message: str, why: Why) -> None:
        super().__init__(message)
        self.why = why


class Asking(NamedTuple):
    """How an engine is asked."""

    k: int = 10  # most hits
    region: str = "us-en"  # country and language
    safesearch: Literal["on", "moderate", "off"] = "moderate"
    seconds: int = 10  # for each request of an engine; a few need two


def available(backend: str) -> list[str]:
    """The engines that a `backend` setting names, in the order in which they are asked.

    Args:
        backend: `auto`, or names separated by commas.

    Raises:
        ConfigError: A name is not among the engines of the installed ddgs.
        MissingPackage: ddgs is not installed.
    """
    engines = _engines()
    if backend == "auto":
        return [name for name in AUTO if name in engines]
    names = [name.strip() for name in backend.split(",")]
    for name in names:
        if name not in engines:
            allowed = ["auto", *sorted(engines)]
            raise ConfigError("there is no such search engine", key="backend", found=name, allowed=allowed)
    return names


def ask(name: str, query: str, how: Asking) -> list[Hit]:
    """What one engine finds, in its own order. It blocks: call it in a thread.

    Raises:
        EngineError: The engine gave no answer.
    """
    engine = _engines()[name](timeout=how.seconds)
    statuses: list[int] = []
    engine.http_client = _Watched(engine.http_client, statuses)
    try:
        results = engine.search(query, region=how.region, safesearch=how.safesearch) or []
        hits = [Hit(str(found.title), str(found.href), str(found.body)) for found in results[: how.k]]
    except Exception as error:  # connections, and whatever reading a page that has changed can raise
        if not statuses:
            raise EngineError(f"{name} cannot be reached: {shorten(str(error), 160)}", "unreachable") from error
        raise _turned_away(name, statuses[-1]) or EngineError(
            f"the answer of {name} cannot be read: {type(error).__name__}", "failed"
        ) from error
    if not hits and (refused := _turned_away(name, statuses[-1] if statuses else 0)):
        raise refused
    return hits


class _Watched:
    """The client of an engine; the status of each answer is noted."""

    def __init__(self, client: Any, statuses: list[int]) -> None:
        self._client = client
        self._statuses = statuses

    def request(self, *args: Any, **more: Any) -> Any:
        response = self._client.request(*args, **more)
        self._statuses.append(response.status_code)
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _turned_away(name: str, status: int) -> EngineError | None:
    if status == 200:
        return None
    if status in _TOO_OFTEN:
        return EngineError(f"{name} turned us away with status {status}: it was asked too often", "too_often")
    return EngineError(f"{name} answered with status {status}", "failed")


def _engines() -> dict[str, Any]:
    try:
        from ddgs.engines import ENGINES
    except ImportError as error:
        raise MissingPackage(
            error.name or "ddgs", needed_for="web search", install="pip install 'adjudge[web]', or give `provider`"
        ) from error
    return dict(ENGINES["text"])
