"""Both orders of a pair, kept together."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from adjudge.types import Case


def in_pairs(cases: Iterable[Case], seed: int) -> list[Case]:
    """Cases in an order drawn with a seed, those of one pair side by side."""
    pairs: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        pairs[pair_name(case)].append(case)
    names = random.Random(seed).sample(sorted(pairs), len(pairs))
    return [case for name in names for case in pairs[name]]


def pair_name(case: Case) -> str:
    """What both orders of a pair have in common."""
    return str(case.metadata.get("pair", case.id))
