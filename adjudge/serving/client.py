"""Trainers' side of the server: reward functions for TRL and verl.

    trainer = GRPOTrainer(..., reward_funcs=RemoteReward("http://127.0.0.1:8100", graph="rubric", penalty=1.0))

While the server is away or busy a request is sent again, for `patience` seconds. What still has no reward then is None
for TRL, which leaves it out; verl cannot leave anything out, so there it is an error. No number is made up.
OpenRLHF has its own client: give it the URL of `/get_reward`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from adjudge.errors import ConfigError, ModelError
from adjudge.judge import shared_portal
from adjudge.judge.reward_function import COLUMNS, RewardFunction
from adjudge.judge.rewarding import Rewarded
from adjudge.models.server.failures import redact, retry_after
from adjudge.models.server.http import Http, read
from adjudge.types import Case, Strategy

logger = logging.getLogger(__name__)

TIMEOUT = 600.0  # seconds for one request
PATIENCE = 600.0  # seconds in which it is sent again
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between two tries; the last one for all further ones
_LONGEST_TEXT = 400  # characters of the server's own words
_ASKED = ("question", "prompt")


class _Told(NamedTuple):
    """What came back."""

    status: int
    retry_after: float | None  # seconds
    body: bytes


class Remote:
    """A server and how it is asked. What is sent goes there and nowhere else: no proxy is used, no redirect followed.

    Args:
        url: Where it is, for example `http://127.0.0.1:8100`.
        token: Its token; None: the variable ADJUDGE_TOKEN, where it is set, which keeps the token out of pickles.
        timeout: Seconds for one request.
        patience: Seconds in which a request is sent again while the server is away or busy; 0: it is sent once.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = TIMEOUT, patience: float = PATIENCE
    ) -> None:
        self.url = url
        self.timeout = timeout
        self.patience = patience
        self._given = token
        self._http: Http | None = None

    def __repr__(self) -> str:
        return f"Remote({self.url!r}, timeout={self.timeout:g}, patience={self.patience:g})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_http": None}

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a request, again and again where that may help, and wait for the reply.

        Raises:
            ModelError: The server was away or busy for longer than `patience`, or what came back is no reply.
            ConfigError: It refused the request, and would refuse it again.
        """
        raw = json.dumps(body, default=_plain).encode()
        return shared_portal().call(self._patiently, path, raw)

    def close(self) -> None:
        """Close its connections; another request makes new ones."""
        if self._http is not None:
            shared_portal().call(self._http.aclose)

    async def _patiently(self, path: str, body: bytes) -> Any:
        until = time.monotonic() + self.patience
        tries = 0
        while True:
            try:
                return await self._once(path, body)
            except ModelError as error:
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)] if error.retry_after is None else error.retry_after
                if not error.retryable or time.monotonic() + pause > until:
                    raise
                logger.info("no reward from %s, asking again in %g s: %s", self.url, pause, error)
            await asyncio.sleep(pause)
            tries += 1

    async def _once(self, path: str, body: bytes) -> Any:
        token = self._given or os.environ.get("ADJUDGE_TOKEN") or None
        http = self._connection(token)

        async def take(response: Any) -> _Told:  # httpx's, which is imported in two places only
            wait = retry_after(response.headers.get("retry-after"))
            return _Told(response.status_code, wait, await read(response, http.where))

        told = await http.exchange(http.root_url(path), body, self.timeout, take)
        if told.status != 200:
            self._refused(told, token)
        try:
            return json.loads(told.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ModelError(
                f"{self.url} answered with something that is not JSON: {error}", kind="malformed"
            ) from error

    def _connection(self, token: str | None) -> Http:
        if self._http is None:
            try:
                self._http = Http(self.url, token)
            except ConfigError as error:
                problem = error.problem.replace("base_url", "the url").replace("api_key", "the token")
                key = "token" if error.key == "api_key" else "url"
                raise ConfigError(problem, key=key, found=error.found) from None
        return self._http

    def _refused(self, told: _Told, token: str | None) -> NoReturn:
        words = redact(_words(told.body), token)
        if told.status >= 500 or told.status in (408, 429):
            problem = f"{self.url} answered {told.status}: {words}"
            raise ModelError(problem, retryable=True, retry_after=told.retry_after, status=told.status)
        hint = "set ADJUDGE_TOKEN to the server's token" if told.status == 401 else None
        raise ConfigError(f"{self.url} refuses this with {told.status}: {words}", hint=hint)


class RemoteReward(RewardFunction):
    """A server as a reward function of TRL: `f(prompts, completions, completion_ids, **columns) -> list[float | None]`.

    It is picklable, and blocks until all rewards are there.

    Args:
        url: Where the server is.
        graph: The judge; may be left out where only one is served.
        strategy: `pointwise` scores each completion by itself; the others rank it among those of the same prompt.
        penalty: Reward of a completion that is empty or cut off; None leaves it out.
        max_completion_length: Tokens at which a completion counts as cut off: the trainer's setting of this name.
        token: See `Remote`.
        timeout: See `Remote`.
        patience: See `Remote`; after it, all rewards of the batch are None.
        name: How the trainer's log calls it.

    Raises:
        ConfigError: The server refuses the request, and would refuse it again.
    """

    def __init__(
        self,
        url: str,
        *,
        graph: str | None = None,
        strategy: Strategy = "pointwise",
        penalty: float | None = None,
        max_completion_length: int | None = None,
        token: str | None = None,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        name: str | None = None,
    ) -> None:
        super().__init__(
            strategy=strategy,
            penalty=penalty,
            max_completion_length=max_completion_length,
            name=name or graph or "judge",
        )
        self.remote = Remote(url, token, timeout, patience)
        self.graph = graph

    def judged(self, cases: Sequence[Case]) -> list[Rewarded]:
        """Ask the server; no reward where there is no answer."""
        rows = [case.model_dump(mode="json", exclude_defaults=True) for case in cases]
        asked = {"graph": self.graph, "strategy": self.strategy, "penalty": self.penalty}
        try:
            return _rewarded(self.remote.post("/v1/rewards", {**asked, "cases": rows}), len(cases), self.remote.url)
        except ModelError as error:
            logger.warning("%d completions have no reward: %s", len(cases), error)
            return [Rewarded(None, f"model_failure: {error}")] * len(cases)

    def close(self) -> None:
        """Close the connections to the server."""
        self.remote.close()


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    url: str,
    graph: str | None = None,
    penalty: float | None = None,
    token: str | None = None,
    patience: float = PATIENCE,
    **_: Any,
) -> dict[str, Any]:
    """A server as the reward function of verl.

        custom_reward_function.path=pkg://adjudge.serving.client custom_reward_function.name=compute_score
        +custom_reward_function.reward_kwargs.url=http://127.0.0.1:8100

    Args:
        data_source: Not used.
        solution_str: The response.
        ground_truth: The reference answer, where it is text.
        extra_info: Holds the prompt as `question` or `prompt`, and what else of `COLUMNS` the case shall have.
        url: Where the server is.
        graph: The judge.
        penalty: Score of an empty response.
        token: See `Remote`.
        patience: See `Remote`.

    Raises:
        ModelError: There was no score for `patience` seconds. verl's manager `limited` makes 0.0 of any error; the
            others (`naive`, `dapo`, …) stop.
        ConfigError: The server refuses the request.
    """
    info = {name: value for name, value in (extra_info or {}).items() if name in (*_ASKED, *COLUMNS)}
    body = {"data_source": data_source, "solution_str": solution_str, "ground_truth": ground_truth, "extra_info": info}
    remote = _remote(url, token, patience)
    found = remote.post("/v1/rewards", {"graph": graph, "penalty": penalty, **body})
    if not isinstance(found, dict) or _number(found.get("score")) is None:
        raise ModelError(f"{url} answered with something that is no score", kind="malformed")
    return found


@lru_cache(maxsize=16)
def _remote(url: str, token: str | None, patience: float) -> Remote:
    """One for all calls: each holds connections."""
    return Remote(url, token, patience=patience)


def _rewarded(told: Any, count: int, url: str) -> list[Rewarded]:
    """The rewards of a reply.

    Raises:
        ModelError: They are not one number or null for each case.
    """
    rewards = told.get("rewards") if isinstance(told, dict) else None
    reasons = told.get("reasons") if isinstance(told, dict) else None
    if not isinstance(rewards, list) or len(rewards) != count:
        found = f"{len(rewards)} rewards" if isinstance(rewards, list) else "no list of rewards"
        raise ModelError(f"{url} answered with {found} for {count} cases", kind="malformed")
    if any(reward is not None and _number(reward) is None for reward in rewards):
        raise ModelError(f"{url} answered with a reward that is no number", kind="malformed")
    texts = reasons if isinstance(reasons, list) and len(reasons) == count else [""] * count
    return [Rewarded(_number(reward), str(reason or "")) for reward, reason in zip(rewards, texts, strict=True)]


def _number(value: object) -> float | None:
    """A finite number; a bool is none."""
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None  # type: ignore[arg-type]  # a number by now


def _words(body: bytes) -> str:
    """What the server says is wrong."""
    text = body[: 2 * _LONGEST_TEXT].decode("utf-8", "replace")
    try:
        told = json.loads(body)["error"]
        text = "; ".join(str(told[key]) for key in ("message", "key", "hint") if told.get(key))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return " ".join(text.split())[:_LONGEST_TEXT]


def _plain(value: Any) -> Any:
    """Arrays and numbers of numpy as JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")
