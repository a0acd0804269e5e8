"""What TRL's `GRPOTrainer` is given: a rollout function, and reward functions over its rollouts.

rollouts = Rollouts(plan, cases, tokenizer, temperature=1.0)
verdict, rest = reward_functions(mixed)
JudgeGRPOTrainer(model, [verdict, rest], config, dataset, rollout_func=rollouts, …)    # prompt: the id of a case
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adjudge.errors import ModelError
from adjudge.judge.portal import shared_portal
from adjudge.training.rewards import Mixed, Paid
from adjudge.training.rollouts.attempts import Attempt, Plan, attempt_all
from adjudge.training.rollouts.live import tokens_of
from adjudge.training.rollouts.policy import Policy
from adjudge.training.rollouts.rollout import Rollout
from adjudge.types import Case

RewardFunction = Callable[..., list[float | None]]
VERDICT, REST = "verdict", "rest"
GONE = 5  # batches of nothing but outages after which a run ends, rather than go on without learning anything


class Rollouts:
    """TRL's `rollout_func`: each prompt is the id of a case, attempted once through the graph.

    Args:
        plan: Through which graph.
        cases: By id; those that are trained on and those that are held out.
        tokenizer: Of the policy.
        temperature: Of sampling in training. In evaluations the graph's own holds, as in production.
    """

    def __init__(self, plan: Plan, cases: Mapping[str, Case], tokenizer: Any, temperature: float = 1.0) -> None:
        self._plan = plan
        self._cases = cases
        self._tokenizer = tokenizer
        self._temperature = temperature
        self._batch = (-1, 0)  # step of the training, and how many batches it has had
        self._gone = 0  # batches of nothing but outages, one after the other

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        """One rollout for each prompt; TRL repeats a prompt as often as it wants generations of it.

        Raises:
            ModelError: So many batches in a row were nothing but outages that nothing is being learnt.
        """
        temperature = self._temperature if trainer.model.training else None
        step = trainer.state.global_step
        self._batch = (step, self._batch[1] + 1 if self._batch[0] == step else 0)
        cases, began = [self._cases[prompt] for prompt in prompts], time.perf_counter()
        with tokens_of(trainer) as completer:

            def policy() -> Policy:
                return Policy(completer, self._tokenizer, temperature=temperature)

            number = step * 10_000 + self._batch[1] * 100 + trainer.accelerator.process_index
            attempts = shared_portal().call(lambda: attempt_all(self._plan, cases, policy, number))
        self._gone = self._gone + 1 if all(attempt.rollout.outage for attempt in attempts) else 0
        if self._gone == GONE:
            problem = (
                f"the rollouts of {GONE} batches in a row were all outages; the latest: {attempts[-1].rollout.outage}"
            )
            raise ModelError(problem, kind="unavailable")
        return _for_trl(attempts, time.perf_counter() - began)


def _for_trl(attempts: Sequence[Attempt], seconds: float) -> dict[str, list[Any]]:
    rows = [attempt.row for attempt in attempts]
    return {
        "prompt_ids": [list(row.prompt_ids) for row in rows],
        "completion_ids": [list(row.completion_ids) for row in rows],
        "logprobs": [list(row.logprobs) for row in rows],
        "env_mask": [list(row.mask) for row in rows],
        "rollout": [attempt.rollout for attempt in attempts],
        "rollout_seconds": [seconds] * len(rows),  # of the whole batch
    }


def reward_functions(mixed: Mixed) -> tuple[RewardFunction, RewardFunction]:
    """The verdict term, and the rest of the total, as reward functions of TRL; their weights are the verdict's and 1.

    Each term is logged by itself as `terms/NAME`, besides how many tools were called, what share was malformed, and
    the seconds that rollouts and rewards took.

    Args:
        mixed: With a reward of the name `verdict`.
    """
    latest: dict[str, Any] = {"rollouts": None, "paid": ()}

    def paid_for(rollouts: Sequence[Rollout]) -> Sequence[Paid]:
        if latest["rollouts"] is not rollouts:
            latest.update(rollouts=rollouts, paid=mixed(rollouts))
        paid: Sequence[Paid] = latest["paid"]
        return paid

    def verdict(
        *,
        rollout: list[Rollout],
        log_metric: Callable[[str, float], None],
        rollout_seconds: Sequence[float] = (),
        **_: Any,
    ) -> list[float | None]:
        began = time.perf_counter()
        paid = paid_for(rollout)
        log_metric("seconds/rewards", time.perf_counter() - began)
        if rollout_seconds:
            log_metric("seconds/rollouts", rollout_seconds[0])
        for name, value in _logged(rollout, paid).items():
            log_metric(name, value)
        return [mixed.apart(one, VERDICT).term for one in paid]

    def rest(*, rollout: list[Rollout], **_: Any) -> list[float | None]:
        return [mixed.apart(one, VERDICT).rest for one in paid_for(rollout)]

    return verdict, rest


def _logged(rollouts: Sequence[Rollout], paid: Sequence[Paid]) -> dict[str, float]:
    columns: dict[str, list[float]] = {name: [] for name in (paid[0].terms if paid else ())}
    for one in paid:
        for name, value in one.terms.items():
            if value is not None:
                columns[name].append(value)
    logged = {f"terms/{name}": math.fsum(values) / len(values) for name, values in columns.items() if values}
    logged["tools/calls"] = sum(len(rollout.calls) for rollout in rollouts) / len(rollouts)
    logged["tools/bad_calls"] = sum(call.own_fault for each in rollouts for call in each.calls) / len(rollouts)
    logged["malformed"] = sum(bool(one.malformed) for one in paid) / len(rollouts)
    logged["outages"] = sum(bool(rollout.outage) for rollout in rollouts) / len(rollouts)
    return logged
