"""The embedded model as the judge of the process: how likely it says that something is at fault.

It is too small to write flags, so it is asked yes or no about what `process_judge` shows (question, plan, results), and
log p(yes) - log p(no) is taken as its score. Controls: the number of steps, and the length of what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from adjudge.evaluation.metrics import auroc, bootstrap
from adjudge.evaluation.metrics.arrays import Ints
from adjudge.models import ModelSpec, open_model
from adjudge.types import Message
from adjudge.types.messages import text_of, user
from benchmarks.four_agents.arms import World
from benchmarks.four_agents.figures import Figure
from benchmarks.four_agents.shown import first_checks

_ASKED = "Is the plan, or the result of a step, at fault? Reply with a single word: yes or no."


class Asked(NamedTuple):
    """What was to be checked."""

    table: str
    messages: tuple[Message, ...]
    faulty: bool
    steps: int


async def embedded(world: World) -> dict[str, Any]:
    """How well its score, and the controls, tell faulty processes from good ones: AUROC with 95 % intervals."""
    shown = await _asked(world)
    model = open_model(ModelSpec(provider="local"))
    scores = []
    for item in shown:
        found = await model.score([*item.messages, user(_ASKED)], ["yes", "no"])
        yes, no = (sum(logprobs) for logprobs in found.logprobs)
        scores.append(yes - no)
    await model.aclose()
    lengths = [float(sum(len(text_of(message["content"])) for message in item.messages)) for item in shown]
    return {
        "AUROC of the embedded model": _auroc(scores, shown),
        "AUROC of the number of steps (control)": _auroc([float(item.steps) for item in shown], shown),
        "AUROC of the length (control)": _auroc(lengths, shown),
        "processes at fault": Figure(sum(item.faulty for item in shown) / len(shown), None, None, len(shown)),
    }


async def _asked(world: World) -> list[Asked]:
    return [
        Asked(
            item.trial.table,
            item.request.messages[:-1],
            item.trial.checks[0].really.kind is not None,
            len(item.trial.draws),
        )
        for item in await first_checks(world.questions, world.chances)
    ]


def _auroc(scores: Sequence[float], shown: Sequence[Asked]) -> Figure:
    labels = [item.faulty for item in shown]
    order = sorted(set(scores))
    ranked = [order.index(score) / len(order) for score in scores]  # all that counts, and in [0, 1]

    def statistic(rows: Ints) -> float:
        return auroc([ranked[row] for row in rows], [labels[row] for row in rows])

    found = bootstrap(statistic, [item.table for item in shown])
    return Figure(found.estimate, found.low, found.high, found.n)
