"""Best of n: candidates from any model or agent, and the one that a judge ranks first.

    selected = await aselect(judge, "Who wrote Middlemarch?", "openai:gpt-4o-mini", n=8)
    selected.response.text, selected.ranking.outcome.scores

Response selection as in OpenRM; which comparisons are made says `Judge.arank`. Candidates are not kept in the judge's
journal: only its own calls are.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adjudge.errors import ConfigError, ModelError
from adjudge.judge import Judge
from adjudge.judge.portal import shared_portal
from adjudge.models import ChatModel, ModelSpec, Sampling
from adjudge.models.images import resolve_images
from adjudge.selection.generators import Candidate, Function, Generator, Prompt, generator_of, told
from adjudge.selection.strategies import own_strategy
from adjudge.tools.web import fetch_image
from adjudge.types import Case, Position, Ranking, RankResult, Response, Strategy, letter

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable


@dataclass(frozen=True, slots=True)
class Failure:
    """A candidate that took part in no comparison."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Selected:
    """The candidate that was chosen.

    `response` and `index` are None where the judge has no verdict at all; `ranking` then says why. Of candidates with
    the same score the first is chosen, and the ranking's `winner` is `tie`.
    """

    response: Response | None
    index: int | None  # 0-based, among the case's responses
    case: Case  # with all candidates, the failed ones as incomplete responses
    ranking: RankResult
    failures: tuple[Failure, ...] = ()


async def aselect(
    judge: Judge,
    prompt: Prompt | Case,
    generate: Function | ChatModel | ModelSpec | str | Runnable[Any, Any],
    n: int = 4,
    *,
    strategy: Strategy | None = None,
    budget: int | None = None,
    confidence: float = 0.95,
    sampling: Sampling | None = None,
    seed: int = 0,
    concurrency: int = 8,
    timeout: float = 600.0,
) -> Selected:
    """Draw candidates side by side, and have a judge choose.

    Args:
        judge: Who chooses. It sees nothing of who wrote a candidate.
        prompt: Text or messages, or a case without responses, for one with a reference, documents or a rubric.
        generate: Who writes. A function `(prompt) -> str | Response`, plain (it runs in a thread) or async, which may
            also take `index` (0-based) or `seed`, or the index as its second argument; a model, its specification or
            its name; a LangGraph graph or LangChain runnable. A graph whose state has `messages` gets the prompt
            there, and its whole conversation becomes the response.
        n: How many candidates.
        strategy: How they are ranked, see `Judge.arank`; by default as the judge's graph is written: `adaptive`, in
            search of the best, where it compares pairs.
        budget: Most comparisons; None: as many as the strategy wants.
        confidence: In [0, 1]; `adaptive` stops when it is so sure of the best.
        sampling: How a model is sampled; by default at temperature 1, or as its specification says.
        seed: From which each candidate's own seed is derived, for generators that take one.
        concurrency: Candidates that are written side by side.
        timeout: Seconds for each candidate.

    Raises:
        ConfigError: The generator is none, `n` is below 1, the case has responses already, or the graph cannot rank.
        CaseError: An image of the prompt cannot be had.
        ModelError: No candidate can be compared: all failed, were cut off or are empty. The first reason is named.
        JournalError: The judge's journal cannot be used.
    """
    asked = prompt if isinstance(prompt, Case) else Case(prompt=prompt)
    if n < 1 or concurrency < 1:
        raise ConfigError("this should be at least 1", key="n" if n < 1 else "concurrency", found=min(n, concurrency))
    if asked.responses:
        raise ConfigError("the case has responses already", key="prompt", hint="`judge.rank(case)` ranks them")
    resolved = await resolve_images(asked, judge.images, fetch_image)
    generator = generator_of(generate, resolved.prompt, sampling)
    candidates = await _drawn(generator, asked.id, n, seed, concurrency, timeout)
    failures = tuple(Failure(i, candidate.failure) for i, candidate in enumerate(candidates) if candidate.failure)
    if len(failures) == n:
        first = failures[0].reason
        raise ModelError(f"none of {n} candidates can be compared; the first: {first}", kind="malformed")
    case = asked.model_copy(update={"responses": tuple(candidate.response for candidate in candidates)})
    alone = len(failures) == n - 1
    ranking = await judge.arank(
        case,
        strategy="adaptive" if alone else strategy or own_strategy(judge),  # which calls nobody for a single one
        budget=budget,
        confidence=confidence,
        goal="best",
    )
    index = _first(ranking)
    return Selected(None if index is None else case.responses[index], index, case, ranking, failures)


def select(
    judge: Judge,
    prompt: Prompt | Case,
    generate: Function | ChatModel | ModelSpec | str | Runnable[Any, Any],
    n: int = 4,
    *,
    strategy: Strategy | None = None,
    budget: int | None = None,
    confidence: float = 0.95,
    sampling: Sampling | None = None,
    seed: int = 0,
    concurrency: int = 8,
    timeout: float = 600.0,
) -> Selected:
    """`aselect`, and wait for it; `generate` is then called in another thread, whose event loop all judges share."""
    return shared_portal().call(
        lambda: aselect(
            judge,
            prompt,
            generate,
            n,
            strategy=strategy,
            budget=budget,
            confidence=confidence,
            sampling=sampling,
            seed=seed,
            concurrency=concurrency,
            timeout=timeout,
        )
    )


async def _drawn(
    generator: Generator, name: str, n: int, seed: int, concurrency: int, timeout: float
) -> list[Candidate]:
    turns = asyncio.Semaphore(concurrency)

    async def draw(number: int) -> Candidate:
        own = Position(name, "candidate", sample=number).seed(seed)
        limit = asyncio.timeout(timeout)
        try:
            async with turns, limit:
                return await generator.draw(number, own)
        except Exception as error:  # noqa: BLE001 - whatever somebody else's generator raises costs this candidate
            reason = f"it took longer than {timeout:g} seconds" if limit.expired() else told(error)
            return Candidate(Response(complete=False), reason)

    try:
        return await asyncio.gather(*(draw(number) for number in range(n)))
    finally:
        if generator.model is not None:
            await generator.model.aclose()


def _first(ranking: RankResult) -> int | None:
    """The response that stands first, 0-based."""
    if not isinstance(ranking.outcome, Ranking):
        return None
    names = [letter(index) for index in range(len(ranking.outcome.scores))]
    return names.index(ranking.outcome.ranking[0])
