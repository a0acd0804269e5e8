"""The scores or labels that a judge may give."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from adjudge.types.frozen import Frozen


class Scale(Frozen):
    """Numbers from `min` to `max`, or `labels` from worst to best; never both.

    With labels in a pointwise judge the score of a response is the 0-based position of its label. In a pairwise or
    listwise judge the labels are the responses' letters, with or without `tie`, and there are no scores.
    """

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.labels:
            if self.min is not None or self.max is not None:
                raise ValueError("a scale has either min and max, or labels, not both")
            if len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
                raise ValueError("a scale needs at least two different labels")
        elif self.min is None or self.max is None:
            raise ValueError("a scale needs min and max, or labels")
        elif self.min >= self.max:
            raise ValueError(f"min must be below max, found min {self.min:g} and max {self.max:g}")
        return self

    @property
    def low(self) -> float:
        """The lowest score."""
        return 0.0 if self.min is None else self.min

    @property
    def high(self) -> float:
        """The highest score."""
        return float(len(self.labels) - 1) if self.max is None else self.max

    @property
    def numeric(self) -> bool:
        """Whether scores are given as numbers."""
        return not self.labels

    @property
    def integers(self) -> range:
        """The whole numbers on a numeric scale, lowest first; empty when an end is not whole."""
        if self.labels or self.low != int(self.low) or self.high != int(self.high):
            return range(0)
        return range(int(self.low), int(self.high) + 1)

    def contains(self, score: float) -> bool:
        """Whether a score lies on the scale, ends included."""
        return self.low <= score <= self.high

    def describe(self) -> str:
        """How the scale reads in a prompt."""
        if self.labels:
            return "one of " + ", ".join(self.labels)
        return f"a number from {self.low:g} (worst) to {self.high:g} (best)"
