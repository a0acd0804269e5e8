"""Every competitor against every other, in both orders: n(n − 1) calls."""

from __future__ import annotations

from itertools import chain

from adjudge.ranking.field import Compared, Field, Standing, standing
from adjudge.ranking.pairs import Pair, compare_pairs, points, round_robin
from adjudge.ranking.settings import Settings


async def all_pairs(field: Field, settings: Settings) -> Standing:
    """The mean score of each competitor over its comparisons with all others.

    S(y_i) = 1 / (2(n − 1)) · Σ_{j≠i} [ s(y_i | y_i, y_j) + s(y_i | y_j, y_i) ]: grouped comparison of Generative
    RLHF-V (NeurIPS 2025). Where order cannot sway the judge each pair is shown once, and the divisor is n − 1. If any
    verdict has no scores, wins count instead: 1, a tie ½, a loss 0. A pair that lacks one of its orders is left out of
    the mean of its two competitors, and of nothing else (ours; the paper does not say).

    Args:
        field: The competitors and their judge.
        settings: A budget below n(n − 1) buys a seeded, balanced part of the pairs, each whole.

    Returns:
        Scores on the judge's scale, or the share of wins in [0, 1]; None for a competitor without any complete pair.
    """
    pairs = list(chain.from_iterable(round_robin(field.size, settings.seed)))
    each = 2 if field.sways else 1
    bought = settings.allow(each * len(pairs)) // each
    chosen = sorted((min(pair), max(pair)) for pair in pairs[:bought])
    found = await compare_pairs(field, chosen) if chosen else []
    complete = {pair: verdicts for pair, verdicts in zip(chosen, found, strict=True) if verdicts is not None}
    return standing(_means(field.size, complete), stopped="budget" if bought < len(pairs) else "")


def _means(size: int, complete: dict[Pair, list[Compared]]) -> list[float | None]:
    graded = all(verdict.scores is not None for verdicts in complete.values() for verdict in verdicts)
    means: list[float | None] = []
    for one in range(size):
        own = [verdict for pair, verdicts in complete.items() if one in pair for verdict in verdicts]
        total = sum(points(verdict, one, graded=graded) for verdict in own)
        means.append(total / len(own) if own else None)
    return means
