"""Which pairs are kept, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adjudge.selection import Dropped, Preference, Rule, candidates_of
from adjudge.selection.rule import decide
from adjudge.types import Answer, Case, Outcome, Unscored, Verdict, Vote


def verdict(a: float, b: float, confidence: float | None = 0.9) -> Verdict:
    winner = "tie" if a == b else "A" if a > b else "B"
    return Verdict(scores=(a, b), winner=winner, confidence=confidence)


def votes(*outcomes: Outcome) -> list[Vote]:
    """The first in the case's own order, the second in the other."""
    orders = ((0, 1), (1, 0))
    return [Vote(order=order, outcome=outcome) for order, outcome in zip(orders, outcomes, strict=False)]


def decided(
    given: Sequence[Vote], rule: Mapping[str, object] | None = None, *, label: str | None = None, free: bool = False
) -> str:
    """`A` or `B`, or why the pair is dropped."""
    candidates = candidates_of(Case(prompt="?", responses=["one", "two"]))
    if label is not None:
        winner = None if label == "tie" else "AB".index(label)
        candidates = candidates._replace(given={(0, 1): winner})
    item = decide(candidates, (0, 1), given, Rule.model_validate(rule or {}), free=free)
    return item.reason if isinstance(item, Dropped) else "AB"[item.chosen]


FAILED = Unscored(reason="model_failure", detail="the server is away")


@pytest.mark.parametrize(
    ("outcomes", "rule", "expected"),
    [
        ([verdict(7, 3), verdict(8, 3)], {}, "A"),
        ([verdict(2, 3), verdict(1, 9)], {}, "B"),
        ([verdict(7, 3), verdict(3, 7)], {}, "orders_disagree"),
        ([verdict(7, 3), verdict(5, 5)], {}, "orders_disagree"),  # half a preference is none
        ([verdict(5, 5), verdict(5, 5)], {}, "tie"),
        ([verdict(7, 3)], {}, "one_order"),
        ([], {}, "one_order"),
        ([verdict(7, 3), FAILED], {}, "unscored:model_failure"),  # not: the order that is there decides
        ([Unscored(reason="parse_failure"), FAILED], {}, "unscored:parse_failure"),
        ([Answer(text="Eliot"), Answer(text="Eliot")], {}, "unscored:answer"),
        # the less confident order counts, not the mean
        ([verdict(7, 3, 0.99), verdict(8, 3, 0.6)], {"min_confidence": 0.7}, "low_confidence"),
        ([verdict(7, 3, 0.7), verdict(8, 3, 0.7)], {"min_confidence": 0.7}, "A"),
        ([verdict(7, 3, None), verdict(8, 3, 0.9)], {"min_confidence": 0.1}, "low_confidence"),
        ([verdict(7, 3, None), verdict(8, 3, None)], {}, "A"),  # none is asked for
        # the smaller lead counts
        ([verdict(9, 3), verdict(5, 4)], {"min_margin": 2}, "small_margin"),
        ([verdict(0.3, 0.1), verdict(0.3, 0.1)], {"min_margin": 0.2}, "A"),  # 0.3 - 0.1 is a hair below 0.2
        ([Verdict(winner="A"), Verdict(winner="A")], {"min_margin": 1}, "small_margin"),  # no scores
        ([Verdict(winner="A"), Verdict(winner="A")], {}, "A"),
        ([Verdict(ranking=("B", "A")), Verdict(ranking=("B", "A"))], {}, "B"),
    ],
)
def test_a_pair_is_kept_only_where_both_orders_agree_with_enough_confidence_and_margin(
    outcomes: list[Outcome], rule: dict[str, object], expected: str
) -> None:
    assert decided(votes(*outcomes), rule) == expected


def test_a_method_that_cannot_see_the_order_needs_one_look() -> None:
    assert decided(votes(verdict(7, 3)), free=True) == "A"


@pytest.mark.parametrize(
    ("label", "rule", "expected"),
    [
        ("A", {}, "A"),
        ("B", {}, "contradicts_label"),
        ("tie", {}, "contradicts_label"),
        ("B", {"on_label": "ignore"}, "A"),  # the judge relabels
        ("tie", {"on_label": "ignore"}, "A"),
        ("B", {"min_confidence": 0.95}, "low_confidence"),  # a contradiction that is not even sure is none
    ],
)
def test_a_label_that_the_judge_contradicts_drops_the_pair_unless_labels_are_ignored(
    label: str, rule: dict[str, object], expected: str
) -> None:
    assert decided(votes(verdict(7, 3), verdict(7, 3)), rule, label=label) == expected


def test_samples_of_an_order_are_averaged_before_orders_are_compared() -> None:
    looks = [
        Vote(order=(0, 1), sample=0, outcome=verdict(9, 3)),
        Vote(order=(0, 1), sample=1, outcome=verdict(4, 5)),
        Vote(order=(1, 0), sample=0, outcome=verdict(6, 5)),
        Vote(order=(1, 0), sample=1, outcome=FAILED),  # the other sample of its order stands for both
    ]
    assert decided(looks) == "A"


def test_of_a_group_the_letters_are_those_of_its_case() -> None:
    group = candidates_of(Case(prompt="?", responses=["a", "b", "c", "d"]))
    kept = decide(group, (1, 3), votes(verdict(3, 7), verdict(2, 7)), Rule(), free=False)
    assert isinstance(kept, Preference)
    assert (kept.chosen, kept.rejected) == (3, 1)
    assert (kept.score_chosen, kept.score_rejected) == (7, 2.5)
    assert [(look.shown, look.winner) for look in kept.looks] == [("BD", "D"), ("DB", "D")]
    against = decide(group, (1, 3), votes(verdict(3, 7), verdict(2, 7)), Rule(), free=False, expected=1)
    assert isinstance(against, Dropped)
    assert against.reason == "intransitive"


scores = st.floats(0, 10, allow_nan=False)
confidences = st.none() | st.floats(0, 1)


@given(scores, scores, scores, scores, confidences, confidences, st.floats(0, 1), st.floats(0, 9))
def test_whatever_is_kept_passes_the_rule_in_each_order_alone(
    a: float, b: float, c: float, d: float, one: float | None, other: float | None, sure: float, lead: float
) -> None:
    candidates = candidates_of(Case(prompt="?", responses=["one", "two"]))
    both = votes(verdict(a, b, one), verdict(c, d, other))
    item = decide(candidates, (0, 1), both, Rule(min_confidence=sure, min_margin=lead), free=False)
    if isinstance(item, Preference):
        sign = 1 if item.chosen == 0 else -1
        assert sign * (a - b) > 0
        assert sign * (c - d) > 0
        assert min(sign * (a - b), sign * (c - d)) >= lead - 1e-9
        assert sure == 0 or (one is not None and other is not None and min(one, other) >= sure)


@pytest.mark.parametrize("wrong", [{"min_confidence": 1.5}, {"min_margin": -1}, {"on_label": "obey"}, {"seed": -1}])
def test_a_rule_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(wrong)
