"""The form of a verdict: what is read, what is not, and that nothing is guessed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.agents.form import Form, Unreadable, form_for, names_in
from adjudge.types import Criterion, Scale

TEN = Scale(min=1, max=10)
UNIT = Scale(min=0, max=1.5)
LABELS = Scale(labels=("bad", "ok", "good"))
AB = Scale(labels=("A", "B", "tie"))
RUBRIC = (Criterion(name="facts", weight=3), Criterion(name="style"))
FORMS = {
    "pairwise": form_for("pairwise", TEN, 2),
    "listwise": form_for("listwise", TEN, 3),
    "winner": form_for("pairwise", AB, 2),
    "no tie": form_for("pairwise", Scale(labels=("A", "B")), 2),
    "ranking": form_for("listwise", Scale(labels=("A", "B", "C")), 3),
    "pointwise": form_for("pointwise", TEN, 1),
    "fraction": form_for("pointwise", UNIT, 1),
    "label": form_for("pointwise", LABELS, 1),
    "rubric": form_for("pointwise", TEN, 1, RUBRIC),
    "rubric of labels": form_for("pointwise", LABELS, 1, RUBRIC),
    "candidates": form_for("step", TEN, 2),
    "trajectory": form_for("step", TEN, 0, (), 2),
}
READ: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("pairwise", {"scores": {"A": 7, "B": 3}}, {"scores": (7, 3), "winner": "A", "ranking": ("A", "B")}),
    ("pairwise", {"scores": {"B": 9, "A": 1.5}}, {"scores": (1.5, 9), "winner": "B"}),
    ("pairwise", {"scores": {"A": 5, "B": 5}}, {"winner": "tie"}),
    ("listwise", {"scores": {"A": 1, "B": 10, "C": 4}}, {"winner": "B", "ranking": ("B", "C", "A")}),
    ("winner", {"winner": "tie"}, {"winner": "tie", "scores": ()}),
    ("ranking", {"ranking": ["C", "A", "B"]}, {"ranking": ("C", "A", "B"), "winner": "C"}),
    ("pointwise", {"score": 10}, {"scores": (10,), "winner": None}),
    ("fraction", {"score": 0.25}, {"scores": (0.25,)}),
    ("label", {"label": "good"}, {"label": "good", "scores": (2,)}),
    ("rubric", {"criteria": {"c1": {"rationale": "r", "score": 10}, "c2": {"score": 2}}}, {"scores": (8.0,)}),
    (
        "rubric of labels",
        {"criteria": {"c1": {"score": "good"}, "c2": {"score": "bad"}}},
        {"scores": (1.5,), "label": "good"},
    ),
    ("candidates", {"scores": {"A": 1, "B": 2}}, {"winner": "B"}),
    ("trajectory", {"steps": [9, 2], "first_wrong_step": 1}, {"scores": (9, 2), "first_wrong_step": 1}),
    ("trajectory", {"steps": [9, 9], "first_wrong_step": None}, {"first_wrong_step": None}),
]
HUGE = 10**400
UNREAD: list[tuple[str, Any, str]] = [
    ("pairwise", {"scores": {"A": 11, "B": 3}}, "scores.A must be a number from 1"),
    ("pairwise", {"scores": {"A": 0, "B": 3}}, "found 0"),
    ("pairwise", {"scores": {"A": float("nan"), "B": 3}}, "must be a number"),
    ("pairwise", {"scores": {"A": float("inf"), "B": 3}}, "must be a number"),
    ("pairwise", {"scores": {"A": HUGE, "B": 3}}, "must be a number"),
    ("pairwise", {"scores": {"A": True, "B": 3}}, "must be a number, found true"),
    ("pairwise", {"scores": {"A": "7", "B": 3}}, "must be a number"),
    ("pairwise", {"scores": {"A": None, "B": 3}}, "must be a number"),
    ("pairwise", {"scores": {"A": 7}}, "exactly the keys A, B"),
    ("pairwise", {"scores": {"A": 7, "B": 3, "C": 9}}, "exactly the keys A, B"),
    ("pairwise", {"scores": {"a": 7, "b": 3}}, "exactly the keys A, B"),
    ("pairwise", {"scores": [7, 3]}, "exactly the keys A, B"),
    ("pairwise", {"winner": "A"}, "with the keys scores"),
    ("pairwise", {"scores": {"A": 7, "B": 3}, "confidence": 1.2}, "confidence"),
    ("pairwise", {"scores": {"A": 7, "B": 3}, "confidence": "high"}, "confidence"),
    ("pairwise", {"scores": {"A": 7, "B": 3}, "citations": "E1"}, "citations"),
    ("pairwise", {"scores": {"A": 7, "B": 3}, "citations": [1]}, "citations"),
    ("pairwise", {"scores": {"A": 7, "B": 3}, "rationale": ["x"]}, "rationale must be text"),
    ("winner", {"winner": "C"}, "one of A, B, tie"),
    ("winner", {"winner": "a"}, "one of A, B, tie"),
    ("winner", {"winner": ["A"]}, "one of A, B, tie"),
    ("winner", {"winner": None}, "one of A, B, tie"),
    ("no tie", {"winner": "tie"}, "one of A, B"),
    ("ranking", {"ranking": ["A", "B"]}, "each of A, B, C once"),
    ("ranking", {"ranking": ["A", "A", "B"]}, "each of A, B, C once"),
    ("ranking", {"ranking": "ABC"}, "each of A, B, C once"),
    ("pointwise", {"score": -1}, "score must be"),
    ("fraction", {"score": 1.5000001}, "score must be"),
    ("label", {"label": "great"}, "one of bad, ok, good"),
    ("label", {"label": 2}, "one of bad, ok, good"),
    ("rubric", {"criteria": {"c1": {"score": 5}}}, "exactly the keys c1, c2"),
    ("rubric", {"criteria": {"c1": {"score": 5}, "c2": 5}}, "criteria.c2"),
    ("rubric", {"criteria": {"c1": {"score": 5}, "c2": {"score": 50}}}, "criteria.c2.score"),
    ("rubric of labels", {"criteria": {"c1": {"score": 2}, "c2": {"score": "ok"}}}, "one of bad, ok, good"),
    ("trajectory", {"steps": [9], "first_wrong_step": None}, "a list of 2 scores"),
    ("trajectory", {"steps": [9, 20], "first_wrong_step": None}, "steps[1]"),
    ("trajectory", {"steps": [9, 2], "first_wrong_step": 2}, "0 to 1"),
    ("trajectory", {"steps": [9, 2], "first_wrong_step": True}, "0 to 1"),
    ("trajectory", {"steps": [9, 2]}, "with the keys first_wrong_step, steps"),
]
GOOD = '{"rationale": "r", "citations": [], "scores": {"A": 7, "B": 3}, "confidence": 0.5}'


@pytest.mark.parametrize(("name", "reply", "expected"), READ)
def test_a_reply_in_the_form_asked_for_is_read(name: str, reply: dict[str, Any], expected: dict[str, Any]) -> None:
    verdict = FORMS[name].read(json.dumps(reply))
    assert {key: getattr(verdict, key) for key in expected} == expected


@pytest.mark.parametrize(("name", "reply", "problem"), UNREAD)
def test_a_reply_that_does_not_fit_is_not_guessed_at(name: str, reply: object, problem: str) -> None:
    with pytest.raises(Unreadable) as caught:
        FORMS[name].read(json.dumps(reply))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Let me think. {{A}} is {{better}}.\n\n{GOOD}\nThat is all.",
        f'<think>{{"scores": {{"A": 1, "B": 9}}}}</think>{GOOD}',
        f'first draft: {{"scores": {{"A": 1, "B": 9}}}}, but no: {GOOD}',
        f'Hm. <think>{{"scores": {{"A": 1, "B": 9}}}}</think> {GOOD}',
        f'thinking that began in the prompt {{"scores": {{"A": 1, "B": 9}}}}</think>{GOOD}',
        f'{GOOD}\n{{"note": "an object without scores"}}',
        GOOD.replace('"r"', '"the response says <think> and {"'),
        "{" * 5000 + GOOD,
    ],
)
def test_the_last_complete_object_is_the_verdict(text: str) -> None:
    assert FORMS["pairwise"].read(text).scores == (7.0, 3.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "null",
        f"[{GOOD[:-1]}]",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        f"<think>{GOOD}",
        f"Well <think> perhaps {GOOD}",
        json.dumps({"verdict": json.loads(GOOD)}),
        '{"scores":' + '{"a":' * 100_000,
        '{"scores":' + "[" * 100_000,
        '{"scores":{"A":' + "[" * 900 + "]" * 900 + ',"B":1}}',
    ],
)
def test_what_is_not_complete_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        FORMS["pairwise"].read(text)


@pytest.mark.parametrize("name", FORMS)
def test_deep_nesting_never_escapes_as_another_error(name: str) -> None:
    own = sorted(set(FORMS[name].schema["required"]) - {"rationale", "citations", "confidence"})
    for depth in range(500, 1000, 5):  # around the depth at which what was read can no longer be written
        deep = "[" * depth + "]" * depth
        with pytest.raises(Unreadable):
            FORMS[name].read("{" + ",".join(f'"{key}":{deep}' for key in own) + "}")


def test_a_long_hostile_reply_is_given_up_quickly() -> None:
    start = time.monotonic()
    for piece in ('{"a":', "{", '{"', "<think>", '{"a":1,', "<think></think>{"):
        with pytest.raises(Unreadable):
            FORMS["pairwise"].read(piece * 5_000)
    assert time.monotonic() - start < 5


def test_half_a_character_does_not_break_a_verdict() -> None:
    reply = '{"rationale": "\\ud800", "citations": ["\\udfff"], "scores": {"A": 7, "B": 3}}'
    verdict = FORMS["pairwise"].read(reply)
    assert (verdict.rationale, verdict.citations) == ("?", ("?",))


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["A", "tie", "E1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["A", "B", "scores", "score", "winner", "ranking", "label", "criteria", "c1", "steps"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def reads_or_refuses(form: Form, text: str) -> None:
    try:
        verdict = form.read(text)
    except Unreadable:
        return
    assert verdict.model_validate_json(verdict.model_dump_json()) == verdict


@given(st.sampled_from(sorted(FORMS)), st.text() | st.text(alphabet='{}[]":,AB0.9e-<think>/ \n'))
def test_arbitrary_text_never_raises_anything_but_unreadable(name: str, text: str) -> None:
    reads_or_refuses(FORMS[name], text)


@given(st.sampled_from(sorted(FORMS)), JSONISH, st.data())
def test_arbitrary_json_never_raises_anything_but_unreadable(name: str, value: object, data: st.DataObject) -> None:
    form = FORMS[name]
    reply = {key: data.draw(JSONISH) for key in form.schema["required"]} | {"extra": value}
    reads_or_refuses(form, json.dumps(reply))


@pytest.mark.parametrize(
    ("citations", "names"),
    [
        (["E1", "E1", "[E2]"], ("E1", "E2")),
        (["E3: a title", "see E4."], ("E3", "E4")),
        (["E1, E2", "[E5][E6]"], ("E1", "E2", "E5", "E6")),
        (["SOURCE12"], ("SOURCE12",)),
        (["E٣"], ("E٣",)),
        (["made up"], ("made up",)),
    ],
)
def test_names_of_evidence_are_found_in_citations(citations: list[str], names: tuple[str, ...]) -> None:
    assert names_in(citations) == names


def test_the_schema_names_every_key_that_is_read() -> None:
    for form in FORMS.values():
        assert set(form.schema["required"]) == set(form.schema["properties"])
        assert all(f'"{key}"' in form.instruction for key in form.schema["required"])
