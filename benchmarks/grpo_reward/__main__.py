"""GRPO of TRL with a judge as its reward: in process, and over HTTP with the server killed in the middle.

    python -m benchmarks.grpo_reward --out docs/measured

The policy is a random Llama of 64 dimensions that writes letters; the judge is `rubric` on a model that scores a
response by its share of the letter a, from 1 to 5, so a 0 could only come from an outage; an empty completion gets 1 as
a penalty. The arms: `as_reward()`, pickled and unpickled; the same with the model's server killed (-9) in the middle of
a step and started again some steps later; `adjudge serve` as reward; the same killed and started again; the same with a
client that waits for it; and for a few steps the embedded model, which is a real judge and no good one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import pickle
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from adjudge.judge import Judge
from adjudge.judge.reward_function import RewardFunction
from adjudge.serving.client import RemoteReward
from benchmarks.grpo_reward.policy import Step, train
from benchmarks.grpo_reward.servers import HIGH, LOW, Killable, model_server, reward_server

IN_FLIGHT = 0.03  # seconds after rewards were asked for at which the server is killed; a verdict takes 0.05


def in_process(model: Killable) -> RewardFunction:
    """A judge as a reward, by way of a pickle."""
    changes: dict[str, Any] = {
        "models.default": {"provider": "server", "model": "letters", "base_url": f"{model.url}/v1", "retries": 0}
    }
    reward = Judge.load("rubric", **changes).as_reward(penalty=LOW)
    copied: RewardFunction = pickle.loads(pickle.dumps(reward))
    return copied


def remote(server: Killable, patience: float) -> RewardFunction:
    """The reward server."""
    return RemoteReward(server.url, graph="rubric", penalty=LOW, patience=patience, timeout=30)


def outage(server: Killable, begins: int, ends: int) -> Callable[[int], None]:
    """Kill while the rewards of a step are on their way, and start again before those of another are asked for."""

    def judging(step: int) -> None:
        if step == begins:
            server.kill_soon(IN_FLIGHT)
        if step == ends:
            server.start()

    return judging


def pause(server: Killable, at: int) -> Callable[[int], None]:
    """Kill while the rewards of a step are on their way, and start again 3 s later."""
    return lambda step: server.kill_soon(IN_FLIGHT, 3.0) if step == at else None


def arms(chosen: argparse.Namespace) -> dict[str, list[Step]]:
    """All runs, printed as they come."""
    model = model_server()
    server = reward_server(model)
    begins, ends = chosen.steps // 3, chosen.steps // 2
    found: dict[str, list[Step]] = {}

    def run(name: str, reward: RewardFunction, steps: int, judging: Callable[[int], None] = lambda _: None) -> None:
        found[name] = train(reward, steps, judging)
        print(json.dumps({name: told(found[name])}), flush=True)

    try:
        model.start()
        model.wait()
        server.start()
        server.wait()
        run("as_reward()", in_process(model), chosen.steps)
        run("as_reward(), model killed", in_process(model), chosen.steps, outage(model, begins, ends))
        model.wait()
        run("server", remote(server, 0), chosen.steps)
        run("server killed", remote(server, 0), chosen.steps, outage(server, begins, ends))
        server.wait()
        run("server killed, client waits", remote(server, 60), chosen.steps, pause(server, begins))
        if chosen.embedded:
            judge = Judge.load("rubric", model="embedded")
            run("as_reward(), embedded model", judge.as_reward(penalty=LOW), chosen.embedded)
    finally:
        model.kill()
        server.kill()
    return found


def told(steps: Sequence[Step]) -> dict[str, Any]:
    """What a run came to."""
    rewards = [reward for step in steps for reward in step.rewards]
    scored = [reward for reward in rewards if reward is not None]
    without = [step for step in steps if all(step.reasons)]  # nothing was judged; there may be penalties
    full = [step for step in steps if step not in without]
    logged = [step.logged for step in full if step.logged is not None]
    return {
        "steps": len(steps),
        "completions": len(rewards),
        "none": len(rewards) - len(scored),
        "zeros": sum(reward == 0 for reward in scored),
        "off_the_scale": sum(not LOW <= reward <= HIGH for reward in scored),
        "lowest": min(scored),
        "logged_off_the_scale": sum(not LOW <= value <= HIGH for value in logged),
        "steps_without_a_reward": [step.step for step in without],
        "largest_gradient_in_these": max((step.grad_norm for step in without), default=None),
        "reasons": Counter(reason.partition(":")[0] for step in steps for reason in step.reasons if reason),
        "first_five": _mean(logged[:5]),
        "last_five": _mean(logged[-5:]),
        "median_seconds_a_step": median(step.seconds for step in full),
        "median_seconds_of_judging": median(step.reward_seconds for step in full),
        "longest_step": max(step.seconds for step in steps),
        "seconds": sum(step.seconds for step in steps),
    }


def table(found: dict[str, dict[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| reward | steps | completions | None | zeros | steps without a reward | largest gradient in these "
        "| mean reward, first and last five | s a step (judging) | longest step, s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, told in found.items():
        without = told["steps_without_a_reward"]
        span = f"{len(without)} ({without[0]} to {without[-1]})" if without else "0"
        gradient = "–" if told["largest_gradient_in_these"] is None else f"{told['largest_gradient_in_these']:g}"
        lines.append(
            f"| {name} | {told['steps']} | {told['completions']} | {told['none']} | {told['zeros']} | {span} "
            f"| {gradient} "
            f"| {told['first_five']:.2f} → {told['last_five']:.2f} "
            f"| {told['median_seconds_a_step']:.2f} ({told['median_seconds_of_judging']:.2f}) "
            f"| {told['longest_step']:.1f} |"
        )
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--embedded", type=int, default=4, help="steps with the embedded model as the judge")
    parser.add_argument("--out", type=Path, help="folder for the numbers")
    chosen = parser.parse_args()
    logging.getLogger("trl").setLevel(logging.ERROR)  # it prints a completion for each step without a reward
    runs = arms(chosen)
    found = {name: told(steps) for name, steps in runs.items()}
    print(table(found))
    if chosen.out is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
        kept = {
            "machine": machine,
            "arms": found,
            "runs": {n: [s._asdict() for s in steps] for n, steps in runs.items()},
        }
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "grpo_reward.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
