"""Calls and Kendall's τ of each ranking strategy, with simulated judges whose truth is known.

    python -m benchmarks.ranking --out docs/measured/ranking.json --plot docs/measured/ranking.svg

Groups of 4; half as many of 8 and a quarter of 16, whose τ varies less. About three minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.ranking.arms import CONTROLS, EIGHTHS, measure
from benchmarks.ranking.judges import TEMPERS, Group, Temper
from benchmarks.ranking.tables import (
    Measured,
    against_all_pairs,
    at_equal_calls,
    of_the_best,
    of_the_others,
    pooled,
    summary,
    worth_of_scores,
)

SIZES = {4: 1.0, 8: 0.5, 16: 0.25}
LINES = {"adaptive": EIGHTHS, "random": CONTROLS, "neighbours": CONTROLS, "pivot": CONTROLS}


def measured(temper: Temper, size: int, groups: int, seed: int) -> Measured:
    """So many groups, each with an error of its own."""
    place = TEMPERS.index(temper)
    found = []
    for number in range(groups):
        group = Group(temper, size, np.random.default_rng([seed, place, size, number]))
        found.append(measure(group, seed + number))
    return Measured(temper.name, size, found)


def draw(every: Sequence[Measured], path: Path) -> None:
    """τ against calls of two judges and all sizes."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    judges = ["winners, sharpness 2", "scores, noise 1"]
    figure, axes = plt.subplots(len(judges), len(SIZES), figsize=(11, 6), sharey="row", layout="constrained")
    for one in every:
        if one.judge in judges:
            panel = axes[judges.index(one.judge)][list(SIZES).index(one.size)]
            for name, eighths in LINES.items():
                cells = [one.mean(f"{name} {eighth}/8", "tau") for eighth in eighths]
                calls = [one.mean(f"{name} {eighth}/8", "calls").value for eighth in eighths]
                (line,) = panel.plot(calls, [cell.value for cell in cells], marker="o", markersize=3, label=name)
                if name == "adaptive":
                    low, high = [cell.low for cell in cells], [cell.high for cell in cells]
                    panel.fill_between(calls, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
            goal = one.mean("all_pairs", "tau").value
            panel.axhline(goal, color="black", linewidth=0.8, linestyle=":", label="all_pairs, all calls")
            panel.set(xlabel="judge calls", ylabel="Kendall τ")
            panel.set_title(f"{one.judge}\nn = {one.size}", fontsize=9)
    axes[0][0].legend(fontsize=8)
    figure.savefig(path)


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=100, help="groups of four for each judge")
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--out", type=Path, help="file for the numbers")
    parser.add_argument("--plot", type=Path, help="file for the picture")
    options = parser.parse_args()
    start = time.monotonic()
    every = [
        measured(temper, size, max(2, round(part * options.groups)), options.seed)
        for temper in TEMPERS
        for size, part in SIZES.items()
    ]
    pools = pooled(every)
    print(
        against_all_pairs([*every, *pools]),
        at_equal_calls(pools, 2),
        at_equal_calls(pools, 4),
        worth_of_scores([*every, *pools]),
        sep="\n\n",
    )
    print("", of_the_best(pools), of_the_others(pools), f"{time.monotonic() - start:.0f} s", sep="\n\n")
    if options.out is not None:
        options.out.write_text(json.dumps(summary([*every, *pools]), indent=1, allow_nan=False) + "\n")
    if options.plot is not None:
        draw(every, options.plot)


if __name__ == "__main__":
    main()
