"""Agreement without a model, of texts and of plans: what says the same, which is chosen, and when to stop drawing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.agents.agreement import (
    AGREED,
    agreement,
    first_line,
    medoid,
    plan_agreement,
    plan_overlap,
    settled,
)
from adjudge.types import Plan, PlanStep

SAME = [
    ("42", "42"),
    ("Canberra", "canberra."),
    ("It is Canberra", "Canberra"),  # stop words do not count
    ("1,000 people", "1000 people"),
    ("the total is 5.0 million", "total: 5 million"),
    ("The author of E1 is George Eliot", "George Eliot is the author, E1"),
    ("5.0", "5"),
    ("", ""),
]
DIFFERENT = [
    ("42", "43"),
    ("-3", "3"),
    ("the total is 12 million in the year", "the total is 13 million in the year"),  # one digit among many words
    ("Canberra", "Sydney"),
    ("George Eliot wrote it", "Jane Austen wrote it"),
    ("It is Canberra", "It is not Canberra"),  # a stop word that turns it round
    ("the rows whose league is north", "the rows whose league isn't north"),
    ("3 people", "no 3 people"),
    ("something", ""),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_say_the_same_agree(one: str, other: str) -> None:
    assert agreement(one, other) >= AGREED


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_differ_do_not(one: str, other: str) -> None:
    assert agreement(one, other) < AGREED


@given(st.text(), st.text())
def test_agreement_is_symmetric_and_within_its_range(one: str, other: str) -> None:
    assert agreement(one, other) == agreement(other, one)
    assert 0 <= agreement(one, other) <= 1
    assert agreement(one, one) == 1


CHOSEN = [
    (["a"], 0),
    (["42", "17", "42"], 0),
    (["17", "42", "42"], 1),
    (["17", "42"], 0),  # nobody agrees: the first
    (["red sun", "red moon", "red sun moon"], 2),  # agrees with both
]


@pytest.mark.parametrize(("texts", "place"), CHOSEN)
def test_the_text_that_agrees_most_with_the_others_is_chosen(texts: list[str], place: int) -> None:
    assert medoid(texts, agreement) == place


def test_nothing_can_be_chosen_from_nothing() -> None:
    with pytest.raises(ValueError):
        medoid([], agreement)


SETTLED = [
    ([], False),
    (["42"], False),  # one opinion is none
    (["42", "42"], True),
    (["42", "17"], False),
    (["42", "17", "42"], True),
    (["42", "17", "42", "17"], False),  # two of four are no majority
    (["1", "2", "3"], False),
]


@pytest.mark.parametrize(("texts", "enough"), SETTLED)
def test_more_is_not_worth_it_once_more_than_half_agree(texts: list[str], enough: bool) -> None:
    assert settled(texts, agreement) is enough


@pytest.mark.parametrize(
    ("text", "line"), [("42\nbecause of E1", "42"), ("\n  \n 42 ", "42"), ("", ""), (" \n\t\n", "")]
)
def test_the_first_line_is_the_result_itself(text: str, line: str) -> None:
    assert first_line(text) == line


# Plans


def plan(*goals: str, expected: str = "a number", uses: dict[int, tuple[int, ...]] | None = None) -> Plan:
    steps = [PlanStep(goal=goal, expected=expected, uses=(uses or {}).get(n, ())) for n, goal in enumerate(goals)]
    return Plan(steps=tuple(steps))


LOOK_UP = ("find the sales of the north in 2019", "find the sales of the north in 2020")
RIGHT = plan(*LOOK_UP, "subtract the result of step 0 from that of step 1")

NOT_THE_SAME = [
    ("a wrong operation among many words", plan(*LOOK_UP, "divide the result of step 0 by that of step 1")),
    ("a wrong number", plan(LOOK_UP[0], "find the sales of the north in 2021", RIGHT.steps[2].goal)),
    ("a wrong column", plan("find the costs of the south in 2019", LOOK_UP[1], RIGHT.steps[2].goal)),
    ("the same steps in another order", plan(LOOK_UP[1], LOOK_UP[0], RIGHT.steps[2].goal)),
    ("a missing step", plan(*LOOK_UP)),
    ("a step too many", plan(*LOOK_UP, RIGHT.steps[2].goal, "round it")),
    ("another result", plan(*LOOK_UP, RIGHT.steps[2].goal, expected="the name of a region")),
    ("other results in use", plan(*LOOK_UP, RIGHT.steps[2].goal, uses={2: (1,)})),
]


@pytest.mark.parametrize(("name", "other"), NOT_THE_SAME, ids=[row[0] for row in NOT_THE_SAME])
def test_one_wrong_step_makes_plans_different(name: str, other: Plan) -> None:
    assert plan_agreement(RIGHT, other) < AGREED
    assert not settled([RIGHT, other], plan_agreement, plan_overlap)


THE_SAME = [
    ("the very same", RIGHT),
    ("other stop words", plan(*(f"{step.goal}, and that is it" for step in RIGHT.steps))),
    ("it names all results, which it gets anyway", plan(*LOOK_UP, RIGHT.steps[2].goal, uses={2: (1, 0)})),
    ("it does not say what it expects", plan(*LOOK_UP, RIGHT.steps[2].goal, expected="")),
]


@pytest.mark.parametrize(("name", "other"), THE_SAME, ids=[row[0] for row in THE_SAME])
def test_plans_whose_steps_all_agree_are_the_same(name: str, other: Plan) -> None:
    assert plan_agreement(RIGHT, other) >= AGREED
    assert settled([RIGHT, other], plan_agreement, plan_overlap)


def test_plans_of_many_steps_are_told_apart_by_one() -> None:
    goals = [f"find the {name} of the row that was found before" for name in "abcdefgh"]
    wrong = [*goals[:7], "find the best row"]
    assert plan_agreement(plan(*goals), plan(*wrong)) < AGREED
    assert agreement("\n".join(goals), "\n".join(wrong)) >= AGREED  # as one text they would be the same


def test_plans_of_different_lengths_agree_by_half_of_what_they_share() -> None:
    assert plan_overlap(RIGHT, plan(*LOOK_UP)) == pytest.approx(2 / 3)
    assert plan_agreement(RIGHT, plan(*LOOK_UP)) == pytest.approx(1 / 3)
    assert plan_overlap(RIGHT, plan(LOOK_UP[0], RIGHT.steps[2].goal)) == pytest.approx(2 / 3)  # one in the middle


def test_the_plan_that_shares_most_with_the_others_is_chosen_whatever_they_expect() -> None:
    worded = [plan(*LOOK_UP, RIGHT.steps[2].goal, expected=text) for text in ("a figure", "the growth", "one sum")]
    plans = [plan(*LOOK_UP), *worded]
    assert [plan_agreement(plans[1], other) for other in plans[2:]] == [0, 0]
    assert medoid(plans, plan_overlap) == 1


words = st.sampled_from(["find", "the", "sales", "2019", "2020", "not", "north", "divide"])
goals = st.lists(words, min_size=1, max_size=6).map(" ".join)
plans = st.lists(goals, min_size=1, max_size=6).map(lambda found: plan(*found))


@given(plans, plans)
def test_agreement_of_plans_is_symmetric_within_its_range_and_at_most_their_overlap(one: Plan, other: Plan) -> None:
    for measure in (plan_agreement, plan_overlap):
        assert measure(one, other) == pytest.approx(measure(other, one))
        assert 0 <= measure(one, other) <= 1
        assert measure(one, one) == 1
    assert plan_agreement(one, other) <= plan_overlap(one, other) + 1e-9
    if len(one.steps) != len(other.steps):
        assert plan_agreement(one, other) < AGREED
