"""A judge as a reward function of TRL, which can be pickled and sent to other processes.

    trainer = GRPOTrainer(..., reward_funcs=judge.as_reward())            # each completion by itself
    reward = judge.as_reward(strategy="all_pairs", penalty=0.0)           # ranked within the group of its prompt

TRL skips None: a completion that has no reward from any function gets advantage 0 and stays out of its group's mean.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adjudge.errors import CaseError
from adjudge.judge.portal import shared_portal
from adjudge.judge.rewarding import Rewarded, areward
from adjudge.judge.trl_rows import COLUMNS, case_of_row
from adjudge.types import Case, Message, Strategy

if TYPE_CHECKING:
    from adjudge.judge.judge import Judge

__all__ = ["COLUMNS", "JudgeReward", "RewardFunction"]

_building = threading.Lock()
_inherited: list[Any] = []  # judges of a parent process: dropping one would close what only the parent may close
os.register_at_fork(after_in_child=lambda: globals().update(_building=threading.Lock()))


class RewardFunction(ABC):
    """What TRL calls: `f(prompts, completions, completion_ids, **columns) -> list[float | None]`.

    It blocks until all rewards are there, as TRL's synchronous trainer wants.

    Args:
        strategy: `pointwise` scores each completion by itself; the others rank it among those of the same prompt and
            context.
        penalty: Reward of a completion that is empty or cut off; None leaves it out.
        max_completion_length: Tokens at which a completion counts as cut off: the trainer's setting of this name.
        name: How the trainer's log calls it.
    """

    def __init__(
        self, *, strategy: Strategy, penalty: float | None, max_completion_length: int | None, name: str
    ) -> None:
        self.strategy = strategy
        self.penalty = penalty
        self.max_completion_length = max_completion_length
        self.__name__ = name

    @abstractmethod
    def judged(self, cases: Sequence[Case]) -> list[Rewarded]:
        """Rewards of cases with one response each, in their order."""

    @abstractmethod
    def close(self) -> None:
        """Free what it has opened itself; the end of the process does so, too."""

    def __call__(
        self,
        prompts: Sequence[str | list[Message]],
        completions: Sequence[str | list[Message]],
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Rewards of completions, None where there is none.

        Args:
            prompts: Text or messages.
            completions: Text or messages, one for each prompt.
            completion_ids: Their tokens.
            log_metric: TRL's; gets the shares of completions without a reward and with the penalty.
            columns: Lists from the data set: `reference`, `rubric`, `documents`, `culture` and `images` are used.
        """
        rewarded = self.explained(prompts, completions, completion_ids, **columns)
        if log_metric is not None and rewarded:
            log_metric(f"{self.__name__}/unscored", _share(rewarded, lambda item: item.reward is None))
            log_metric(f"{self.__name__}/incomplete", _share(rewarded, lambda item: item.reason == "incomplete"))
        return [item.reward for item in rewarded]

    def explained(
        self,
        prompts: Sequence[str | list[Message]],
        completions: Sequence[str | list[Message]],
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[Rewarded]:
        """The same with the reasons. A row that is no case costs only itself."""
        rewards: list[Rewarded] = [Rewarded(None)] * len(prompts)
        cases: dict[int, Case] = {}
        for place, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            tokens = len(completion_ids[place]) if completion_ids is not None else 0
            complete = self.max_completion_length is None or tokens < self.max_completion_length
            try:
                cases[place] = case_of_row(prompt, completion, _row(columns, place), complete=complete)
            except ValidationError as error:
                rewards[place] = Rewarded(None, f"bad_case: {error.errors()[0]['msg']}")
            except CaseError as error:
                rewards[place] = Rewarded(None, f"bad_case: {error}")
        judged = self.judged(list(cases.values())) if cases else []
        for place, rewarded in zip(cases, judged, strict=True):
            rewards[place] = rewarded
        return rewards


class JudgeReward(RewardFunction):
    """A judge in this process as a reward function; it judges in a thread of its own.

    Args:
        build: Makes the judge; called in each process that uses the function. It has to be picklable for the function
            to be: a function of a module, or `functools.partial` of one.
        strategy: See `RewardFunction`.
        penalty: See `RewardFunction`.
        max_completion_length: See `RewardFunction`.
        name: See `RewardFunction`.
        judge: The judge of this process, where there is one already.

    Raises:
        ConfigError: On pickling, or on the first call in a child of this process, nobody can make the judge again; on
            the first call, it cannot be built.
        JournalError: The journal cannot be used any more.
    """

    def __init__(
        self,
        build: Callable[[], Judge],
        *,
        strategy: Strategy = "pointwise",
        penalty: float | None = None,
        max_completion_length: int | None = None,
        name: str = "judge",
        judge: Judge | None = None,
    ) -> None:
        super().__init__(strategy=strategy, penalty=penalty, max_completion_length=max_completion_length, name=name)
        self._build = build
        self._judge = judge
        self._built = False  # whether the judge is of our own making
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_judge": None, "_built": False}

    def judged(self, cases: Sequence[Case]) -> list[Rewarded]:
        """See `areward`."""
        judge = self._own()
        return shared_portal().call(lambda: areward(judge, cases, strategy=self.strategy, penalty=self.penalty))

    def _own(self) -> Judge:
        """This process's judge: the threads and connections of a parent's do not live on in its child."""
        with _building:
            if self._judge is None or self._process != os.getpid():
                _inherited.append(self._judge)
                self._judge, self._process, self._built = self._build(), os.getpid(), True
            return self._judge

    def close(self) -> None:
        """Close the judge, if it was made here; the next call makes another."""
        if self._judge is not None and self._built and self._process == os.getpid():
            self._judge.close()
            self._judge = None


def _row(columns: Mapping[str, Any], place: int) -> dict[str, Any]:
    """One row of the columns; what is no list is none of the data set's."""
    return {name: values[place] for name, values in columns.items() if isinstance(values, list | tuple) and values}


def _share(rewarded: Sequence[Rewarded], such: Callable[[Rewarded], bool]) -> float:
    return sum(map(such, rewarded)) / len(rewarded)
