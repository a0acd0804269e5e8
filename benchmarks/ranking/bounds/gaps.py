"""What comparisons would do to the differences between strengths, for many comparisons at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adjudge.ranking.pairs import Pair
from adjudge.ranking.posterior import Floats, Ints, Posterior


class Moved(NamedTuple):
    """Differences of all P pairs after each of C comparisons by itself."""

    first: Ints  # (P,)
    second: Ints  # (P,)
    mean: Floats  # (P, C), if each comparison says exactly what the truth would have it say
    variance: Floats  # (P, C)


class Looks:
    """Comparisons, one row each.

    Args:
        size: Number of competitors.
        pairs: As they are shown.
    """

    def __init__(self, size: int, pairs: Sequence[Pair]) -> None:
        self.pairs = list(pairs)
        self.first, self.second = np.array(self.pairs, dtype=int).reshape(-1, 2).T
        each = np.arange(len(self.pairs))
        self.differences, self.sums = np.zeros((2, len(self.pairs), size + 1))
        self.differences[each, self.first], self.differences[each, self.second] = 1.0, -1.0
        self.differences[:, -1] = 1.0
        self.sums[each, self.first] = self.sums[each, self.second] = 1.0

    def information(self, noise: Floats, repeat: float, sums: float) -> Floats:
        """What all of them tell together: (n + 1, n + 1).

        Args:
            noise: Of an outcome, by pair: (n, n).
            repeat: How many times that is for the second order of a pair.
            sums: What one comparison tells of the sum.
        """
        asked = {pair: place for place, pair in enumerate(self.pairs)}
        again = [repeat if asked.get(pair[::-1], place) < place else 1.0 for place, pair in enumerate(self.pairs)]
        weights = 1 / (noise[self.first, self.second] * np.array(again))
        told: Floats = (self.differences * weights[:, None]).T @ self.differences + sums * self.sums.T @ self.sums
        return told

    def moved(self, beliefs: Posterior, noise: Floats, truth: Floats) -> Moved:
        """What each of them by itself would make of the beliefs.

        Args:
            beliefs: Before it.
            noise: Of each: (C,).
            truth: Strengths, and what the first place is worth: (n + 1,).
        """
        size, covariance = len(truth) - 1, beliefs.covariance
        first, second = np.triu_indices(size, 1)
        gaps = covariance[first] - covariance[second]  # (P, n + 1)
        own = gaps[np.arange(len(first)), first] - gaps[np.arange(len(first)), second]
        along = gaps @ self.differences.T  # (P, C)
        turned = self.differences @ covariance
        scale = (turned * self.differences).sum(1) + noise
        surprise = self.differences @ (truth - beliefs.mean)
        mean = (beliefs.mean[first] - beliefs.mean[second])[:, None] + along * (surprise / scale)
        variance = own[:, None] - along**2 / scale
        if beliefs.sums:
            shared = (turned * self.sums).sum(1) / scale
            beside = gaps @ self.sums.T - along * shared
            width = ((self.sums @ covariance) * self.sums).sum(1) - shared**2 * scale + 1 / beliefs.sums
            mean = mean + beside * ((self.sums @ (truth - beliefs.mean) - shared * surprise) / width)
            variance = variance - beside**2 / width
        return Moved(first, second, mean, np.maximum(variance, 1e-12))
