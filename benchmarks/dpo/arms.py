"""Ways to select pairs from a pool whose labels may be wrong. All but `clean` know the labels as given only."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from adjudge.judge import Judge
from adjudge.selection import Preference, Rule, Selection
from benchmarks.dpo.pool import Pair

ARMS = ("judge", "longer", "shorter", "random", "all", "clean")


class Judged(NamedTuple):
    """What the judge made of a pool."""

    agreed: list[tuple[float, Pair]]  # with its confidence, most confident first
    scored: int
    right: int  # of those: the judge prefers what people prefer
    dropped: dict[str, int]  # by reason
    model_calls: int


def judge_pool(judge: Judge, pool: Sequence[Pair]) -> Judged:
    """Let the judge see the responses of a pool, and keep the pairs on which it agrees with the label as given."""
    selection = Selection(judge, [pair.candidates for pair in pool], Rule(on_label="agree"), form="conversational")
    by_id = {pair.candidates.case.id: pair for pair in pool}
    agreed: list[tuple[float, Pair]] = []
    scored = right = 0
    for item in selection:
        if isinstance(item, Preference):
            pair = by_id[item.candidates.case.id]
            agreed.append((item.confidence or 0.0, pair))
            scored, right = scored + 1, right + (not pair.turned)
        elif item.reason == "contradicts_label":
            scored, right = scored + 1, right + by_id[item.id].turned
    agreed.sort(key=lambda found: (-found[0], found[1].candidates.key))
    summary = selection.summary.to_dict()
    return Judged(agreed, scored, right, summary["dropped"], selection.batch.usage.model_calls)


def arms(pool: Sequence[Pair], judged: Judged, size: int, seed: int) -> dict[str, list[Pair]]:
    """The pairs of each arm.

    Args:
        pool: All pairs.
        judged: What the judge made of them.
        size: Pairs of each arm but `all`.
        seed: Of the random arms.
    """

    def drawn(pairs: Sequence[Pair]) -> list[Pair]:
        return random.Random(f"arm {seed}").sample(list(pairs), size)

    def first(key: Callable[[Pair], float]) -> list[Pair]:
        return sorted(pool, key=lambda pair: (-key(pair), pair.candidates.key))[:size]

    return {
        "judge": [pair for _, pair in judged.agreed[:size]],
        "longer": first(lambda pair: pair.lead),
        "shorter": first(lambda pair: -pair.lead),
        "random": drawn(pool),
        "all": list(pool),
        "clean": drawn([pair for pair in pool if not pair.turned]),
    }
