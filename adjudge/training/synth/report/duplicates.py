"""Exact and near duplicates among pairs, within and across splits."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from adjudge.training.synth.pairs import Pair

SHINGLE = 8  # words in a row
NEAR = 0.6  # share of a response's shingles that another document's response has


class Duplicates(NamedTuple):
    """How many pairs are not alone.

    Attributes:
        questions: Pairs whose question another pair has too.
        responses: Pairs whose two responses another pair has too.
        near: Pairs whose good response shares most of its runs of eight words with that of another document.
        across: Of the near ones, those whose likeness is in another split.
        shared_sources: Documents with pairs in more than one split; must be 0.
    """

    questions: int
    responses: int
    near: int
    across: int
    shared_sources: int


def duplicates(pairs: Sequence[Pair]) -> Duplicates:
    """Count them."""
    questions = Counter(pair.question for pair in pairs)
    responses = Counter(frozenset((pair.good, pair.bad)) for pair in pairs)
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        splits[pair.document.id].add(pair.split)
    near, across = _near(pairs)
    return Duplicates(
        sum(count for count in questions.values() if count > 1),
        sum(count for count in responses.values() if count > 1),
        near,
        across,
        sum(len(found) > 1 for found in splits.values()),
    )


def shingles(text: str, size: int = SHINGLE) -> set[str]:
    """All runs of `size` words, in lower case; none in a shorter text."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[start : start + size]) for start in range(len(words) - size + 1)}


def _near(pairs: Sequence[Pair]) -> tuple[int, int]:
    having: defaultdict[str, list[int]] = defaultdict(list)
    all_shingles = [shingles(pair.good) for pair in pairs]
    for number, found in enumerate(all_shingles):
        for shingle in found:
            having[shingle].append(number)
    near = across = 0
    for number, found in enumerate(all_shingles):
        others = Counter(other for shingle in found for other in having[shingle])
        source = pairs[number].document.id
        alike = [o for o, count in others.items() if count >= NEAR * len(found) and pairs[o].document.id != source]
        near += bool(alike)
        across += any(pairs[other].split != pairs[number].split for other in alike)
    return near, across
