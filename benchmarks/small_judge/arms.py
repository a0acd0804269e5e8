"""One GRPO run from the small policy by a recipe, as a user would start it, and what its policy can do afterwards."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from adjudge.judge.portal import shared_portal
from adjudge.training.prepared import Prepared, prepare
from adjudge.training.recipe import Recipe
from adjudge.training.rewards.verdict import right
from adjudge.training.rollouts.attempts import attempt_all
from adjudge.training.rollouts.live import in_process
from adjudge.training.rollouts.policy import Policy
from adjudge.training.train import train
from adjudge.training.weights import load_policy
from adjudge.types import Case
from benchmarks.small_judge.world import Task

REWARDS: dict[str, dict[str, Any]] = {
    "verdict": {"weight": 1.0},
    "tool_use": {"weight": 0.3, "must_cite": False, "must_find": True},
    "format": {"weight": 0.1},
}
KS = (1, 2, 4, 8, 16)


class Size(NamedTuple):
    """How much is trained and measured."""

    prompts: int
    generations: int
    rate: float
    policy: Mapping[str, Any]
    held_out: int  # cases
    samples: int  # of each of them


SMALL = Size(16, 8, 3e-4, {"lora": None, "dtype": "float32"}, 128, 16)
LORA = {"r": 16, "alpha": 32, "first_layer": 10}
SIZES: dict[Task, Size] = {
    "choice": SMALL,
    "written": SMALL,
    "few": Size(8, 4, 1e-4, {"model": "embedded", "lora": LORA, "dtype": "bfloat16"}, 64, 8),
}


class Run(NamedTuple):
    """What is trained: in the folder of a world, by an arm, with a seed."""

    name: str
    world: Path
    task: Task
    arm: str
    seed: int
    rewards: Mapping[str, Mapping[str, Any]]


def prepared_for(run: Run, begun: Path | None, steps: int = 1) -> Prepared:
    """The run as a recipe, opened.

    Args:
        run: What is trained.
        begun: The policy before reinforcement; None where it is still to be taught.
        steps: Of reinforcement.
    """
    size = SIZES[run.task]
    policy = {"max_tokens": 64, **size.policy}
    if begun is not None:
        policy["adapter" if size.policy["lora"] else "model"] = str(begun)
    recipe = Recipe.model_validate(
        {
            "name": "small",
            "policy": policy,
            "graph": str(run.world / "graph.yaml"),
            "agents": {"gather": {}, "judge": {}},
            "data": {"train": "train.jsonl", "held_out": "dev.jsonl", "corpus": "corpus.jsonl"},
            "grpo": {
                "steps": steps,
                "prompts": size.prompts,
                "generations": size.generations,
                "at_once": 4 if size.policy["lora"] else 64,
                "learning_rate": size.rate,
                "groups": {"arm": run.arm},
                "evaluate_every": steps,
                "evaluate_cases": 8,
                "save_every": 5 if size.policy["lora"] else steps,
            },
            "rewards": run.rewards,
            "seed": run.seed,
        }
    )
    return prepare(recipe, run.world)


def trained(run: Run, begun: Path, steps: int) -> dict[str, Any]:
    """Train, and measure on held-out things; what was measured before is not measured again.

    Raises:
        SystemExit: It was measured after another number of steps.
    """
    out = run.world / f"{run.name.replace(' ', '-')}-{run.seed}"
    file = out / "measured.json"
    if file.is_file():
        known = dict(json.loads(file.read_text("utf-8")))
        if len(known["history"]) != steps:
            had = len(known["history"])
            raise SystemExit(f"{out} took {had} steps, not {steps}: give --steps {had}, or another folder of --runs")
        return known
    weights = train(prepared_for(run, begun, steps), out, ["grpo"])
    history = [json.loads(line) for line in (out / "grpo" / "log.jsonl").read_text("utf-8").splitlines()]
    found = {
        "name": run.name,
        "seed": run.seed,
        "history": [entry for entry in history if "groups/all_wrong" in entry],
        **measured(run, weights or begun),
    }
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def measured(run: Run, policy: Path) -> dict[str, Any]:
    """Accuracy without sampling and pass@k with it, and of what they are made, case by case."""
    prepared, size = prepared_for(run, policy), SIZES[run.task]
    model = load_policy(prepared.recipe, policy).eval()
    cases = list(prepared.cases.held_out.values())[: size.held_out]
    best = _attempted(prepared, model, cases, None)
    sampled = _attempted(prepared, model, [case for case in cases for _ in range(size.samples)], 1.0)
    hits = [sum(sampled[start : start + size.samples]) for start in range(0, len(sampled), size.samples)]
    rates = {k: sum(pass_at(k, size.samples, hit) for hit in hits) / len(hits) for k in KS if k <= size.samples}
    return {
        "best": best,
        "hits": hits,
        "samples": size.samples,
        "accuracy": sum(best) / len(best),
        "pass": {str(k): rate for k, rate in rates.items()},
    }


def _attempted(prepared: Prepared, model: Any, cases: Sequence[Case], temperature: float | None) -> list[bool]:
    plan, found = prepared.plan(), []
    with torch.no_grad(), in_process(model, prepared.tokenizer) as completer:

        def policy() -> Policy:
            return Policy(completer, prepared.tokenizer, temperature=temperature)

        for start in range(0, len(cases), 64):
            part = cases[start : start + 64]
            attempts = shared_portal().call(lambda: attempt_all(plan, part, policy, -1 - start))  # noqa: B023
            found += [bool(right(attempt.rollout, 0.5)) for attempt in attempts]
    return found


def pass_at(k: int, samples: int, hits: int) -> float:
    """Probability that one of k drawn samples is right (Chen et al. 2021, equation 1)."""
    return 1.0 - math.comb(samples - hits, k) / math.comb(samples, k)
