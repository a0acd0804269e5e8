"""Choose, among paraphrases of both responses, the two whose lexical differences point where a coin says (ours).

For each pair, two coins are thrown: shall the good response be the longer one, and shall it share more words with its
document and with what a search returns? Of several paraphrases of each side, the two are taken that agree best. So none
of these differences tells which response is good, as far as paraphrase can hide it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

from adjudge.training.synth.kinds import STOP

_WORD = re.compile(r"\w+")


class Traits(NamedTuple):
    """What a cheap explanation looks at; the difference between two responses counts."""

    overlap: float  # share of its content words that the document has, [0, 1]
    length: float  # characters
    found: float  # share of its content words that the retrieved passages have, [0, 1]
    bm25: float  # best score of question and response
    asked: float  # content words that the question has too


def content(text: str) -> set[str]:
    """The words of a text that carry meaning, in lower case."""
    return set(_WORD.findall(text.lower())) - STOP


def overlap(text: str, evidence: set[str]) -> float:
    """The share of a text's content words that the evidence has, [0, 1]."""
    words = content(text)
    return len(words & evidence) / len(words) if words else 0.0


def match(
    good: Sequence[str], bad: Sequence[str], traits: Callable[[str], Traits], chance: random.Random
) -> tuple[str, str]:
    """The two paraphrases that agree with the coins best."""
    words, size = chance.choice((-1, 1)), chance.choice((-1, 1))
    coins = (words, size, words, words, words)
    known = {text: traits(text) for text in {*good, *bad}}
    pairs = [pair for pair in product(good, bad) if pair[0] != pair[1]]
    return max(pairs, key=lambda pair: (_agreement(known[pair[0]], known[pair[1]], coins), chance.random()))


def _agreement(good: Traits, bad: Traits, coins: Sequence[int]) -> float:
    total = 0.0
    for coin, one, two, weight in zip(coins, good, bad, (3.0, 3.0, 2.0, 3.0, 1.0), strict=True):
        difference = (one - two) * coin
        total += weight * ((difference > 0) - (difference < 0))
    # Ties are broken against great differences in length, which would be told apart by more than their sign.
    return total - abs(good.length - bad.length) / max(good.length, bad.length, 1.0)
