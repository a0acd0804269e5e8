"""Leave pairs out until style and word matching no longer tell which response is the good one (ours).

A boosted classifier sees the differences in style (`report/style.py`) and in word matching (`matching.Traits`), is
fitted on other documents, and says for each pair how sure it is. Among pairs of which it is about equally sure, as many
are kept that it gets right as it gets wrong. What is left can only be told by reading the evidence, or by signs that
this classifier does not see.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from adjudge.errors import MissingPackage
from adjudge.training.synth.pairs import Pair
from adjudge.training.synth.report.style import features

BINS = 20  # groups of equal sureness
FOLDS = 5
ROUNDS = 2
FEWEST = 400  # pairs, below which a classifier learns nothing that would hold


def level(pairs: Sequence[Pair], groups: dict[str, str], *, seed: int = 0) -> list[Pair]:
    """The pairs that are kept, in their order; all of them where there are too few to learn from.

    Args:
        pairs: With their traits.
        groups: The group of each document: pairs of one group are in one fold.
        seed: Of folds and draws.

    Raises:
        MissingPackage: scikit-learn is not installed.
    """
    kept = list(pairs)
    for number in range(ROUNDS):
        if len(kept) < FEWEST:
            break
        sure = _sureness(kept, [groups[pair.document.id] for pair in kept], seed + number)
        kept = _evened(kept, sure, random.Random(f"{seed}/{number}"))
    return kept


def _sureness(pairs: Sequence[Pair], groups: Sequence[str], seed: int) -> list[float]:
    """How sure a classifier fitted on other documents is of each pair; above 0 where it is right."""
    try:
        import numpy as np
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.model_selection import GroupKFold
    except ImportError as error:
        install = "pip install 'adjudge[eval]'"
        raise MissingPackage("sklearn", needed_for="levelling pairs (or --no-level)", install=install) from error
    rows = np.array([_difference(pair) for pair in pairs])
    sure = np.zeros(len(rows))
    for train, test in GroupKFold(FOLDS, shuffle=True, random_state=seed).split(rows, None, groups):
        model: Any = HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.06, max_leaf_nodes=15, random_state=seed
        )
        model.fit(np.vstack([rows[train], -rows[train]]), np.repeat([1, 0], len(train)))
        sure[test] = (model.decision_function(rows[test]) - model.decision_function(-rows[test])) / 2
    return [float(value) for value in sure]


def _difference(pair: Pair) -> list[float]:
    good, bad = ([*features(text), *traits] for text, traits in zip((pair.good, pair.bad), pair.traits, strict=True))
    return [one - two for one, two in zip(good, bad, strict=True)]


def _evened(pairs: Sequence[Pair], sure: Sequence[float], chance: random.Random) -> list[Pair]:
    order = sorted(range(len(pairs)), key=lambda number: abs(sure[number]))
    size = -(-len(order) // BINS)
    kept: list[int] = []
    for start in range(0, len(order), size):
        group = order[start : start + size]
        right = [number for number in group if sure[number] > 0]
        wrong = [number for number in group if sure[number] <= 0]
        few = min(len(right), len(wrong))
        kept += chance.sample(right, few) + chance.sample(wrong, few)
    return [pairs[number] for number in sorted(kept)]
