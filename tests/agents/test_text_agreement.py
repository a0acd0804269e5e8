"""Agreement of texts without a model: what says the same, which is chosen, and when drawing more is not worth it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.agents.agreement import AGREED, agreement, first_line, medoid, settled

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
    assert medoid(texts) == place


def test_nothing_can_be_chosen_from_nothing() -> None:
    with pytest.raises(ValueError):
        medoid([])


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
    assert settled(texts) is enough


@pytest.mark.parametrize(
    ("text", "line"), [("42\nbecause of E1", "42"), ("\n  \n 42 ", "42"), ("", ""), (" \n\t\n", "")]
)
def test_the_first_line_is_the_result_itself(text: str, line: str) -> None:
    assert first_line(text) == line
