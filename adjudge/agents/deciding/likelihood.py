"""`likelihood` and `likelihood_gain`: which response does the model itself find likelier, given the evidence?

    likelihood       s_i = mean over the tokens of response i of log p(token | evidence, question, tokens before)
    likelihood_gain  s_i minus the same without evidence

Ours, for models too small to write a verdict: they need not follow an instruction, only read. The result does not
depend on the order of the responses, so a case is judged once. Nothing is written, so the rationale stays empty.
Confidence is softmax(s) at the winner, an uncalibrated number. Citations are the items without which the winner's
lead over the runner-up shrinks most (leave one out).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from adjudge.agents.deciding.question import Question
from adjudge.agents.prompts import fill, prompt
from adjudge.agents.work import Report
from adjudge.errors import ModelError
from adjudge.fences import clean
from adjudge.types import Evidence, Message, Scale, Verdict, ranking_of, winner_of
from adjudge.types.messages import user


class Reading(NamedTuple):
    """Mean log-probability per token of each response, in natural logarithm."""

    means: tuple[float, ...]

    def lead(self, winner: int) -> float:
        """How far a response is ahead of the best other one; negative when it is behind."""
        others = [value for place, value in enumerate(self.means) if place != winner]
        return self.means[winner] - max(others)


async def read_likelihood(question: Question, *, gain: bool, max_evidence: int, citations: int) -> Report:
    """Decide by the likelihood of the responses.

    Args:
        question: What to decide.
        gain: Subtract the likelihood without evidence.
        max_evidence: How many items of evidence the model reads, first found first.
        citations: How many items are cited at most; 0 saves one call for each item.
    """
    items = list(question.run.evidence.values())[:max_evidence]
    full = await _read(question, items, 0)
    means = full.means
    if gain and items:
        bare = await _read(question, [], 1)
        means = tuple(a - b for a, b in zip(full.means, bare.means, strict=True))
    cited: tuple[str, ...] = ()
    if citations and items:
        cited = await _attribute(question, items, Reading(means), full, citations)
    return Report(outcome=_verdict(means, question.setting.scale, cited))


async def _attribute(
    question: Question, items: Sequence[Evidence], decided: Reading, full: Reading, most: int
) -> tuple[str, ...]:
    """Items whose removal shrinks the winner's lead, most first."""
    winner = max(range(len(decided.means)), key=decided.means.__getitem__)
    shrinks: list[tuple[float, str]] = []
    for number, item in enumerate(items):
        rest = [other for other in items if other is not item]
        without = await _read(question, rest, 2 + number)
        # what is subtracted for likelihood_gain is the same with and without the item, so it drops out
        change = full.lead(winner) - without.lead(winner)
        if change > 0:
            shrinks.append((change, item.name))
    shrinks.sort(key=lambda pair: -pair[0])
    return tuple(name for _, name in shrinks[:most])


async def _read(question: Question, items: Sequence[Evidence], attempt: int) -> Reading:
    case = question.work.case
    continuations = [case.responses[index].render() for index in question.work.order]
    at = question.work.at(attempt=attempt)
    scored = await question.run.score(at, question.setting.model, reading_prompt(case.question, items), continuations)
    if len(scored.logprobs) != len(continuations):
        found = f"{len(scored.logprobs)} rows for {len(continuations)} responses"
        raise ModelError(f"the model returned {found}", kind="malformed")
    return Reading(tuple(map(_mean, scored.logprobs)))


def _mean(row: Sequence[float]) -> float:
    if not row:
        raise ModelError("a response without tokens has no likelihood", kind="rejected")
    mean = math.fsum(row) / len(row)
    if not math.isfinite(mean):
        raise ModelError(f"the model gave a response the log-probability {mean}", kind="malformed")
    return mean


def reading_prompt(question: str, items: Sequence[Evidence]) -> list[Message]:
    """What the model reads before a response. Nobody is asked to obey anything here, so the texts stand bare."""
    texts = (clean(f"{item.title}\n{item.excerpt}" if item.title else item.excerpt) for item in items)
    passages = "".join(f"{text}\n\n" for text in texts)
    return [user(fill(prompt("reading"), passages=passages, question=clean(question)))]


def _verdict(means: tuple[float, ...], scale: Scale, citations: tuple[str, ...]) -> Verdict:
    peak = max(means)
    weights = [math.exp(value - peak) for value in means]
    shares = [weight / sum(weights) for weight in weights]
    low, high = (scale.low, scale.high) if scale.numeric else (0.0, 1.0)
    scores = tuple(low + (high - low) * share for share in shares)
    return Verdict(
        scores=scores,
        winner=winner_of(means),
        ranking=ranking_of(means),
        citations=citations,
        confidence=max(shares),
    )
