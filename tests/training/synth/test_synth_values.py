from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.training.synth.values import Value, replaced, values_of, without


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Bloom was released on 31 August 2018 here.", [("31 August 2018", "date", "D M Y")]),
        ("The mill was built in 1901 or before.", [("1901", "date", "Y")]),
        ("They sold 1,250 and 3.5 more.", [("1,250", "number", "thousands"), ("3.5", "number", "decimal1")]),
        ("They had three sons and a second house.", [("three", "number", "word"), ("second", "number", "ordinal")]),
        ("The firm worked with John Smith all along.", [("John Smith", "entity", "person")]),
        ("The firm moved to Boston for a while.", [("Boston", "entity", "place")]),
        ("The paper came from Oxford University that year.", [("Oxford University", "entity", "group")]),
        ("An American actor.", [("American", "entity", "kind:people"), ("actor", "entity", "kind:profession")]),
        ("Apollo 11 landed on it.", []),  # the number is a part of the name, and a lone first word may be no name
    ],
)  # fmt: skip
def test_values_are_found_with_their_types(statement: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(v.text, v.sort, v.type) for v in values_of(statement) if v.text != "Apollo"] == expected


@pytest.mark.parametrize(
    ("statement", "old", "new", "expected"),
    [
        ("He is an American actor.", "American", "French", "He is a French actor."),
        ("It is a song of love.", "song", "album", "It is an album of love."),
        ("She had a useful map.", "useful", "usual", "She had a usual map."),  # said with a consonant
        ("Sold in an hour.", "hour", "8-hour day", "Sold in an 8-hour day."),
    ],
)
def test_the_article_before_a_replaced_value_is_set_right(statement: str, old: str, new: str, expected: str) -> None:
    start = statement.index(old)
    assert replaced(statement, Value(start, start + len(old), old, "entity", "name"), new) == expected


@pytest.mark.parametrize(
    ("statement", "text", "expected"),
    [
        ("The film was shown in 1998 by Sony.", "1998", "The film was shown by Sony."),
        ("The film was shown by Sony.", "Sony", "The film was shown."),
        ("It ran from 1986 to 1996 there.", "1986", None),  # the range would be torn
        ("It was shown in Paris and London.", "Paris", None),  # and the list
        ("It has 12 rooms.", "12", None),
    ],
)
def test_a_phrase_is_left_out_only_where_nothing_clings_to_it(statement: str, text: str, expected: str | None) -> None:
    value = next(value for value in values_of(statement) if value.text == text)
    assert without(statement, value) == (statement if expected is None else expected)


@given(st.text(max_size=200))
def test_values_never_overlap_and_stand_where_they_say(statement: str) -> None:
    values = values_of(statement)
    assert all(one.end <= two.start for one, two in pairwise(values))
    assert all(statement[value.start : value.end] == value.text for value in values)
