"""Requests for rewards, and the replies to them.

The server's own form says `null` where there is no reward, and why. Where a form cannot say that, the whole request is
answered 503, to be sent again, and no number is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from adjudge.judge.rewarding import Rewarded
from adjudge.serving.forms import Form, GraphName, RawCase
from adjudge.serving.refusals import Refused, without_places
from adjudge.types import Frozen, Strategy

RETRY_AFTER = 2  # seconds; the outage itself was waited for already
_OF_THE_CLIENT = ("bad_case", "incomplete")  # reasons that another time will not change
PENALTY = "For a response that is empty or cut off, which is the policy's own fault."

RewardStrategy = Annotated[
    Strategy | None,
    Field(description="`pointwise` (the default) scores each response by itself; the others rank it in its group."),
]


class RewardForm(Form):
    """What every form of a request for rewards has."""

    has_null: ClassVar[bool] = True  # whether the reply can say that there is no reward

    graph: GraphName = None
    strategy: RewardStrategy = None
    penalty: float | None = Field(default=None, allow_inf_nan=False, description=PENALTY)

    def rows(self) -> list[Any]:
        """What is to be rewarded: what each case is made of.

        Raises:
            Refused: The lists of the request differ in length.
        """
        raise NotImplementedError

    def check_group(self, rows: Sequence[Any], strategy: Strategy) -> None:
        """Refuse what can never have a reward, where the form cannot say so: one response that is to be ranked.

        Raises:
            Refused: It is.
        """
        if not self.has_null and strategy != "pointwise" and len(rows) == 1:
            problem = "a ranked reward needs the other responses to the prompt in the same request, and this has one"
            raise Refused(422, "invalid", problem, key="strategy", allowed=("pointwise",))

    def reply(self, rewarded: Sequence[Rewarded]) -> Any:
        """The rewards as JSON types.

        Raises:
            Refused: One is missing, and the form cannot say so.
        """
        return RewardReply.of(rewarded).model_dump(mode="json")


class RewardRequest(RewardForm):
    """Cases with one response each. Those that are the same but for it form a group."""

    cases: list[RawCase] = Field(min_length=1)

    def rows(self) -> list[Any]:
        """The cases."""
        return self.cases


class RewardReply(Frozen):
    """Rewards in the order of the request."""

    rewards: tuple[float | None, ...] = Field(description="null: there is none; leave the response out.")
    reasons: tuple[str, ...] = Field(description="Why there is none; `incomplete` with a penalty; else empty.")

    @classmethod
    def of(cls, rewarded: Sequence[Rewarded]) -> RewardReply:
        """As it is sent."""
        return cls(
            rewards=tuple(item.reward for item in rewarded),
            reasons=tuple(without_places(item.reason) for item in rewarded),
        )


def same_length(**columns: Sequence[Any] | None) -> None:
    """Refuse lists of different lengths.

    Raises:
        Refused: They are.
    """
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise Refused(422, "invalid", f"these lists must be of the same length; {shown}", key=next(iter(lengths)))


def numbers(rewarded: Sequence[Rewarded]) -> list[float]:
    """All rewards, for a form that has no way to say that there is none.

    Raises:
        Refused: There is none for one of them.
    """
    for place, item in enumerate(rewarded):
        if item.reward is None:
            raise _missing(place, without_places(item.reason))
    return [item.reward for item in rewarded if item.reward is not None]


def _missing(place: int, reason: str) -> Refused:
    message = f"there is no reward for response {place}, and a reply in this form cannot say so: {reason}"
    if reason.startswith("incomplete"):
        hint = "say what an empty response gets: add ?penalty=NUMBER to the URL"
        return Refused(422, "invalid", message, key="penalty", hint=hint)
    if reason.startswith(_OF_THE_CLIENT):
        return Refused(422, "invalid", message)
    return Refused(503, "outage", message, hint="send the same request again", retry_after=RETRY_AFTER)
