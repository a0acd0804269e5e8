import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.training.synth import Document
from adjudge.training.synth.document import split, tidy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is there.", ["One is here.", "Two is there."]),
        ("Dr. Smith met J. K. Poe in St. Ives. He left.", ["Dr. Smith met J. K. Poe in St. Ives.", "He left."]),
        ('He said "Stop." She went on.', ['He said "Stop."', "She went on."]),
        ("It cost 3.5 million. 1998 was a bad year.", ["It cost 3.5 million.", "1998 was a bad year."]),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_debris_of_conversion_is_taken_away() -> None:
    assert (
        tidy("Person - centered therapy (CIPET; ) is old ( ; see) . ")
        == "Person-centered therapy (CIPET) is old (see)."
    )


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It was built by the city in 1901.", "Old Mill was built by the city in 1901."),  # the pronoun is the title
        ("However, the Old Mill was closed in 1950.", "The Old Mill was closed in 1950."),
        ("It was not until 1950 that the mill was closed.", ""),  # the pronoun stands for nothing
        ("This led to a long war in the valley.", ""),  # leans on what came before
        ("Too short to use.", ""),
        ("A list of names, places and years of birth.", ""),  # no verb
        ('The play behind "" and others was closed early.', ""),  # a name was lost
        ("Was the mill built by the city in 1901.", ""),  # a question
    ],
)
def test_a_statement_stands_alone(sentence: str, expected: str) -> None:
    document = Document("d", "Old Mill", f"Old Mill is a mill. {sentence}")
    assert [s for s in document.statements if s != "Old Mill is a mill."] == ([expected] if expected else [])


def test_a_title_that_the_text_does_not_name_replaces_no_pronoun() -> None:
    document = Document("d", "Does aspirin help?", "It was given to forty patients in 1998.", topic=True)
    assert document.name == ""
    assert document.statements == ()


def test_a_repeated_title_and_a_qualifier_are_no_part_of_text_and_name() -> None:
    document = Document("d", "Bloom (album)", "Bloom (album)\n\nBloom is the second album by Troye Sivan.")
    assert document.name == "Bloom"
    assert document.statements == ("Bloom is the second album by Troye Sivan.",)


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_can_be_read(text: str, title: str) -> None:
    document = Document("d", title, text)
    assert all(statement.endswith(".") for statement in document.statements)
    assert isinstance(document.about, str)
