"""What the runs say: accuracies on held-out pairs, with intervals, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from adjudge.evaluation.metrics import Interval, bootstrap_mean, paired


class Outcome(NamedTuple):
    """One policy."""

    arm: str
    seed: int
    pairs: int  # that it was trained on
    right: float  # share of their labels that are the people's
    longer: float  # share of them whose chosen completion is the longer one
    credits: list[float]  # of each held-out pair: 1 where it prefers what people prefer, 0.5 for neither
    margin: float  # mean implicit reward of what people prefer over the other, in nats
    losses: list[float]  # of each step
    seconds: float  # of training


def credits_of(margins: torch.Tensor) -> list[float]:
    """1 for a positive margin, 0 for a negative one, 0.5 for none."""
    return [float(value) for value in (torch.sign(margins) + 1) / 2]


def summarise(outcomes: Sequence[Outcome], groups: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each arm: accuracy over held-out pairs and seeds, and its difference from `random`.

    The credit of a held-out pair is its mean over the seeds; conversations are resampled, so the intervals know nothing
    of the spread between seeds, which is why each seed's accuracy stands beside them.
    """
    by_arm: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_arm.setdefault(outcome.arm, []).append(outcome)
    chance = _credits(by_arm["random"])
    rows = []
    for arm, found in by_arm.items():
        credits = _credits(found)
        difference = paired(credits, chance, list(groups))
        rows.append(
            {
                "arm": arm,
                "pairs": found[0].pairs,
                "right": _mean([one.right for one in found]),
                "longer": _mean([one.longer for one in found]),
                "accuracy": _interval(bootstrap_mean(credits, list(groups))),
                "seeds": [_mean(one.credits) for one in found],
                "over_random": _interval(difference.difference),
                "p_value": difference.p_value,
                "margin": _mean([one.margin for one in found]),
                "last_loss": _mean([_mean(one.losses[-3:]) for one in found]),
            }
        )
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| pairs selected | pairs | labels right | longer chosen | held-out accuracy | by seed | over `random` | p |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        seeds = ", ".join(f"{100 * value:.1f}" for value in row["seeds"])
        lines.append(
            f"| {row['arm']} | {row['pairs']} | {row['right']:.0%} | {row['longer']:.0%} | {_percent(row['accuracy'])} "
            f"| {seeds} | {_points(row['over_random'])} | {row['p_value']:.2f} |"
        )
    return "\n".join(lines)


def _credits(found: Sequence[Outcome]) -> list[float]:
    return [_mean(column) for column in zip(*(one.credits for one in found), strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _interval(found: Interval) -> dict[str, Any]:
    return {"estimate": found.estimate, "low": found.low, "high": found.high, "n": found.n, "groups": found.groups}


def _percent(found: Mapping[str, Any]) -> str:
    return f"{100 * found['estimate']:.1f} % ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def _points(found: Mapping[str, Any]) -> str:
    if not found["estimate"] and not found["low"] and not found["high"]:
        return "–"
    return f"{100 * found['estimate']:+.1f} ({100 * found['low']:+.1f} to {100 * found['high']:+.1f})"
