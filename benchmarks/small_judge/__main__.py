"""Negative groups against GRPO and its controls, and rewards left out one by one, on a judge of a million weights.

    python -m benchmarks.small_judge --out docs/measured --runs runs/small
    python -m benchmarks.small_judge --out docs/measured --runs runs/small --parts ablations

The world, the tokenizer and the policy before reinforcement are made here; each run is a recipe that `adjudge train`
would take. All arms of a part begin with the same weights and take as many steps. Held out are things that are not
trained on; accuracy is without sampling, pass@k of 16 samples. A run that is done is not done again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
from pathlib import Path
from typing import Any, get_args

import torch

from adjudge.training.grpo.settings import Arm
from benchmarks.small_judge.arms import KS, REWARDS, Run, measured, prepared_for, trained
from benchmarks.small_judge.report import differences, plot, summary, table
from benchmarks.small_judge.start import LOOKED, learn, model_of, texts_of, tokenizer_of, traces, verdicts_right
from benchmarks.small_judge.world import Task, write

SEEDS = (0, 1, 2)
TASKS: dict[str, Task] = {"arms": "choice", "ablations": "written"}
BASELINES = {"arms": "grpo", "ablations": "all rewards"}
READS, LOOK = 0.9, 25  # verdicts right where the oracle's lessons end, and steps between two looks
TEACH, CARELESS = 1500, 100  # most steps with the oracle, and steps with the careless teacher
RATE, GENTLE = 3e-3, 5e-4  # of learning to read; and of the careless teacher, at which that is not forgotten
TRACES = 2000
ALL_WRONG = 0.3  # least share of held-out groups without a right verdict before reinforcement: the arms are about these


def runs_of(part: str) -> list[Run]:
    """Every arm with every seed."""
    if part == "arms":
        return [Run(arm, arm, seed, REWARDS) for seed in SEEDS for arm in get_args(Arm)]
    cited = REWARDS | {"tool_use": {"weight": 0.3, "must_find": True}}
    unpaid = cited | {"verdict": {"weight": 0.0}, "tool_use": {**cited["tool_use"], "gated": False}}
    kinds: dict[str, dict[str, dict[str, Any]]] = {"all rewards": cited}
    for name in cited:
        left = {other: term for other, term in cited.items() if other != name}
        kinds[f"no {name}"] = left if name != "verdict" else unpaid
    return [Run(name, "negative_groups", seed, rewards) for seed in SEEDS for name, rewards in kinds.items()]


def start(folder: Path, task: Task) -> Path:
    """The world and the policy before reinforcement, made once."""
    policy = folder / "start"
    if (policy / "config.json").is_file():
        return policy
    write(folder, task)
    tokenizer = tokenizer_of(texts_of(folder, task))
    rows = asyncio.run(traces(folder, tokenizer, task, TRACES))
    model = model_of(tokenizer, 0)
    for step, loss in enumerate(learn(model, rows[LOOKED:], TEACH, RATE), 1):
        if step % LOOK == 0:
            found = verdicts_right(model, rows[:LOOKED])
            logging.info("%s: taught %d steps, loss %.3f, %.0f %% of verdicts right", task, step, loss, 100 * found)
            if found > READS:
                break
    careless = asyncio.run(traces(folder, tokenizer, task, TRACES, random.Random(0)))
    for step, loss in enumerate(learn(model, careless, CARELESS, GENTLE), 1):
        if step % LOOK == 0:
            logging.info("%s: by the careless teacher, %d steps, loss %.3f", task, step, loss)
    tokenizer.save_pretrained(policy)
    model.save_pretrained(policy)
    return policy


def main() -> None:
    """Train, measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/small"))
    parser.add_argument("--parts", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--steps", type=int, default=60, help="of each run")
    parser.add_argument("--generations", type=int, default=8, choices=KS[1:])
    parser.add_argument("--held-out", type=int, default=128, help="cases")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(chosen.threads)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for part in chosen.parts:
        folder = chosen.runs / TASKS[part]
        policy, runs = start(folder, TASKS[part]), runs_of(part)
        before = measured(prepared_for(runs[0], folder, policy, 1, chosen.generations), policy, chosen.held_out)
        wrong = 1 - before["pass"][chosen.generations]
        if part == "arms" and wrong < ALL_WRONG:
            raise SystemExit(f"only {wrong:.0%} of the groups start all wrong, of {ALL_WRONG:.0%} that the arms need")
        print(f"{part}: before, {json.dumps(before)}", flush=True)
        found = []
        for run in runs:
            out = folder / f"{run.name.replace(' ', '-')}-{run.seed}"
            sizes = {"steps": chosen.steps, "generations": chosen.generations, "held_out": chosen.held_out}
            found.append(trained(run, folder, policy, out, **sizes))
            print(f"{part}: {run.name}, seed {run.seed}: {found[-1]['accuracy']:.3f}", flush=True)
        arms = summary(found, before)
        gains = differences(found, BASELINES[part])
        written = {"arms": arms, f"pass@1 above {BASELINES[part]}": gains, "before": before, "runs": found}
        (chosen.out / f"small_judge_{part}.json").write_text(json.dumps(written) + "\n", encoding="utf-8")
        plot(found, before, chosen.out / f"small_judge_{part}.png")
        print(table(arms, gains), flush=True)


if __name__ == "__main__":
    main()
