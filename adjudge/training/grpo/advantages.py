"""Advantages of groups of rollouts: negative groups (arXiv 2510.08696, §5.1) and the controls of it.

    found = negative_group_advantages(verdicts, other, confidence)   # each (B, G); found.values (B, G)

A group is mixed, all right or all wrong by its verdicts alone. r~ is the calibrated reward of `calibration`, G the
number of rows that count:

| arm                 | mixed             | all wrong                                                     |
|---------------------|-------------------|---------------------------------------------------------------|
| negative_groups     | r~ normalised     | alpha (r~ - mean)                                             |
| mixed_only          | r~ normalised     | 0                                                             |
| negative_only       | r normalised      | alpha (r~ - mean)                                             |
| shuffled_confidence | r~ normalised     | alpha (r~ - mean), confidences dealt anew within each group   |
| uniform_penalty     | r normalised      | -alpha / G, not centred: centred it would be 0                |
| grpo                | r normalised      | 0                                                             |

Normalised is (x - mean) / (std + 1e-4) with the unbiased std, as in TRL; all-right groups are so too, which is 0. The
penalty of `uniform_penalty` is that of the most confident wrong answer in r~, so that only its evenness differs (ours).

Other reward terms (ours; the paper has none) are added to what the verdict decided. In mixed and all-right groups they
are added to the reward before it is normalised, as in GRPO. In all-wrong groups their centred values v are added to the
verdict's part u (before alpha) as u + v min(1, |u| / |v|), Euclidean norms over the group: the sum never points against
u, so a format bonus cannot outweigh what confidence says. In `mixed_only` such a group stays at 0. The arm `grpo` is
TRL's own advantage, in which other terms alone drive an all-wrong group; to see what confidence adds where there are
other terms, compare with `shuffled_confidence`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from adjudge.training.grpo.calibration import NO_DENOMINATOR, calibrated_rewards, shuffled
from adjudge.training.grpo.settings import Arm

_EPSILON = 1e-4  # TRL's
_CALIBRATED_IF_MIXED: tuple[Arm, ...] = ("negative_groups", "shuffled_confidence", "mixed_only")
_CALIBRATED_IF_WRONG: tuple[Arm, ...] = ("negative_groups", "shuffled_confidence", "negative_only")
USES_CONFIDENCE: tuple[Arm, ...] = ("negative_groups", "shuffled_confidence", "mixed_only", "negative_only")


class Advantages(NamedTuple):
    """What a batch of groups came to. A group of outages alone is neither wrong, right nor mixed.

    Attributes:
        values: 0 where the verdict is NaN; for all-wrong groups, without other terms, within alpha / G. (B, G)
        all_wrong: (B,) bool
        branch: Which D calibrated the group: -1 none, 0 importance, 1 twice the maximum. (B,)
        all_right: (B,) bool
        mixed: (B,) bool
    """

    values: Tensor
    all_wrong: Tensor
    branch: Tensor
    all_right: Tensor
    mixed: Tensor


def negative_group_advantages(
    verdicts: Tensor,
    other: Tensor,
    confidence: Tensor,
    *,
    surest: Tensor | None = None,
    alpha: float = 0.25,
    arm: Arm = "negative_groups",
    weight: float = 1.0,
    seed: int = 0,
) -> Advantages:
    """The advantages of a batch.

    Args:
        verdicts: 1 right, 0 wrong, NaN an outage: left out of all statistics of its group. (B, G)
        other: Weighted sum of the other reward terms; NaN where none applies, taken as 0. (B, G)
        confidence: exp(mean log-probability of own tokens), in (0, 1]; NaN where there are none. (B, G)
        surest: Rollouts that count as the surest of their group: the malformed, which would otherwise be paid more than
            wrong ones in good form. Whatever the arm deals anew, they stay so. (B, G) bool
        alpha: Weight of all-wrong groups.
        arm: See the table above.
        weight: Weight of the verdict beside the other terms. At 0 all-wrong groups are 0 too, but in `grpo`.
        seed: Of `shuffled_confidence`.

    Raises:
        ValueError: A verdict is not 0, 1 or NaN, or the shapes differ.
    """
    _check(verdicts, other, confidence)
    right, rest, sure = (each.detach().to("cpu", torch.float64) for each in (verdicts, other, confidence))
    rest, counted = rest.nan_to_num(nan=0.0), ~right.isnan()
    if arm == "shuffled_confidence":
        sure = shuffled(sure, counted, seed)
    if surest is not None:
        most = sure.nan_to_num(nan=0.0).amax(dim=1, keepdim=True)
        sure = torch.where(surest.to(sure.device), most, sure)
    rewards, branch = calibrated_rewards(right, sure)
    all_wrong, all_right, mixed = _kinds(right, counted)

    plain = right.nan_to_num(nan=0.0)
    values = _normalised(weight * (rewards if arm in _CALIBRATED_IF_MIXED else plain) + rest, counted)
    if arm != "grpo":
        part = weight * _of_all_wrong(arm, rewards, counted)
        values = torch.where(all_wrong[:, None], alpha * (part + _bounded(_centred(rest, counted), part)), values)
    used = (mixed & (arm in _CALIBRATED_IF_MIXED)) | (all_wrong & (arm in _CALIBRATED_IF_WRONG))
    branch = torch.where(used, branch, NO_DENOMINATOR)

    device = verdicts.device
    return Advantages(
        values.to(device, other.dtype), *(each.to(device) for each in (all_wrong, branch, all_right, mixed))
    )


def _check(verdicts: Tensor, other: Tensor, confidence: Tensor) -> None:
    if verdicts.ndim != 2 or not verdicts.shape == other.shape == confidence.shape:
        shapes = [tuple(each.shape) for each in (verdicts, other, confidence)]
        raise ValueError(f"verdicts, other rewards and confidences must be (groups, rollouts) alike; found {shapes}")
    strange = verdicts[~(verdicts.isnan() | (verdicts == 0) | (verdicts == 1))]
    if len(strange):
        raise ValueError(f"a verdict is 1 (right), 0 (wrong) or NaN (an outage); found {strange[0].item()}")


def _kinds(right: Tensor, counted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    wins, n = (right == 1).sum(dim=1), counted.sum(dim=1)
    return (n > 0) & (wins == 0), (n > 0) & (wins == n), (wins > 0) & (wins < n)  # all wrong, all right, mixed


def _of_all_wrong(arm: Arm, rewards: Tensor, counted: Tensor) -> Tensor:
    """The verdict's part in an all-wrong group, before alpha. (B, G)"""
    if arm in _CALIBRATED_IF_WRONG:
        return _centred(rewards, counted)
    if arm == "uniform_penalty":
        n = counted.to(rewards.dtype).sum(dim=1, keepdim=True).clamp(min=1)
        return torch.where(counted, -1 / n, 0.0)
    return torch.zeros_like(rewards)


def _bounded(values: Tensor, part: Tensor) -> Tensor:
    """Values scaled down, where need be, to the norm of `part`. (B, G)"""
    size, most = (torch.linalg.vector_norm(each, dim=1, keepdim=True) for each in (values, part))
    return values * torch.where(size > most, most / size, 1.0)


def _centred(values: Tensor, counted: Tensor) -> Tensor:
    """Less the mean of the group; exactly 0 where all are equal, whatever the rounding of the mean. (B, G)"""
    n = counted.sum(dim=1, keepdim=True).clamp(min=1)
    mean = torch.where(counted, values, 0.0).sum(dim=1, keepdim=True) / n
    least = torch.where(counted, values, torch.inf).amin(dim=1, keepdim=True)
    most = torch.where(counted, values, -torch.inf).amax(dim=1, keepdim=True)
    return torch.where(counted & (most > least), values - mean, 0.0)


def _normalised(values: Tensor, counted: Tensor) -> Tensor:
    centred = _centred(values, counted)
    n = counted.sum(dim=1, keepdim=True)
    std = (centred.square().sum(dim=1, keepdim=True) / (n - 1).clamp(min=1)).sqrt()
    return centred / (std + _EPSILON)
