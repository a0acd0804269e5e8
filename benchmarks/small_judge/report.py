"""What the runs come to: a table, paired differences, and curves."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.embedded import Scored, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTH = 5  # steps that a point of a curve is the mean of
HEAD = ("all-wrong groups, first 5 and last 20 steps", "malformed, last 20", "advantages, ms", "step, s")
CURVES = {
    "groups/all_wrong": "share of all-wrong groups",
    "rewards/verdict/mean": "sampled verdicts right",
    "malformed": "share of malformed rollouts",
}


def summary(found: Sequence[dict[str, Any]], before: dict[str, Any]) -> dict[str, Any]:
    """By arm, one value for each seed."""
    arms = {"before": {"accuracy": [before["accuracy"]], "pass": {k: [rate] for k, rate in before["pass"].items()}}}
    for name, several in _by_arm(found).items():
        histories = [one["history"] for one in several]
        arms[name] = {
            "accuracy": [one["accuracy"] for one in several],
            "pass": {k: [one["pass"][k] for one in several] for k in before["pass"]},
            "all_wrong_first": [_mean(history[:5], "groups/all_wrong") for history in histories],
            "all_wrong_last": [_mean(history[-20:], "groups/all_wrong") for history in histories],
            "malformed_last": [_mean(history[-20:], "malformed") for history in histories],
            "tools_last": [_mean(history[-20:], "tools/calls") for history in histories],
            "advantages": [
                statistics.median(entry["advantages/seconds"] for entry in history) for history in histories
            ],
            "seconds": [statistics.median(entry["step_time"] for entry in history) for history in histories],
        }
    return arms


def in_short(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs with what tables and curves need of their steps."""
    kept = {"step", "step_time", "advantages/seconds", "tools/calls", "entropy", "reward", *CURVES}
    return [
        {**one, "history": [{key: entry[key] for key in entry if key in kept} for entry in one["history"]]}
        for one in found
    ]


def differences(found: Sequence[dict[str, Any]], baseline: str) -> dict[str, tuple[float, float, float]]:
    """Of pass@1, each arm above the baseline: mean, and the 95 % interval from resampling held-out cases.

    A case counts with all its samples of all seeds; that other seeds would give other weights is not in the interval.
    """
    rates = {
        name: [
            statistics.mean(hits) / several[0]["samples"]
            for hits in zip(*(one["hits"] for one in several), strict=True)
        ]
        for name, several in _by_arm(found).items()
    }
    return {
        name: interval(
            [
                Scored(str(case), one - other)
                for case, (one, other) in enumerate(zip(rate, rates[baseline], strict=True))
            ]
        )
        for name, rate in rates.items()
        if name != baseline
    }


def table(arms: Mapping[str, Any], gains: Mapping[str, Sequence[float]]) -> str:
    """Markdown."""
    head = ["", "accuracy", *(f"pass@{k}" for k in arms["before"]["pass"]), "pass@1 above the first arm", *HEAD]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, told in arms.items():
        cells = [name, _spread(told["accuracy"]), *map(_spread, told["pass"].values())]
        cells.append(
            "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * one for one in gains[name])) if name in gains else ""
        )
        if "seconds" in told:
            cells.append(f"{_spread(told['all_wrong_first'])}, {_spread(told['all_wrong_last'])}")
            cells.append(_spread(told["malformed_last"]))
            cells += [
                f"{1000 * statistics.median(told['advantages']):.1f}",
                f"{statistics.median(told['seconds']):.2f}",
            ]
        cells += [""] * (len(head) - len(cells))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(found: Sequence[dict[str, Any]], before: dict[str, Any], path: Path) -> None:
    """Held-out accuracy and pass@1 of each seed, and curves of training, the mean of the seeds.

    Args:
        found: All runs.
        before: The measures of the policy that all begin with.
        path: Where the picture goes.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    arms = _by_arm(found)
    figure, axes = pyplot.subplots(1, 1 + len(CURVES), figsize=(5 * (1 + len(CURVES)), 4.6), constrained_layout=True)
    _ends(axes[0], arms, before)
    for axis, (key, title) in zip(axes[1:], CURVES.items(), strict=True):
        for name, several in arms.items():
            curve = _curve(several, key)
            axis.plot(range(1, len(curve) + 1), curve, label=name)
        axis.set_xlabel("step")
        axis.set_title(title)
    axes[1].legend(fontsize="small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _ends(axis: Axes, arms: Mapping[str, Sequence[dict[str, Any]]], before: dict[str, Any]) -> None:
    """Where each seed of each arm ended; the first arm on top."""
    for number, several in enumerate(arms.values()):
        for one in several:
            axis.plot(one["accuracy"], -number + 0.12, "o", color=f"C{number}")
            axis.plot(one["pass"]["1"], -number - 0.12, "x", color=f"C{number}")
    axis.axvline(before["accuracy"], color="black", linewidth=0.8, linestyle="-", label="accuracy before")
    axis.axvline(before["pass"]["1"], color="black", linewidth=0.8, linestyle=":", label="pass@1 before")
    axis.set_yticks([-number for number in range(len(arms))], list(arms))
    axis.set_xlabel("held out: accuracy (o) and pass@1 (x), each seed")
    axis.legend(fontsize="small")


def _curve(several: Sequence[dict[str, Any]], key: str) -> list[float]:
    """The mean of the seeds, and of the last `SMOOTH` steps."""
    means = [statistics.mean(step) for step in zip(*([e[key] for e in one["history"]] for one in several), strict=True)]
    return [statistics.mean(means[max(0, at - SMOOTH + 1) : at + 1]) for at in range(len(means))]


def _by_arm(found: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    by_arm: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        by_arm[one["name"]].append(one)
    return by_arm


def _mean(entries: Sequence[dict[str, Any]], key: str) -> float:
    return float(statistics.mean(entry[key] for entry in entries))


def _spread(values: Sequence[float]) -> str:
    mean = f"{sum(values) / len(values):.1%}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.0%} to {max(values):.0%})"
