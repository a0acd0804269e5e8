"""Rewards of wrong answers by the confidence with which they were given (arXiv 2510.08696, §5.1).

    confidence = length_normalised_confidence(log_probs, own)      # (N,) in (0, 1]
    rewards, branch = calibrated_rewards(verdicts, confidence)     # (B, G) in [-1/G, 1], (B,)

A NaN verdict is an outage: as if the row did not exist. The paper prints raw sequence probabilities in its (14); with
them D is always twice the maximum, so the length-normalised ones of its step 1 are used throughout.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NO_DENOMINATOR, IMPORTANCE, TWICE_THE_MAXIMUM = -1, 0, 1
_LEAST = 1e-30  # stands for a confidence of 0, which nothing can be divided by


class Calibrated(NamedTuple):
    """Rewards before normalisation.

    Attributes:
        rewards: In [-1/G, 1], G of the rows that count; 0 for rows that do not. (B, G)
        branch: Which estimate of D was taken: -1 none (no wrong answer), 0 importance, 1 twice the maximum. (B,)
    """

    rewards: Tensor
    branch: Tensor


def length_normalised_confidence(log_probs: Tensor, own: Tensor) -> Tensor:
    """exp(mean log-probability over the policy's own tokens) (step 1: pi(o|q)^(1/|o|)).

    Args:
        log_probs: Of the tokens as they were sampled; NaN where unknown, which is left out of the mean. (N, T)
        own: 1 for tokens of the policy, 0 for prompts, tools and padding. (N, T)

    Returns:
        In (0, 1]; NaN where no own token has a log-probability. (N,)
    """
    known = own.bool() & ~log_probs.isnan()
    total = torch.where(known, log_probs.float(), 0.0).sum(dim=1)
    return torch.exp(total / known.sum(dim=1))


def calibrated_rewards(verdicts: Tensor, confidence: Tensor) -> Calibrated:
    """r - (1 - r) / G * pi / (D - pi) (its (10) with steps 2 and 3).

    D is twice the largest confidence of the group or, where an answer is right and it is larger, the importance
    estimate [mean(r / pi)]^-1. So the ratio is in (0, 1], and a wrong answer never passes the mean of a mixed group.

    Args:
        verdicts: 1 right, 0 wrong, NaN not known. (B, G)
        confidence: In (0, 1]; NaN (no own tokens) is taken as the least confident. (B, G)
    """
    counted = ~verdicts.isnan()
    right, sure = verdicts.nan_to_num(nan=0.0), _positive(confidence)
    n = counted.sum(dim=1, keepdim=True).clamp(min=1)
    largest = 2 * torch.where(counted, sure, 0.0).amax(dim=1, keepdim=True).clamp(min=_LEAST)
    importance = n / (right / sure).sum(dim=1, keepdim=True)  # infinite where none is right
    by_importance = importance.isfinite() & (importance > largest)
    ratio = sure / (torch.where(by_importance, importance, largest) - sure)
    rewards = torch.where(counted, right - (1 - right) * ratio / n, 0.0)
    some_wrong = (counted & (verdicts == 0)).any(dim=1)
    branch = torch.where(by_importance[:, 0], IMPORTANCE, TWICE_THE_MAXIMUM)
    return Calibrated(rewards, torch.where(some_wrong, branch, NO_DENOMINATOR))


def shuffled(confidence: Tensor, counted: Tensor, seed: int) -> Tensor:
    """Confidences dealt anew among the rows of a group that count: the control of random confidence.

    Args:
        confidence: (B, G)
        counted: Which rows count; the others keep theirs. (B, G)
        seed: The same seed deals the same way.
    """
    dealer = torch.Generator().manual_seed(seed)
    left_out = (~counted).double()
    source = (torch.rand(counted.shape, generator=dealer, dtype=torch.float64) + 2 * left_out).argsort(dim=1)
    target = left_out.argsort(dim=1, stable=True)
    dealt = torch.zeros_like(confidence).scatter(1, target, confidence.gather(1, source))
    return torch.where(counted, dealt, confidence)


def _positive(confidence: Tensor) -> Tensor:
    return confidence.nan_to_num(nan=0.0).clamp(min=_LEAST)
