"""Negative groups against GRPO and its controls, and rewards left out one by one, on a judge of a million weights.

    python -m benchmarks.small_judge --out docs/measured --runs runs/small
    python -m benchmarks.small_judge --out docs/measured --runs runs/small --parts ablations --steps 40
    python -m benchmarks.small_judge --out docs/measured --runs runs/small --parts smollm2 --steps 20

The world, the tokenizer and the policy before reinforcement are made here; each run is a recipe that `adjudge train`
would take. All arms of a part begin with the same weights and take as many steps. Held out are things that are not
trained on; accuracy is without sampling, pass@k with it. `smollm2` takes three arms to the embedded model, with one
seed. A run that is done is not done again; with `--only` several processes can share the runs of a part, once its start
is made, and the same command without it reports them all.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any, get_args

import torch

from adjudge.training.grpo.settings import Arm
from benchmarks.small_judge.arms import REWARDS, SIZES, Run, measured, trained
from benchmarks.small_judge.report import differences, in_short, plot, summary, table
from benchmarks.small_judge.start import start
from benchmarks.small_judge.world import Task

SEEDS = (0, 1, 2)
TASKS: dict[str, Task] = {"arms": "choice", "ablations": "written", "smollm2": "few"}
BASELINES = {"arms": "grpo", "ablations": "all rewards", "smollm2": "grpo"}
WINNER: Arm = "uniform_penalty"  # of the small arms, by pass@1
ALL_WRONG = 0.3  # least share of held-out groups without a right verdict before reinforcement: the arms are about these


def runs_of(part: str, folder: Path) -> list[Run]:
    """Every arm with every seed."""
    task = TASKS[part]
    world = folder / task
    if part == "arms":
        return [Run(arm, world, task, arm, seed, REWARDS) for seed in SEEDS for arm in get_args(Arm)]
    if part == "smollm2":
        return [Run(arm, world, task, arm, SEEDS[0], REWARDS) for arm in ("grpo", WINNER, "negative_groups")]
    cited = REWARDS | {"tool_use": {"weight": 0.3, "must_find": True}}
    unpaid = cited | {"verdict": {"weight": 0.0}, "tool_use": {**cited["tool_use"], "gated": False}}
    kinds: dict[str, dict[str, dict[str, Any]]] = {"all rewards": cited}
    for name in cited:
        left = {other: term for other, term in cited.items() if other != name}
        kinds[f"no {name}"] = left if name != "verdict" else unpaid
    return [
        Run(name, world, task, "negative_groups", seed, rewards) for seed in SEEDS for name, rewards in kinds.items()
    ]


def main() -> None:
    """Train, measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/small"))
    parser.add_argument("--parts", nargs="+", choices=list(TASKS), default=["arms"])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="train these arms or ablations, and report nothing")
    parser.add_argument("--steps", type=int, default=50, help="of each run")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(chosen.threads)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for part in chosen.parts:
        _part(part, chosen)


def _part(part: str, chosen: argparse.Namespace) -> None:
    runs = runs_of(part, chosen.runs)
    names = list(dict.fromkeys(run.name for run in runs))
    if unknown := sorted({*(chosen.only or ())} - {*names}):
        raise SystemExit(f"{part} has no {', '.join(unknown)}; allowed: {', '.join(names)}")
    begun = start(runs[0])
    before = _before(runs[0], begun)
    wrong = 1 - before["pass"][str(SIZES[TASKS[part]].generations)]
    print(f"{part}: before, {before['accuracy']:.1%} right, {wrong:.1%} of the groups all wrong", flush=True)
    if part != "ablations" and wrong < ALL_WRONG:
        raise SystemExit(f"only {wrong:.0%} of the groups start all wrong, of {ALL_WRONG:.0%} that the arms need")
    found = []
    for run in (run for run in runs if not chosen.only or run.name in chosen.only):
        found.append(trained(run, begun, chosen.steps))
        print(f"{part}: {run.name}, seed {run.seed}: {found[-1]['accuracy']:.1%}", flush=True)
    if chosen.only:
        return
    arms = summary(found, before)
    gains = differences(found, BASELINES[part])
    written = {"arms": arms, f"pass@1 above {BASELINES[part]}": gains, "before": before, "runs": in_short(found)}
    (chosen.out / f"small_judge_{part}.json").write_text(json.dumps(written) + "\n", encoding="utf-8")
    plot(found, before, chosen.out / f"small_judge_{part}.png")
    print(table(arms, gains), flush=True)


def _before(run: Run, begun: Path) -> dict[str, Any]:
    file = begun.parent / "before.json"
    if not file.is_file():
        file.write_text(json.dumps(measured(run, begun)), encoding="utf-8")
    return dict(json.loads(file.read_text("utf-8")))


if __name__ == "__main__":
    main()
