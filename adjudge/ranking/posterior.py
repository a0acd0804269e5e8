"""What comparisons say of the strengths of competitors: a Gaussian over them, and over what the first place is worth.

`bradley_terry.fit` makes it of winners, `graded.fit` of scores; `order` reads it, `design` asks what would narrow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adjudge.ranking.field import Compared

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int_]


class Seen(NamedTuple):
    """Verdicts on pairs as columns, one entry a verdict: (T,)."""

    size: int  # competitors, n
    sways: bool  # whether the first place may be worth something
    first: Ints
    second: Ints
    wins: Floats  # of the one shown first: 1, a tie ½, 0
    scores: Floats  # (T, 2) of the first and the second; NaN where the judge gave none

    @property
    def graded(self) -> bool:
        """Whether there are scores everywhere."""
        return bool(len(self.first)) and not bool(np.isnan(self.scores).any())

    @property
    def differences(self) -> Rows:
        """Rows e_first − e_second + e_advantage."""
        return Rows(self.size, self.first, self.second, -1.0, float(self.sways))

    @property
    def sums(self) -> Rows:
        """Rows e_first + e_second; what the first place is worth is in their mean."""
        return Rows(self.size, self.first, self.second, 1.0, 0.0)

    @property
    def twice(self) -> npt.NDArray[np.bool_]:
        """Whether the pair of this verdict has one in the other order, too: (T,)."""
        asked = np.zeros((self.size, self.size), dtype=bool)
        asked[self.first, self.second] = True
        return asked[self.second, self.first]


class Rows(NamedTuple):
    """A matrix with a row for each verdict, and two or three entries in it: (T, n + 1), never written out."""

    size: int
    first: Ints
    second: Ints
    other: float  # the entry of the one shown second: −1 or 1
    advantage: float  # the entry of the first place: 1 or 0

    def apply(self, vector: Floats) -> Floats:
        """The product with a vector: (T,)."""
        product: Floats = vector[self.first] + self.other * vector[self.second] + self.advantage * vector[-1]
        return product

    def pull(self, values: Floats) -> Floats:
        """The product of the transposed matrix with a value for each verdict: (n + 1,)."""
        out = np.zeros(self.size + 1)
        out[:-1] = np.bincount(self.first, values, self.size) + self.other * np.bincount(self.second, values, self.size)
        out[-1] = self.advantage * values.sum()
        return out

    def gram(self, weights: Floats) -> Floats:
        """The weighted product of the transposed matrix with the matrix: (n + 1, n + 1)."""
        size = self.size
        cross = np.bincount(self.first * size + self.second, weights, size * size).reshape(size, size)
        out = np.zeros((size + 1, size + 1))
        out[:-1, :-1] = self.other * (cross + cross.T)
        out[np.arange(size), np.arange(size)] = cross.sum(0) + cross.sum(1)
        border = self.advantage * (cross.sum(1) + self.other * cross.sum(0))
        out[-1, :-1] = out[:-1, -1] = border
        out[-1, -1] = self.advantage**2 * weights.sum()
        return out


class Posterior(NamedTuple):
    """A Gaussian over (strengths, advantage), and what one more comparison would be worth under it."""

    mean: Floats  # (n + 1,)
    covariance: Floats  # (n + 1, n + 1)
    noise: Floats  # (n, n): variance that the outcome adds to the difference in strength of a pair shown (i, j)
    repeat: float  # how many times that is for a pair which has been seen in the other order
    sums: float  # information of one comparison on the sum of the two strengths; 0 from a judge that gives no scores
    scores: Floats  # (n,): the score that `all_pairs` would be expected to give

    @property
    def strengths(self) -> Floats:
        """The mean of the strengths: (n,)."""
        return self.mean[:-1]


def inverse(matrix: Floats) -> Floats:
    """The inverse of a covariance, or of a precision."""
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def seen(size: int, sways: bool, verdicts: Sequence[Compared]) -> Seen:
    """Verdicts on pairs, as columns.

    Args:
        size: Number of competitors.
        sways: Whether the first place may be worth something to the judge.
        verdicts: Of two competitors each.
    """
    shown = np.array([verdict.shown for verdict in verdicts], dtype=int).reshape(-1, 2)
    wins = [0.5 if one.winner is None else float(one.winner == one.shown[0]) for one in verdicts]
    scores = [one.scores or (np.nan, np.nan) for one in verdicts]
    return Seen(size, sways, shown[:, 0], shown[:, 1], np.array(wins), np.array(scores, dtype=float).reshape(-1, 2))
