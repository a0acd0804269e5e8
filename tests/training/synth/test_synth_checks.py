import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.training.synth import DEFECTS
from adjudge.training.synth.teaching.checks import Written, problem

TEXT = "Old Mill\nThe mill was built by Anna Grant in 1901. Peter Lomax burnt it down in 1955. It had 12 rooms."
Q = "What happened to the mill?"


@pytest.mark.parametrize(
    ("defect", "good", "bad", "right", "wrong"),
    [
        ("entity", "It was built by Anna Grant.", "It was built by Peter Lomax.", "Anna Grant", "Peter Lomax"),
        ("number", "The mill had 12 rooms.", "The mill had 14 rooms.", "12", "14"),
        ("date", "The mill burnt down in 1955.", "The mill burnt down in 1901.", "1955", "1901"),
        (
            "attribution",
            "Peter Lomax burnt it, not Anna Grant.",
            "Anna Grant burnt it, not Peter Lomax.",
            "Peter Lomax",
            "Anna Grant",
        ),
        ("negation", "The mill was burnt down in 1955.", "The mill was not burnt down in 1955.", "was", "was not"),
        ("omission", "It was built by Anna Grant in 1901.", "It had 12 rooms and was burnt down.", "Anna Grant", ""),
        (
            "addition",
            "It had 12 rooms. It burnt down.",
            "It had 12 rooms. It was a hotel.",
            "It burnt down",
            "It was a hotel",
        ),
    ],
)
def test_what_was_asked_for_passes(defect: str, good: str, bad: str, right: str, wrong: str) -> None:
    assert problem(Written(Q, good, bad, right, wrong), defect, TEXT) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("defect", "written", "told"),
    [
        ("entity", Written("", "a", "b"), "must hold text"),
        ("entity", Written(Q, "The mill.", "the mill"), "are the same"),
        ("entity", Written(Q, "Built by Anna Grant.", "Built by " + "someone " * 30), "equally long"),
        (
            "entity",
            Written(Q, "Built by John Doe.", "Built by Anna Grant.", "John Doe", "Anna Grant"),
            "does not: doe, john",
        ),
        (
            "number",
            Written("Were there 12?", "It had 12 rooms.", "It had 14 rooms.", "12", "14"),
            "gives the right value",
        ),
        ("number", Written(Q, "It had 12 rooms.", "It had 14 rooms.", "13", "14"), "word for word"),
        ("number", Written(Q, "The mill had rooms.", "The mill had walls.", "rooms", "walls"), "of the kind: number"),
        (
            "date",
            Written(Q, "Built in 1901, burnt 1955.", "Burnt in 1903, built 1955.", "1901", "1903"),
            "more than one",
        ),
        ("entity", Written(Q, "Grant and Lomax met.", "Grant and Lomax ran.", "Grant", "Lomax"), "not stand in good"),
        ("negation", Written(Q, "The mill burnt in 1955.", "The mill did not burn in 1956."), "same names and numbers"),
        ("negation", Written(Q, "The mill burnt down once.", "The mill burnt down twice."), "must deny"),
        ("omission", Written(Q, "Built by Anna Grant.", "Built, says Anna Grant.", "Anna Grant"), "missing in bad"),
        ("omission", Written(Q, "Built by Anna Grant.", "It was built by John.", "Anna Grant"), "not invent: john"),
        (
            "addition",
            Written(Q, "It had 12 rooms.", "It had 12 rooms, built.", "", "built"),
            "something that the document",
        ),
        ("addition", Written(Q, "It had 12 rooms.", "It had a hotel.", "", ""), "word for word"),
    ],
)
def test_what_was_not_asked_for_is_told(defect: str, written: Written, told: str) -> None:
    assert told in problem(written, defect, TEXT)  # type: ignore[arg-type]


@given(st.sampled_from(DEFECTS), *(st.text(max_size=60) for _ in range(6)))
def test_any_reply_can_be_checked(defect: str, q: str, good: str, bad: str, right: str, wrong: str, text: str) -> None:
    assert isinstance(problem(Written(q, good, bad, right, wrong), defect, text), str)  # type: ignore[arg-type]
