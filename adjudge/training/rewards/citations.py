"""Citations: whether what is cited was retrieved, and supports what the judge decided for.

After ALCE's citation recall and precision (arXiv 2305.14627), with a lexical measure of ours in place of its
entailment model, so that training needs no second model:

    support(s, e) = |W(s) ∩ W(e)| / |W(s)|          # W: words; of a sentence less those of the question
    recall    = mean over the sentences s of the claims of max over the cited items e of support(s, e)
    precision = items that support some sentence best, by `enough` or more / all names cited
    R         = 2 precision recall / (precision + recall)

The claims are the winning response, which the policy can choose but not write. Where no response wins (one response,
steps, a tie, a listwise tie) they are the rationale, and of an answer its text. A name that was not retrieved
supports nothing and is counted among those cited. Nothing cited is 0.

Paid beside a right verdict only (ours), since else it would pay for the response that shares more words with what was
found: the very shortcut that a judge must not learn.

Hacks: citing everything (each sentence credits one item, the first that supports it best, so the rest lower
precision), inventing names, citing the same item twice (counted once). Open: a negation shares the words of what it
denies, so support does not see it; a rationale that copies an item, where the rationale is what is measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from adjudge.errors import ConfigError
from adjudge.tools.corpus.words import words
from adjudge.training.rewards.verdict import Gated
from adjudge.training.rollouts import Rollout
from adjudge.types import Answer, Verdict, letter

_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class Faithfulness(Gated):
    """From 0 to 1.

    Attributes:
        enough: Share of a sentence's words that an item has to hold to count as support; ours.

    Raises:
        ConfigError: enough is not in (0, 1].
    """

    name = "citations"
    enough: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.enough <= 1:
            raise ConfigError("enough is a share above 0, at most 1", key="enough", found=self.enough)

    def worth(self, rollout: Rollout) -> float:
        """The harmonic mean of citation precision and recall."""
        cited = list(dict.fromkeys(rollout.citations))
        question = set(words(rollout.case.question))
        texts = {item.name: f"{item.title}\n{item.excerpt}" for item in rollout.evidence}
        items = [set(words(texts[name])) for name in cited if name in texts]
        sentences = [found for text in _END.split(claims(rollout)) if (found := set(words(text)) - question)]
        if not items or not sentences:
            return 0.0
        best = [_best(sentence, items) for sentence in sentences]
        recall = math.fsum(share for share, _ in best) / len(best)
        precision = len({place for share, place in best if share >= self.enough}) / len(cited)
        return 2 * precision * recall / (precision + recall) if precision else 0.0


def claims(rollout: Rollout) -> str:
    """What has to be supported: the winning response, else the rationale; of an answer its text."""
    outcome = rollout.outcome
    if isinstance(outcome, Answer):
        return outcome.text
    if not isinstance(outcome, Verdict):
        return ""
    responses = rollout.case.responses
    names = [letter(place) for place in range(len(responses))]
    won = outcome.winner if len(responses) > 1 else None
    return responses[names.index(won)].render() if won in names else outcome.rationale


def _best(sentence: set[str], items: Sequence[set[str]]) -> tuple[float, int]:
    """The largest support of a sentence, and the place of the first item that gives it."""
    shares = [len(sentence & item) / len(sentence) for item in items]
    return max(shares), shares.index(max(shares))
