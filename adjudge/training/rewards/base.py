"""Rewards: what one batch of rollouts is paid, and how several rewards become one number.

    mixed = Mixed((VerdictReward(), ToolUse()), (1.0, 0.3))
    for paid in mixed(rollouts):
        paid.terms["verdict"], paid.total    # each term apart, unweighted; the weighted sum

A reward is a frozen dataclass, so it can be pickled, and pure: it sees rollouts and nothing else. None is an outage,
or a term that does not apply to the case; it is never a number.

**A malformed output is never the best-paying action** (ours; the lesson is PRInTS's -4, which pays on rejected
steps): whatever its terms say, it is paid the least of each term that applies to its case, so no more than any
well-formed output of the same case under any weights:

    floor = sum_k w_k min(0, low_k)        # over the terms that apply; low_k: the least that term k pays

What each term would have paid stays in `terms`, for the log; what it counts for stands in `counted`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from adjudge.errors import ConfigError
from adjudge.training.rewards.failures import malformed_of, outage_of
from adjudge.training.rollouts import Rollout

MOST_WEIGHT = 1e6


class Reward(Protocol):
    """Pays the rollouts of one batch."""

    @property
    def name(self) -> str:
        """What it is called in recipes and logs."""

    @property
    def low(self) -> float:
        """The least that it pays."""

    def __call__(self, rollouts: Sequence[Rollout]) -> list[float | None]:
        """Pay each rollout.

        Args:
            rollouts: Of one batch; those of one prompt stand side by side.

        Returns:
            One for each, in their order; None for an outage, or where the term does not apply to the case.
        """


class Single(ABC):
    """Base of the rewards that look at one rollout alone."""

    name: ClassVar[str]

    @property
    def low(self) -> float:
        """The least that it pays."""
        return 0.0

    def __call__(self, rollouts: Sequence[Rollout]) -> list[float | None]:
        """Pay each rollout by itself; see `Reward`."""
        return [None if outage_of(rollout) else self.of(rollout) for rollout in rollouts]

    @abstractmethod
    def of(self, rollout: Rollout) -> float | None:
        """What one rollout without an outage is paid; None where the term does not apply to its case."""


class Paid(NamedTuple):
    """What one rollout is paid.

    Attributes:
        total: Weighted sum of what counts. None: an outage, or no term applies.
        terms: Each term by name, unweighted, as its reward paid it.
        counted: The same as it counts: the least of the term where the output is malformed, so that a right verdict in
            it is no right answer either; None where there is no total, or the term does not apply to the case.
        malformed: Why it is; empty where it is not.
    """

    total: float | None
    terms: Mapping[str, float | None]
    counted: Mapping[str, float | None]
    malformed: str = ""


class Apart(NamedTuple):
    """A total as one term and the rest; both None where the term does not count or there is no total."""

    term: float | None  # unweighted, as it counts
    rest: float | None  # total - weight * term


@dataclass(frozen=True)
class Mixed:
    """Rewards combined by weights.

    Attributes:
        rewards: Of different names.
        weights: One for each, 0 to 1e6. A term of weight 0 is computed for the log only.

    Raises:
        ConfigError: A weight is negative, missing or not a number, or a name is there twice.
    """

    rewards: tuple[Reward, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.rewards) != len(self.weights) or not self.rewards:
            raise ConfigError(f"there are {len(self.rewards)} rewards and {len(self.weights)} weights", key="rewards")
        names = [reward.name for reward in self.rewards]
        for name, weight in zip(names, self.weights, strict=True):
            if names.count(name) > 1:
                raise ConfigError("this reward is there twice", key=f"rewards.{name}")
            if not 0 <= weight <= MOST_WEIGHT:
                found = f"a weight lies from 0 to {MOST_WEIGHT:g}; what is not wanted is a term of its own"
                raise ConfigError(found, key=f"rewards.{name}.weight", found=weight)

    def __call__(self, rollouts: Sequence[Rollout]) -> list[Paid]:
        """Pay each rollout of a batch.

        A term that pays another rollout of the same case, but not this one, leaves this one without a total: the sums
        of one case must be comparable.

        Raises:
            ValueError: A reward did not pay each rollout once, or less than it says it may, or no number.
        """
        columns = {reward.name: _checked(reward, reward(rollouts), len(rollouts)) for reward in self.rewards}
        rows = [
            {name: None if outage_of(rollout) else column[place] for name, column in columns.items()}
            for place, rollout in enumerate(rollouts)
        ]
        applies = {
            (rollout.case.id, name)
            for rollout, row in zip(rollouts, rows, strict=True)
            for name, value in row.items()
            if value is not None
        }
        return [self._paid(rollout, row, applies) for rollout, row in zip(rollouts, rows, strict=True)]

    def apart(self, paid: Paid, name: str) -> Apart:
        """The total as one term and the rest, for advantages that treat the verdict by itself.

        Raises:
            KeyError: No reward has this name.
        """
        term = paid.counted[name]
        if term is None or paid.total is None:
            return Apart(None, None)
        place = [reward.name for reward in self.rewards].index(name)
        return Apart(term, paid.total - self.weights[place] * term)

    def _paid(self, rollout: Rollout, terms: Mapping[str, float | None], applies: set[tuple[str, str]]) -> Paid:
        nothing: dict[str, float | None] = dict.fromkeys(terms)
        if outage_of(rollout):
            return Paid(None, terms, nothing)
        malformed = malformed_of(rollout)
        counted, parts = dict(nothing), []
        for reward, weight in zip(self.rewards, self.weights, strict=True):
            if (rollout.case.id, reward.name) not in applies:
                continue
            value = min(0.0, reward.low) if malformed else terms[reward.name]
            counted[reward.name] = value
            if value is not None:
                parts.append(weight * value)
            elif weight:
                return Paid(None, terms, nothing)
        return Paid(math.fsum(parts) if parts else None, terms, counted, malformed)


def _checked(reward: Reward, paid: Sequence[float | None], count: int) -> Sequence[float | None]:
    if len(paid) != count:
        raise ValueError(f"the reward {reward.name!r} paid {len(paid)} of {count} rollouts")
    for value in paid:
        if value is not None and not (math.isfinite(value) and value >= reward.low):
            raise ValueError(f"the reward {reward.name!r} pays {reward.low:g} or more; it paid {value}")
    return paid
