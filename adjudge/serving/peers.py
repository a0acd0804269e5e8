"""Requests for rewards in the forms that trainers use.

Each form was read in the trainer's own source; the file stands in the docstring of the form. What a trainer cannot put
into the body (which judge, which strategy, the penalty) goes into the URL: `/get_reward?graph=rubric&penalty=0`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from adjudge.errors import CaseError
from adjudge.judge.reward_function import COLUMNS
from adjudge.judge.rewarding import Rewarded
from adjudge.judge.trl_rows import fields_of_row
from adjudge.serving.refusals import Refused
from adjudge.serving.rewards import RewardForm, numbers, same_length

# What closes a turn in the usual chat templates: OpenRLHF decodes with special tokens, which are no part of the text.
_END = re.compile(r"(?:<\|(?:im_end|endoftext|eot_id|end_of_text|end|return)\|>|</s>|<eos>|<end_of_turn>|\s)+\Z")
_ASKED = ("question", "prompt")  # where verl's data sets keep the prompt


class TrlRequest(RewardForm):
    """The arguments of a reward function of TRL, as JSON.

    TRL has no request of its own for rewards over HTTP: its trainer calls Python functions
    (`trl/trainer/grpo_trainer.py`, `GRPOTrainer._calculate_rewards`, TRL 1.16) with `prompts`, `completions`,
    `completion_ids` and the columns of the data set, and takes None for a reward that is missing. This form is for a
    function that only passes them on; `adjudge.serving.RemoteReward` does more, and sends cases. Messages are read as
    that function reads them: arguments of tool calls may be objects, and keys may be null. The columns `reference`,
    `rubric`, `documents` and `culture` go into the case, `complete` (false: cut off) to the response; others are left
    alone.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    prompts: list[str | list[dict[str, Any]]] = Field(min_length=1)
    completions: list[str | list[dict[str, Any]]]
    complete: list[bool] | None = None

    def rows(self) -> list[Any]:
        """One for each completion."""
        extra = self.model_extra or {}
        columns = {name: extra[name] for name in COLUMNS if isinstance(extra.get(name), list)}
        same_length(prompts=self.prompts, completions=self.completions, complete=self.complete, **columns)
        return [self._row(place, columns) for place in range(len(self.prompts))]

    def _row(self, place: int, columns: dict[str, list[Any]]) -> Any:
        complete = True if self.complete is None else self.complete[place]
        row = {name: column[place] for name, column in columns.items()}
        try:
            return fields_of_row(self.prompts[place], self.completions[place], row, complete=complete)
        except CaseError as error:
            return error


class OpenRlhfRequest(RewardForm):
    """What OpenRLHF posts to `--reward.remote_url` (before 0.9: `--remote_rm_url`).

    `openrlhf/utils/agent.py`, `SingleTurnAgentExecutor._fetch_rewards_via_http` (OpenRLHF 0.11.2): one query a request,
    which is the prompt and the response decoded together, special tokens included; `rewards` and `scores` of the reply
    become tensors. It tries five times, a second apart, whatever the error, and gives a request 180 s. The path is that
    of `openrlhf/cli/serve_rm.py`: `/get_reward`. A label that is text is the reference answer.
    """

    has_null = False
    model_config = ConfigDict(frozen=True, extra="ignore")

    query: list[str] = Field(min_length=1)
    prompts: list[str] = Field(description="OpenRLHF sends them since 0.6; without them no response can be told.")
    labels: list[Any] | None = None

    def rows(self) -> list[Any]:
        """One for each query."""
        same_length(query=self.query, prompts=self.prompts, labels=self.labels)
        return [self._row(place) for place in range(len(self.query))]

    def _row(self, place: int) -> dict[str, Any]:
        query, prompt = self.query[place], self.prompts[place]
        if not query.startswith(prompt):
            problem = "this query does not begin with its prompt, so the response cannot be told from it"
            hint = "a prompt longer than the context is cut by OpenRLHF: leave it out, or raise its max_len"
            raise Refused(422, "invalid", problem, key=f"query.{place}", hint=hint)
        label = None if self.labels is None else self.labels[place]
        response = _END.sub("", query[len(prompt) :])
        return {"prompt": prompt, "responses": [{"text": response}], "reference": _reference(label)}

    def reply(self, rewarded: Sequence[Rewarded]) -> Any:
        """As `serve_rm.py` does."""
        rewards = numbers(rewarded)
        return {"rewards": rewards, "scores": rewards, "extra_logs": {}}


class VerlRequest(RewardForm):
    """The arguments of verl's `compute_score`, as JSON.

    verl has no request of its own for such rewards either: `NaiveRewardManager.run_single` in
    `verl/experimental/reward_loop/reward_manager/naive.py` (verl 0.9.1) calls the function that
    `custom_reward_function.path` names with these four, and takes a number or a mapping with `score`.
    `adjudge.serving.client.compute_score` is such a function, and sends this. The prompt is not among the arguments:
    it is read from `extra_info`, as verl's own `recipe/genrm_remote/reward_function.py` does. A ground truth that is
    text is the reference answer.
    """

    has_null = False
    model_config = ConfigDict(frozen=True, extra="ignore")

    data_source: str | None = None
    solution_str: str
    ground_truth: Any = None
    extra_info: dict[str, Any] | None = None

    def rows(self) -> list[Any]:
        """The only one."""
        return [_verl_row(self.solution_str, self.ground_truth, self.extra_info, "extra_info")]

    def reply(self, rewarded: Sequence[Rewarded]) -> Any:
        """What `compute_score` returns."""
        return {"score": numbers(rewarded)[0]}


class VerlBatchRequest(RewardForm):
    """The arguments of `compute_score` under verl's batch manager, as JSON.

    `verl/workers/reward_manager/batch.py`, `BatchRewardManager.verify` (verl 0.9.1): the same in lists; the result is a
    list of numbers or of mappings with `score`.
    """

    has_null = False
    model_config = ConfigDict(frozen=True, extra="ignore")

    data_sources: list[Any] | None = None
    solution_strs: list[str] = Field(min_length=1)
    ground_truths: list[Any] | None = None
    extra_infos: list[dict[str, Any] | None]

    def rows(self) -> list[Any]:
        """One for each solution."""
        same_length(
            solution_strs=self.solution_strs,
            extra_infos=self.extra_infos,
            ground_truths=self.ground_truths,
            data_sources=self.data_sources,
        )
        truths = self.ground_truths or [None] * len(self.solution_strs)
        return [
            _verl_row(solution, truth, info, f"extra_infos.{place}")
            for place, (solution, truth, info) in enumerate(
                zip(self.solution_strs, truths, self.extra_infos, strict=True)
            )
        ]

    def reply(self, rewarded: Sequence[Rewarded]) -> Any:
        """What `compute_score` returns."""
        return [{"score": score} for score in numbers(rewarded)]


def _verl_row(solution: str, truth: Any, info: dict[str, Any] | None, place: str) -> dict[str, Any]:
    known = info or {}
    prompt = next((known[name] for name in _ASKED if isinstance(known.get(name), str | list)), None)
    if prompt is None:
        problem = "verl does not pass the prompt, so it has to stand in extra_info"
        hint = "when the data set is made, put it there as `question`"
        raise Refused(422, "invalid", problem, key=place, allowed=_ASKED, hint=hint)
    fields = {name: known[name] for name in COLUMNS if known.get(name) is not None}
    return {"reference": _reference(truth), **fields, "prompt": prompt, "responses": [{"text": solution}]}


def _reference(label: Any) -> str | None:
    return label if isinstance(label, str) and label else None
