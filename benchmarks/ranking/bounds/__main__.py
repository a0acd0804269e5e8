"""What half the comparisons come to for one who knows more than any user does, beside `adaptive` and `all_pairs`.

    python -m benchmarks.ranking.bounds --groups 160

The groups are those of `benchmarks.ranking` with the same seed. About seven minutes on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from adjudge.ranking import Compared
from benchmarks.ranking.__main__ import SIZES
from benchmarks.ranking.arms import EIGHTHS, Found, by_eighths, read, run, traced
from benchmarks.ranking.bounds import choices, four, told
from benchmarks.ranking.bounds.searched import searched
from benchmarks.ranking.judges import TEMPERS, Group, Temper
from benchmarks.ranking.tables import Measured, less, pooled, table

ARMS = {
    "adaptive": "`adaptive`",
    "adaptive, told": "its comparisons, read knowing the errors",
    "errors, told": "chosen and read knowing the errors",
    "truth": "chosen beforehand knowing the truth, read as `adaptive`",
    "truth, told": "the same, read knowing the errors",
    "searched": "searched beforehand knowing the truth, read as `adaptive`",
    "searched, told": "the same, read knowing the errors",
    "seer, told": "chosen knowing truth and answers",
    "half of the seer, told": "half of those",
}


def measure(group: Group, seed: int) -> dict[str, Found]:
    """τ of half the comparisons, however they came about, in one group."""
    calls = group.size * (group.size - 1) // 2
    beforehand = choices.with_truth(group, calls, seed)
    better = choices.ask(group, searched(group, [(one.shown[0], one.shown[1]) for one in beforehand], seed))
    seen = choices.with_truth_and_answers(group, calls, seed)
    half = traced(group, seed)[:calls]
    found = {"all_pairs": run(group, "all_pairs", seed)}
    for name, verdicts in {"adaptive": half, "truth": beforehand, "searched": better}.items():
        found[name] = _as_adaptive(group, verdicts)
        found[f"{name}, told"] = _told(group, verdicts)
    found["errors, told"] = _told(group, choices.with_errors(group, calls, seed))
    found["seer, told"] = _told(group, seen)
    found["half of the seer, told"] = _told(group, seen[: calls // 2])
    return found


def _told(group: Group, verdicts: Sequence[Compared]) -> Found:
    return read(group, told.posterior(group, verdicts).scores, len(verdicts))


def _as_adaptive(group: Group, verdicts: Sequence[Compared]) -> Found:
    """As in `benchmarks.ranking`, where each reading begins at that of the eighth before."""
    return [*by_eighths(group, verdicts, EIGHTHS[:4])][-1][1]


def measured(temper: Temper, size: int, groups: int, seed: int) -> Measured:
    """The same groups as in `benchmarks.ranking`."""
    place = TEMPERS.index(temper)
    chances = ((number, np.random.default_rng([seed, place, size, number])) for number in range(groups))
    found = [measure(Group(temper, size, chance), seed + number) for number, chance in chances]
    return Measured(temper.name, size, found)


def of_half(every: Sequence[Measured]) -> str:
    """τ of all pairs, and how much less each way comes to with half the comparisons."""
    rows = [
        [
            one.judge,
            one.size,
            f"{one.mean('all_pairs', 'tau').value:.3f}",
            *(less(one, arm, "all_pairs") for arm in ARMS),
        ]
        for one in every
    ]
    return table(f"judge | n | τ of `all_pairs` | {' | '.join(ARMS.values())}", rows)


def of_the_best_strategy(tempers: Sequence[Temper], draws: int, seed: int) -> str:
    """Four competitors and a judge of winners: what no strategy can surpass."""
    every = {temper.name: [four.known(temper, draws, seed)] for temper in tempers}
    every["**all judges of winners**"] = [one for states in every.values() for one in states]
    rows = []
    for name, states in every.items():
        goal = float(np.mean([four.all_pairs(one) for one in states]))
        half = float(np.mean([four.value(one, calls=len(four.CALLS) // 2) for one in states])) - goal
        needed = four.fewest(states)
        rows.append([name, f"{goal:.3f}", f"{half:+.3f}", f"{needed:.1f} ({needed / len(four.CALLS):.0%})"])
    return table("judge, n = 4 | τ of `all_pairs` | the best strategy with 6 of 12 | fewest for that τ", rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=160, help="groups of four for each judge")
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--draws", type=int, default=20_000, help="truths drawn for the best strategy")
    options = parser.parse_args()
    start = time.monotonic()
    every = [
        measured(temper, size, max(2, round(part * options.groups)), options.seed)
        for temper in TEMPERS
        for size, part in SIZES.items()
    ]
    of_winners = [temper for temper in TEMPERS if not temper.scores]
    print(of_half([*every, *pooled(every)]), of_the_best_strategy(of_winners, options.draws, options.seed), sep="\n\n")
    print("", f"{time.monotonic() - start:.0f} s", sep="\n")


if __name__ == "__main__":
    main()
