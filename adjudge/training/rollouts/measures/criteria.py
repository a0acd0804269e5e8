"""How likely the right verdict is with the criteria that a judge wrote, and without (Think-as-Locals, R_appr).

The letter's probability is taken among the letters of all responses, as the reply to a prompt of ours. The model is
frozen: a model that is trained could raise the gain by lowering what it subtracts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import Field

from adjudge.errors import ConfigError
from adjudge.models import ChatModel
from adjudge.types import Case, Criterion, Frozen, JudgeResult, Verdict, letter
from adjudge.types.messages import user

_ASKED = "{question}\n\n{responses}\n\n{criteria}Which response is best? Reply with a single letter."


class CriteriaSettings(Frozen):
    """Who is asked."""

    model: str = Field(default="embedded", description="A model that can score given replies, as for `adjudge judge`.")


class CriteriaMeasure:
    """`criteria_gain`: log-probability of the right letter with the criteria, and without; in nats.

    Args:
        model: Who is asked.

    Raises:
        ConfigError: The model does not score given replies.
    """

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        if "score" not in model.info.abilities:
            problem = "the model does not score given replies"
            raise ConfigError(problem, key="measures.criteria_gain.model", found=model.info.name)

    async def __call__(self, case: Case, result: JudgeResult) -> dict[str, tuple[float, ...]]:
        """Both; nothing where the case has no right letter, or the judge wrote no criteria.

        Raises:
            ModelError: The model failed.
        """
        letters = [letter(place) for place in range(len(case.responses))]
        outcome = result.outcome
        if case.label not in letters or not isinstance(outcome, Verdict) or not outcome.principles:
            return {}
        right = letters.index(str(case.label))
        return {
            "criteria_gain": (
                await self._told(case, letters, right, outcome.principles),
                await self._told(case, letters, right, ()),
            )
        }

    async def _told(self, case: Case, letters: Sequence[str], right: int, criteria: Sequence[Criterion]) -> float:
        responses = "\n\n".join(
            f"{name}: {response.text}" for name, response in zip(letters, case.responses, strict=True)
        )
        listed = "\n".join(f"- {one.name} (weight {one.weight:g}): {one.description}" for one in criteria)
        shown = f"Criteria:\n{listed}\n\n" if listed else ""
        asked = _ASKED.format(question=case.question, responses=responses, criteria=shown)
        scored = await self._model.score([user(asked)], letters)
        sums = [math.fsum(tokens) for tokens in scored.logprobs]
        highest = max(sums)
        return sums[right] - highest - math.log(math.fsum(math.exp(one - highest) for one in sums))
