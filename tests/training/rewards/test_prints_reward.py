"""PRInTS: the score reward and the comparison reward, as in B.6, and the traps of B.11."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from adjudge.errors import CaseError
from adjudge.training.rewards import PrintsComparison, PrintsScore
from adjudge.training.rollouts import Rollout
from adjudge.types import Answer, Unscored, Verdict

_STEP = {"thought": "search", "tool": "corpus", "arguments": {"query": "x"}}
_UNREADABLE = Unscored(reason="parse_failure")


def _case(name: str, label: float, pair: object = "p") -> dict[str, Any]:
    return {
        "id": name,
        "responses": [],
        "candidates": [_STEP],
        "label": {"steps": [label]},
        "metadata": {"pair": pair} if pair is not None else {},
    }


def _said(score: float) -> Verdict:
    return Verdict(scores=(score,))


@pytest.mark.parametrize(
    ("label", "outcome", "pays"),
    [
        (2.0, _said(2.0), 1.0),
        (2.0, _said(-2.0), 0.5),
        (4.0, _said(-4.0), 0.0),
        (-4.0, _said(4.0), 0.0),
        (0.5, _said(1.0), 0.9375),
        (4.0, _said(-40.0), 0.0),  # off the scale: the released code gives -4.5
        (2.0, _UNREADABLE, 0.25),  # as if it had said -4
        (-4.0, _UNREADABLE, 1.0),  # the trap: `Mixed` takes it back
        (2.0, Answer(text="2"), 0.25),
        (2.0, Verdict(scores=(2.0, 2.0)), 0.25),  # two scores for one step
    ],
)
def test_the_score_reward_is_how_near_the_label_is(
    label: float, outcome: Any, pays: float, attempt: Callable[..., Rollout]
) -> None:
    assert PrintsScore()([attempt(_case("c", label), outcome=outcome)]) == [pytest.approx(pays)]


def test_several_graded_steps_are_averaged(attempt: Callable[..., Rollout]) -> None:
    case = {"responses": [], "trajectory": {"steps": [_STEP, _STEP]}, "label": {"steps": [4, 0]}}
    assert PrintsScore()([attempt(case, outcome=Verdict(scores=(4.0, 4.0)))]) == [0.75]


@pytest.mark.parametrize("case", [{}, {"label": None}, {**_case("c", 1), "label": None}])
def test_without_graded_steps_neither_applies(case: dict[str, Any], attempt: Callable[..., Rollout]) -> None:
    assert PrintsScore()([attempt(case)]) == PrintsComparison()([attempt(case)]) == [None]


def test_a_label_that_is_none_of_steps_is_told(attempt: Callable[..., Rollout]) -> None:
    with pytest.raises(CaseError):
        PrintsScore()([attempt({**_case("c", 1), "label": "A"})])


def _compared(
    attempt: Callable[..., Rollout], chosen: Sequence[Any], rejected: Sequence[Any], **settings: Any
) -> list[float | None]:
    """The chosen step is worth 3, the rejected one -1: w = 0.5."""
    batch = [attempt(_case("+", 3), outcome=_outcome(said)) for said in chosen]
    batch += [attempt(_case("-", -1), outcome=_outcome(said)) for said in rejected]
    return PrintsComparison(**settings)(batch)


def _outcome(said: Any) -> Any:
    return _said(said) if isinstance(said, int | float) else said


@pytest.mark.parametrize(
    ("chosen", "rejected", "pays"),
    [
        ([2], [1], [0.5, 0.5]),
        ([1], [2], [-0.5, -0.5]),
        ([1], [1], [-0.5, -0.5]),  # ties are -1 for both
        ([2, 0], [1, 1], [0.5, -0.5, 0.0, 0.0]),  # the mean over the counterpart's rollouts
        ([2, 3], [1, 1], [0.5] * 4),  # rollouts of one prompt are not compared with one another
        ([_UNREADABLE], [1], [-0.5, -0.5]),  # unreadable counts as -4, for the counterpart too
        ([_UNREADABLE], [_UNREADABLE], [-0.5, -0.5]),
        ([1], [_UNREADABLE], [0.5, 0.5]),
    ],
)
def test_the_chosen_step_should_score_higher_than_its_counterpart(
    chosen: list[Any], rejected: list[Any], pays: list[float], attempt: Callable[..., Rollout]
) -> None:
    assert _compared(attempt, chosen, rejected) == pytest.approx(pays)


def test_without_adaptive_weights_the_gap_does_not_count(attempt: Callable[..., Rollout]) -> None:
    assert _compared(attempt, [2], [1], adaptive=False) == [1.0, 1.0]


def test_an_outage_is_compared_with_nothing(attempt: Callable[..., Rollout]) -> None:
    gone = attempt(_case("-", -1), outcome=_said(4), outage="gone")
    there = attempt(_case("-", -1), outcome=_said(0))
    chosen = attempt(_case("+", 3), outcome=_said(1))
    assert PrintsComparison()([chosen, gone, there]) == [0.5, None, 0.5]
    assert PrintsComparison()([chosen, gone]) == [None, None]  # nobody is left to compare it with


@pytest.mark.parametrize(
    "others",
    [
        [],
        [("-", -1, "q")],  # of another pair
        [("-", -1, None)],  # of none
        [("-", 3, "p")],  # worth as much: neither is chosen
        [("+", -1, "p")],  # the same step, labelled twice
    ],
)
def test_without_a_counterpart_in_the_batch_there_is_no_comparison(
    others: list[tuple[str, float, object]], attempt: Callable[..., Rollout]
) -> None:
    batch = [attempt(_case("+", 3), outcome=_said(1))]
    batch += [attempt(_case(*other), outcome=_said(0)) for other in others]
    assert PrintsComparison()(batch)[0] is None


def test_pairs_of_one_batch_do_not_mix(attempt: Callable[..., Rollout]) -> None:
    batch = [
        attempt(_case("p+", 3, "p"), outcome=_said(1)),
        attempt(_case("p-", -1, "p"), outcome=_said(0)),
        attempt(_case("q+", 4, "q"), outcome=_said(0)),
        attempt(_case("q-", 2, "q"), outcome=_said(4)),
    ]
    assert PrintsComparison()(batch) == [0.5, 0.5, -0.25, -0.25]
    assert PrintsComparison()(batch[::-1]) == [-0.25, -0.25, 0.5, 0.5]  # where they stand does not matter
