"""One GRPO run from the small policy by a recipe, as a user would start it, and what its policy can do afterwards."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM

from adjudge.judge.portal import shared_portal
from adjudge.training.prepared import Prepared, prepare
from adjudge.training.recipe import Recipe
from adjudge.training.rewards.verdict import right
from adjudge.training.rollouts.attempts import attempt_all
from adjudge.training.rollouts.live import in_process
from adjudge.training.rollouts.policy import Policy
from adjudge.training.train import train
from adjudge.types import Case

REWARDS: dict[str, dict[str, Any]] = {
    "verdict": {"weight": 1.0},
    "tool_use": {"weight": 0.3, "must_cite": False, "must_find": True},
    "format": {"weight": 0.1},
}
SAMPLES = 16  # of each held-out case
KS = (1, 2, 4, 8, 16)


class Run(NamedTuple):
    """What is trained."""

    name: str
    arm: str
    seed: int
    rewards: Mapping[str, Mapping[str, Any]]


def prepared_for(run: Run, world: Path, policy: Path, steps: int, generations: int) -> Prepared:
    """The run as a recipe, opened."""
    recipe = Recipe.model_validate(
        {
            "name": "small",
            "policy": {"model": str(policy), "lora": None, "dtype": "float32", "max_tokens": 64},
            "graph": str(world / "graph.yaml"),
            "agents": {"gather": {}, "judge": {}},
            "data": {"train": "train.jsonl", "held_out": "dev.jsonl", "corpus": "corpus.jsonl"},
            "grpo": {
                "steps": steps,
                "prompts": 16,
                "generations": generations,
                "at_once": 64,
                "learning_rate": 3e-4,
                "groups": {"arm": run.arm},
                "evaluate_every": steps,
                "evaluate_cases": 8,
                "save_every": steps,
            },
            "rewards": run.rewards,
            "seed": run.seed,
        }
    )
    return prepare(recipe, world)


def trained(
    run: Run, world: Path, policy: Path, out: Path, steps: int, generations: int, held_out: int
) -> dict[str, Any]:
    """Train, and measure on held-out things; what was measured before is not measured again."""
    file = out / "measured.json"
    if file.is_file():
        return dict(json.loads(file.read_text("utf-8")))
    prepared = prepared_for(run, world, policy, steps, generations)
    weights = train(prepared, out, ["grpo"])
    history = [json.loads(line) for line in (out / "grpo" / "log.jsonl").read_text("utf-8").splitlines()]
    found = {
        "name": run.name,
        "seed": run.seed,
        "history": [entry for entry in history if "groups/all_wrong" in entry],
        **measured(prepared, weights or policy, held_out),
    }
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def measured(prepared: Prepared, policy: Path, held_out: int) -> dict[str, Any]:
    """Accuracy without sampling and pass@k with it, and of what they are made, case by case."""
    model = AutoModelForCausalLM.from_pretrained(policy)
    cases = list(prepared.cases.held_out.values())[:held_out]
    best = _attempted(prepared, model, cases, None)
    sampled = _attempted(prepared, model, [case for case in cases for _ in range(SAMPLES)], 1.0)
    hits = [sum(sampled[start : start + SAMPLES]) for start in range(0, len(sampled), SAMPLES)]
    return {
        "best": best,
        "hits": hits,
        "accuracy": sum(best) / len(best),
        "pass": {k: sum(pass_at(k, SAMPLES, hit) for hit in hits) / len(hits) for k in KS},
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
