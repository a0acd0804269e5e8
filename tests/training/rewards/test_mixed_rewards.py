"""Several rewards as one number: terms apart, outages left out, and the floor for whatever is malformed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.training.rewards import BUILT, LengthControl, Mixed, Paid, ToolUse, VerdictReward, WellFormed, malformed_of
from adjudge.training.rollouts import Called, Rollout
from adjudge.types import Answer, Case, Criterion, Evidence, Unscored, Verdict


@dataclasses.dataclass(frozen=True)
class _Told:
    """Pays what it is told."""

    name: str
    values: tuple[float | None, ...]
    low: float = 0.0

    def __call__(self, rollouts: Sequence[Rollout]) -> list[float | None]:
        return list(self.values)


def test_terms_stand_apart_and_the_total_is_their_weighted_sum(attempt: Callable[..., Rollout]) -> None:
    mixed = Mixed((VerdictReward(), ToolUse(), LengthControl(budget=0, margin=200)), (1.0, 0.3, 0.1))
    (paid,) = mixed([attempt()])
    assert paid.terms == {"verdict": 1.0, "tool_use": 1.0, "length": -0.5}
    assert paid.total == pytest.approx(1.0 + 0.3 - 0.05)
    assert paid.malformed == ""


def test_an_outage_has_neither_total_nor_terms(attempt: Callable[..., Rollout]) -> None:
    (paid,) = Mixed((_Told("careless", (0.0,)),), (1.0,))([attempt(outage="gone")])  # whatever a reward says of it
    assert (paid.total, paid.terms, paid.counted) == (None, {"careless": None}, {"careless": None})


def test_a_term_that_does_not_apply_to_the_case_is_left_out(attempt: Callable[..., Rollout]) -> None:
    (paid,) = Mixed((VerdictReward(), WellFormed()), (1.0, 0.5))([attempt({"label": None})])
    assert (paid.total, paid.terms) == (0.5, {"verdict": None, "format": 1.0})


def test_where_no_term_applies_there_is_no_total(attempt: Callable[..., Rollout]) -> None:
    assert Mixed((VerdictReward(),), (1.0,))([attempt({"label": None})])[0].total is None


def test_sums_of_one_case_are_comparable_or_missing(attempt: Callable[..., Rollout]) -> None:
    group = [attempt(), attempt(), attempt({"id": "other"})]
    patchy = _Told("patchy", (-1.0, None, None), low=-1.0)  # what measures it was gone for the second
    paid = Mixed((patchy, WellFormed()), (1.0, 1.0))(group)
    assert [one.total for one in paid] == [0.0, None, 1.0]
    assert paid[1].terms == {"patchy": None, "format": 1.0}
    assert paid[1].counted == {"patchy": None, "format": None}  # no term counts where the sum does not
    assert [paid.total for paid in Mixed((patchy, WellFormed()), (0.0, 1.0))(group)] == [0.0 + 1.0, 1.0, 1.0]


def test_the_total_comes_apart_into_one_term_and_the_rest(attempt: Callable[..., Rollout]) -> None:
    mixed = Mixed((VerdictReward(), WellFormed()), (2.0, 0.5))
    fine, cut, gone = mixed([attempt(), attempt(truncated=True), attempt(outage="gone")])
    assert mixed.apart(fine, "verdict") == (1.0, 0.5)
    assert cut.terms == {"verdict": 1.0, "format": 0.0}
    assert cut.counted == {"verdict": 0.0, "format": 0.0}
    assert mixed.apart(cut, "verdict") == (0.0, 0.0)  # right, but cut off: the floor, and no right answer
    assert mixed.apart(gone, "verdict") == (None, None)
    with pytest.raises(KeyError):
        mixed.apart(fine, "beauty")


@pytest.mark.parametrize(
    ("names", "weights", "says"),
    [
        (("one",), (-0.1,), "a weight lies from 0 to 1e+06"),
        (("one",), (math.nan,), "a weight lies from 0"),
        (("one",), (math.inf,), "a weight lies from 0"),
        (("one",), (), "1 rewards and 0 weights"),
        ((), (), "0 rewards"),
        (("one", "one"), (1.0, 1.0), "rewards.one: this reward is there twice"),
    ],
)
def test_weights_that_make_no_sense_are_refused(names: tuple[str, ...], weights: tuple[float, ...], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Mixed(tuple(_Told(name, ()) for name in names), weights)
    assert says in str(refused.value)


@pytest.mark.parametrize("values", [(), (1.0, 1.0), (-0.1,), (math.nan,), (math.inf,)])
def test_a_reward_that_breaks_its_word_is_an_error_and_not_a_number(
    values: tuple[float, ...], attempt: Callable[..., Rollout]
) -> None:
    with pytest.raises(ValueError, match="'broken'"):
        Mixed((_Told("broken", values),), (1.0,))([attempt()])


def test_no_rollouts_are_paid_nothing() -> None:
    assert Mixed(tuple(kind() for kind in BUILT.values()), (1.0,) * len(BUILT))([]) == []


# --- malformed output is never the best-paying action -----------------------------------------------------------------

_STEP = {"thought": "search", "tool": "corpus", "arguments": {}}
_CASES = (
    Case.model_validate(
        {
            "id": "pair",
            "prompt": "Who wrote Middlemarch?",
            "responses": ["George Eliot wrote it.", "Jane Austen wrote it."],
            "label": "A",
            "metadata": {"gold_tools": ["corpus"]},
        }
    ),
    Case.model_validate({"id": "nothing known", "prompt": "?", "responses": ["x", "y"]}),
    Case.model_validate({"id": "answer", "prompt": "?", "label": "George Eliot"}),
    Case.model_validate(
        {"id": "bad step", "prompt": "?", "candidates": [_STEP], "label": {"steps": [-4]}, "metadata": {"pair": "p"}}
    ),
    Case.model_validate(
        {"id": "good step", "prompt": "?", "candidates": [_STEP], "label": {"steps": [4]}, "metadata": {"pair": "p"}}
    ),
)
_TEXT = st.text(max_size=20)
_NUMBER = st.floats(allow_nan=True, allow_infinity=True)
_NAMES = st.lists(st.sampled_from(["E1", "E2", "E9", "", "e1"]), max_size=4).map(tuple)
_VERDICTS: st.SearchStrategy[Any] = st.builds(
    Verdict,
    scores=st.lists(st.floats(-10, 10), max_size=2).map(tuple),
    winner=st.sampled_from(["A", "B", "tie", None]),
    rationale=_TEXT,
    principles=st.lists(st.builds(Criterion, name=_TEXT, description=_TEXT), max_size=1).map(tuple),
)
_OUTCOMES = st.one_of(
    _VERDICTS,
    st.builds(Answer, text=_TEXT),
    st.builds(
        Unscored,
        reason=st.sampled_from(["parse_failure", "limit", "refused", "model_failure", "tool_failure"]),
        detail=_TEXT,
    ),
)
_ROLLOUTS = st.builds(
    Rollout,
    case=st.sampled_from(_CASES),
    outcome=_OUTCOMES,
    calls=st.lists(
        st.builds(Called, st.sampled_from(["corpus", "web"]), _TEXT | st.just('{"query": "x"}')), max_size=2
    ).map(tuple),
    broken_calls=st.sampled_from([0, 0, 0, 1]),
    evidence=st.just((Evidence(name="E1", tool="corpus", excerpt="George Eliot wrote it."),)),
    citations=_NAMES,
    own_tokens=st.integers(0, 5000),
    truncated=st.sampled_from([False, False, False, True]),
    outage=st.sampled_from(["", "", "", "gone"]),
    measured=st.dictionaries(
        st.sampled_from(["criteria_gain", "planning", "execution", "judgment", "answer", "global"]),
        st.lists(_NUMBER, max_size=2).map(tuple),
    ),
)
_WEIGHTS = st.lists(st.floats(0, 1e6), min_size=len(BUILT), max_size=len(BUILT)).map(tuple)


def _totals(rollouts: Sequence[Rollout], paid: Sequence[Paid]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Totals of the malformed and of the well-formed rollouts, by case."""
    lows: dict[str, list[float]] = {case.id: [] for case in _CASES}
    fine: dict[str, list[float]] = {case.id: [] for case in _CASES}
    for rollout, one in zip(rollouts, paid, strict=True):
        if one.total is not None:
            (lows if malformed_of(rollout) else fine)[rollout.case.id].append(one.total)
    return lows, fine


