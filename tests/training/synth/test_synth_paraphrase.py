import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.training.synth import Document
from adjudge.training.synth import paraphrase as rules
from adjudge.training.synth.paraphrase import Paraphrase, framed, join

DOCUMENT = Document("d", "Ada Lovelace", "Ada Lovelace was a writer. She was born in London. She died in 1852.")


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (rules.dates, "Born on 31 August 2018 there.", "Born on August 31, 2018 there."),
        (rules.dates, "Born on August 31, 2018, there.", "Born on 31 August 2018 there."),
        (rules.contractions, "It was not true.", "It wasn't true."),
        (rules.contractions, "He cannot and she didn't.", "He can't and she did not."),
        (rules.order, "In 1998, the film won a prize.", "The film won a prize in 1998."),
        (rules.order, "The film won a prize in 1998.", "In 1998, the film won a prize."),
        (rules.order, "Although he won, the crowd left.", "The crowd left, although he won."),
        (rules.voice, "The novel was written by Mary Shelley.", "Mary Shelley wrote the novel."),
        (rules.voice, "The man who was seen was hired by it.", "The man who was seen was hired by it."),  # unsure: left
        (rules.subject, "Ada Lovelace was a writer.", "Lovelace was a writer."),
        (rules.parenthesis, "It (the mill) closed (in 1998).", "It closed (in 1998)."),  # figures are facts
        (rules.appositive, "The Wye, a long river, is in Wales.", "The Wye (a long river) is in Wales."),
    ],
)
def test_each_rule_keeps_the_meaning(rule: Callable[..., str], text: str, expected: str) -> None:
    assert rule(text, random.Random(0), DOCUMENT) == expected


def test_numbers_are_written_both_ways() -> None:
    said = {rules.numbers("It has three rooms and 4 doors.", random.Random(seed), DOCUMENT) for seed in range(20)}
    assert said == {"It has 3 rooms and 4 doors.", "It has three rooms and four doors."}


def test_a_word_inside_another_is_no_synonym() -> None:
    said = {rules.synonyms("The filmmaker's children's area", random.Random(seed), DOCUMENT) for seed in range(40)}
    assert said == {"The filmmaker's children's area", "The filmmaker's children's region"}


def test_strength_zero_changes_nothing() -> None:
    text = "In 1998, the film was not released on 31 August 2018."
    assert Paraphrase(random.Random(0), 0)(text, DOCUMENT) == text


def test_the_title_becomes_a_pronoun_after_the_first_statement_only() -> None:
    two = ["Ada Lovelace was a writer.", "Ada Lovelace died in 1852."]
    said = {join(two, DOCUMENT, random.Random(seed)) for seed in range(20)}
    assert said == {
        "Ada Lovelace was a writer. Ada Lovelace died in 1852.",
        "Ada Lovelace was a writer. She died in 1852.",
    }


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("The mill was old.", " the mill was old."),
        ("Ada Lovelace was old.", " Ada Lovelace was old."),  # a name keeps its capital
    ],
)
def test_a_frame_lowers_a_first_word_that_is_no_name(text: str, ending: str) -> None:
    assert framed(text, random.Random(0), DOCUMENT).endswith(ending)


def test_a_text_whose_first_word_may_be_a_name_gets_no_frame() -> None:
    assert framed("Paris was old.", random.Random(0), DOCUMENT) == "Paris was old."


@given(st.text(max_size=200), st.integers(0, 9))
def test_any_statement_survives(text: str, seed: int) -> None:
    assert isinstance(Paraphrase(random.Random(seed), 1.0)(text, DOCUMENT), str)
