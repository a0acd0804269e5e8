"""A share with the interval that its documents give."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple


class Share(NamedTuple):
    """A share in [0, 1] and its 95 % interval."""

    value: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})" if self.pairs else "none"


def share(credits: Sequence[float], groups: Sequence[str]) -> Share:
    """The mean of credits in [0, 1] with a normal interval that is robust to dependence within groups.

    The variance is that of the ratio of sums over groups (linearised; Cochran 1977, Sampling Techniques, 6.3).
    """
    if not credits:
        return Share(0.0, 0.0, 0.0, 0)
    mean = sum(credits) / len(credits)
    residuals: defaultdict[str, float] = defaultdict(float)
    for credit, group in zip(credits, groups, strict=True):
        residuals[group] += credit - mean
    error = math.sqrt(sum(value * value for value in residuals.values())) / len(credits)
    return Share(mean, max(0.0, mean - 1.96 * error), min(1.0, mean + 1.96 * error), len(credits))