def test_malformed_output_is_paid_the_least_of_the_terms_that_apply_to_its_case(
    attempt: Callable[..., Rollout],
) -> None:
    mixed = Mixed((VerdictReward(), LengthControl(budget=0, margin=200)), (1.0, 0.5))
    labelled, unlabelled = mixed([attempt(truncated=True), attempt({"id": "other", "label": None}, truncated=True)])
    assert (labelled.total, labelled.counted) == (-0.5, {"verdict": 0.0, "length": -1.0})
    assert (unlabelled.total, unlabelled.counted) == (-0.5, {"verdict": None, "length": -1.0})
    assert labelled.terms == {"verdict": 1.0, "length": -0.5}
    assert "cut off" in labelled.malformed


@settings(max_examples=300, deadline=None)
@given(rollouts=st.lists(_ROLLOUTS, max_size=8), weights=_WEIGHTS)
def test_malformed_output_is_paid_no_more_than_anything_well_formed_under_any_weights(
    rollouts: list[Rollout], weights: tuple[float, ...]
) -> None:
    mixed = Mixed(tuple(kind() for kind in BUILT.values()), weights)
    lows, fine = _totals(rollouts, mixed(rollouts))
    assert all(low <= total for case in _CASES for low in lows[case.id] for total in fine[case.id])


