"""MACT: what each agent's own work is worth, and what the whole is worth (C.3).

    r_agent  = R_prm of each step for planning and execution; R_orm, one value, for judgment and answer
    r_global = R_orm({P, E, J, O} | Q, D) on the path that was finally chosen

How steps are averaged and the weights of the two are not known: the plain mean is ours, and weights stand in the
recipe. In the paper both together give 74.8, the agents' alone 72.7, **the global one alone 70.2, below none
(71.4)**.

R_prm and R_orm are other models (there VisualPRM and Skywork-VL-Reward; here a judge, `rollouts/measures/process.py`).
Their numbers, on [0, 1], stand in `measured`: `planning` and `execution` one for each step, `judgment`, `answer` and
`global` one. Without an outcome model the global reward can be read off the label: `by: label`.

They apply to judgements of the mode `answer` (cases without responses), where agents plan, execute, judge and answer.

Hacks: short plans of easy steps raise a mean of steps; the global reward is against it. A grader that also labels the
training data, as in the paper, is the policy's accomplice: keep the held-out grader apart.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adjudge.errors import ConfigError
from adjudge.training.rewards.base import Single
from adjudge.training.rollouts import Rollout
from adjudge.types import Answer

Agent = Literal["planning", "execution", "judgment", "answer"]
AGENTS: tuple[Agent, ...] = ("planning", "execution", "judgment", "answer")
GLOBAL = "global"


@dataclass(frozen=True)
class MactAgents(Single):
    """From 0 to 1: r_agent, averaged over the agents that are trained. None where one of them was not measured.

    Attributes:
        agents: Those whose work the trained tokens are.

    Raises:
        ConfigError: No agent, or one that there is not.
    """

    name = "mact_agents"
    agents: tuple[Agent, ...] = AGENTS

    def __post_init__(self) -> None:
        if not self.agents or not set(self.agents) <= set(AGENTS):
            raise ConfigError("agents is a list of agents", key="agents", found=list(self.agents), allowed=AGENTS)

    def of(self, rollout: Rollout) -> float | None:
        """The mean over the agents of the mean over their steps."""
        if rollout.case.responses:
            return None
        means = [_mean(rollout.measured.get(agent, ())) for agent in self.agents]
        known = [mean for mean in means if mean is not None]
        return math.fsum(known) / len(known) if len(known) == len(means) else None


@dataclass(frozen=True)
class MactGlobal(Single):
    """From 0 to 1: r_global. No answer, by the policy's own doing, is 0.

    Attributes:
        by: `measured`, by an outcome model; or `label`, 1 where the answer is the label but for case, articles,
            punctuation and spaces (SQuAD's exact match), else 0.
    """

    name = "mact_global"
    by: Literal["measured", "label"] = "measured"

    def of(self, rollout: Rollout) -> float | None:
        """What the whole is worth."""
        if rollout.case.responses:
            return None
        label = rollout.case.label
        if self.by == "label" and not isinstance(label, str):
            return None
        if not isinstance(rollout.outcome, Answer):
            return 0.0
        if self.by == "label":
            return float(_plain(rollout.outcome.text) == _plain(label))
        return _mean(rollout.measured.get(GLOBAL, ()))


def _mean(scores: Sequence[float]) -> float | None:
    if not scores or any(math.isnan(score) for score in scores):
        return None
    return math.fsum(min(1.0, max(0.0, score)) for score in scores) / len(scores)


_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _plain(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.casefold().translate(_NO_PUNCTUATION)).split())