@settings(max_examples=200, deadline=None)
@given(rollouts=st.lists(_ROLLOUTS, max_size=6), weight=st.floats(1e-3, 10))
def test_with_a_format_reward_malformed_output_is_paid_strictly_less(rollouts: list[Rollout], weight: float) -> None:
    mixed = Mixed((VerdictReward(), WellFormed()), (1.0, weight))
    lows, fine = _totals(rollouts, mixed(rollouts))
    assert all(low <= total - weight * 0.999 for case in _CASES for low in lows[case.id] for total in fine[case.id])


@settings(max_examples=200, deadline=None)
@given(rollouts=st.lists(_ROLLOUTS, max_size=8), weights=_WEIGHTS)
def test_what_counts_adds_up_to_the_total(rollouts: list[Rollout], weights: tuple[float, ...]) -> None:
    mixed = Mixed(tuple(kind() for kind in BUILT.values()), weights)
    for paid in mixed(rollouts):
        counted = [(value, w) for value, w in zip(paid.counted.values(), weights, strict=True) if value is not None]
        assert paid.total == (math.fsum(value * w for value, w in counted) if counted else None)
        if not paid.malformed and paid.total is not None:
            assert paid.counted == paid.terms


@settings(max_examples=200, deadline=None)
@given(rollouts=st.lists(_ROLLOUTS, max_size=8))
def test_every_reward_pays_a_finite_number_from_its_least_on_or_none(rollouts: list[Rollout]) -> None:
    for kind in BUILT.values():
        reward = kind()
        values = reward(rollouts)
        assert len(values) == len(rollouts)
        assert all(value is None or (math.isfinite(value) and value >= reward.low) for value in values)
        assert all(value is None for value, rollout in zip(values, rollouts, strict=True) if rollout.outage)
        assert reward(rollouts) == values


def test_the_released_default_of_a_lowest_score_would_pay_without_the_floor() -> None:
    """PRInTS B.11: on a rejected step, an unreadable score earns 1.25 of at most 1.5."""
    bad, good = (
        _CASES[3].model_copy(update={"label": {"steps": [-2]}}),
        _CASES[4].model_copy(update={"label": {"steps": [2]}}),
    )
    unreadable = Rollout(case=bad, outcome=Unscored(reason="parse_failure"))
    batch = [
        Rollout(case=good, outcome=Verdict(scores=(2.0,))),
        unreadable,
        Rollout(case=bad, outcome=Verdict(scores=(4.0,))),  # readable, and as wrong as can be
    ]
    mixed = Mixed((BUILT["prints_score"](), BUILT["prints_comparison"]()), (1.0, 1.0))
    paid = mixed(batch)
    assert paid[1].terms == {"prints_score": 0.75, "prints_comparison": 0.5}
    assert [one.total for one in paid] == [1.0 + 0.0, -1.0, 0.25 - 0.5]
