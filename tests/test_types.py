"""The nouns: what is written comes back, letters count on past Z, and a judge sees no more than it may."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adjudge.types import (
    TIE,
    Answer,
    Case,
    Evidence,
    Fingerprint,
    JudgeResult,
    Message,
    Position,
    Response,
    Scale,
    Step,
    Trajectory,
    Unscored,
    Usage,
    Verdict,
    Vote,
    letter,
    ranking_of,
    winner_of,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(-9, 9), st.booleans(), st.none()), max_size=3)
STEPS = st.builds(
    Step, thought=TEXT, tool=st.just("search"), arguments=ARGUMENTS, observation=st.one_of(st.none(), TEXT)
) | st.builds(Step, thought=TEXT)
VERDICTS = st.builds(
    Verdict,
    scores=st.tuples(st.floats(0, 10), st.floats(0, 10)),
    winner=st.sampled_from(["A", "B", TIE]),
    rationale=TEXT,
    citations=st.tuples(TEXT),
    confidence=st.none() | st.floats(0, 1),
)
OUTCOMES = VERDICTS | st.builds(Answer, text=TEXT) | st.builds(Unscored, reason=st.just("limit"), detail=TEXT)


@pytest.mark.parametrize(("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")])
def test_letters_go_on_past_z(index: int, name: str) -> None:
    assert letter(index) == name


def test_a_negative_index_has_no_letter() -> None:
    with pytest.raises(ValueError, match="not negative"):
        letter(-1)


@given(st.integers(0, 20_000))
def test_no_two_indices_share_a_letter(index: int) -> None:
    assert letter(index) != letter(index + 1)


def test_the_highest_score_wins_and_equal_ones_tie() -> None:
    assert winner_of((1.0, 3.0, 2.0)) == "B"
    assert winner_of((3.0, 1.0, 3.0)) == TIE
    assert ranking_of((1.0, 3.0, 3.0)) == ("B", "C", "A")


@given(st.lists(STEPS, max_size=4))
def test_a_trajectory_survives_as_messages(steps: list[Step]) -> None:
    trajectory = Trajectory(steps=tuple(steps))
    assert Trajectory.from_messages(trajectory.to_messages()) == trajectory


def test_parallel_calls_find_their_own_replies_by_id() -> None:
    calls = [
        {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"n": 1}'}},
        {"id": "y", "type": "function", "function": {"name": "g", "arguments": "not json"}},
    ]
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "both", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "y", "content": "from g"},
        {"role": "tool", "tool_call_id": "x", "content": "from f"},
        {"role": "assistant", "content": "done"},
    ]
    assert Trajectory.from_messages(cast("list[Message]", messages)).steps == (
        Step(thought="both", tool="f", arguments={"n": 1}, observation="from f"),
        Step(tool="g", arguments={"_unreadable": "not json"}, observation="from g"),
        Step(thought="done"),
    )


def test_conversations_in_trl_form_have_no_ids_and_arguments_as_mappings() -> None:
    def call(name: str, n: int) -> dict[str, Any]:
        return {"type": "function", "function": {"name": name, "arguments": {"n": n}}}

    messages = [
        {"role": "assistant", "tool_calls": [call("f", 1), call("f", 2)]},
        {"role": "tool", "name": "f", "content": "one"},
        {"role": "tool", "name": "f", "content": "two"},
        {"role": "assistant", "content": None, "tool_calls": [call("g", 3)]},
    ]
    assert Trajectory.from_messages(cast("list[Message]", messages)).steps == (
        Step(tool="f", arguments={"n": 1}, observation="one"),
        Step(tool="f", arguments={"n": 2}, observation="two"),
        Step(tool="g", arguments={"n": 3}),
    )


@given(OUTCOMES, st.lists(OUTCOMES, max_size=2), st.floats(0, 100))
def test_a_result_survives_as_json(outcome: Any, votes: list[Any], seconds: float) -> None:
    result = JudgeResult(
        id="c",
        outcome=outcome,
        votes=tuple(Vote(order=(1, 0), sample=n, outcome=vote) for n, vote in enumerate(votes)),
        evidence=(Evidence(excerpt="x", name="E1", arguments={"q": "?"}, time=1.5),),
        usage=Usage(model_calls=2, seconds=seconds),
        graph=Fingerprint(name="g", mode="pairwise", digest="d"),
        trajectory=({"role": "user", "content": "hello"},),
    )
    written = json.dumps(result.to_dict(trajectory=True))
    assert json.loads(written)["judgement"]["type"] == outcome.type
    assert JudgeResult.model_validate_json(written) == result
    assert "trajectory" not in result.to_dict()


def test_a_failure_has_no_field_for_a_score() -> None:
    with pytest.raises(ValidationError):
        Unscored(reason="limit", scores=(0.0,))  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Verdict(reason="limit")  # type: ignore[call-arg]


def test_usage_adds_up_and_money_stays_unknown_until_one_price_is_known() -> None:
    total = Usage(model_calls=1, seconds=1.5) + Usage(model_calls=2, tool_failures=1)
    assert (total.model_calls, total.seconds, total.tool_failures, total.money) == (3, 1.5, 1, None)
    assert (Usage(money=0.5) + Usage()).money == 0.5


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"min": 1},
        {"min": 2, "max": 2},
        {"min": 3, "max": 1},
        {"min": 0, "max": float("inf")},
        {"min": float("nan"), "max": 1},
        {"labels": ("a",)},
        {"labels": ("a", "a")},
        {"labels": ("a", "b"), "max": 2},
    ],
)
def test_a_scale_that_orders_nothing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Scale(**fields)


def test_a_scale_knows_its_points_and_its_ends() -> None:
    assert list(Scale(min=1, max=3).integers) == [1, 2, 3]
    assert not Scale(min=0.5, max=3).integers
    assert not Scale(labels=("bad", "good")).integers
    assert (Scale(labels=("bad", "ok", "good")).low, Scale(labels=("bad", "ok", "good")).high) == (0.0, 2.0)
    assert Scale(min=1, max=3).contains(3)
    assert not Scale(min=1, max=3).contains(3.01)


def test_a_wide_scale_costs_nothing() -> None:
    assert len(Scale(min=0, max=10**12).integers) == 10**12 + 1


SECRET = "tok3n"


def test_a_blind_case_holds_neither_label_nor_metadata_nor_who_answered() -> None:
    case = Case(
        prompt="?",
        responses=[Response(text="a", model=SECRET), Response(text="b")],
        label=SECRET,
        metadata={"k": SECRET},
    )
    assert SECRET in case.model_dump_json()
    assert SECRET not in case.blind().model_dump_json()
    assert case.blind().id == case.id


def test_a_case_is_named_after_what_a_judge_sees() -> None:
    plain = Case(prompt="?", responses=["a", "b"])
    told = Case(prompt="?", responses=[Response(text="a", model="m"), Response(text="b")], label="A", metadata={"n": 1})
    assert plain.id == told.id
    assert plain.id != Case(prompt="?", responses=["b", "a"]).id


@pytest.mark.parametrize(
    "fields",
    [
        {"responses": "just text"},
        {"responses": ["a"], "respones": []},
        {"responses": [1]},
        {"prompt": "\ud800"},
        {"documents": [{"id": "d"}]},
        {"documents": [{"id": "d", "text": "t", "path": "p"}]},
        {"rubric": [{"name": "n", "weight": 0}]},
    ],
)
def test_a_malformed_case_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Case(**{"prompt": "?", **fields})


@given(st.lists(st.integers(0, 3), min_size=7, max_size=7), st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_seeds_differ_wherever_positions_do(one: list[int], other: list[int]) -> None:
    def at(numbers: list[int]) -> Position:
        case, node, order, *rest = numbers
        return Position(str(case), str(node), str(order), *rest)

    assert (at(one).seed(0) == at(other).seed(0)) == (one == other)
    assert at(one).seed(0) != at(one).seed(1)
    assert 0 <= at(one).seed(5) < 2**31


@pytest.mark.parametrize(
    ("source", "document", "is_of"),
    [
        ("d1", "d1", True),
        ("d1#3", "d1", True),
        ("corpus.jsonl#d1", "d1", True),
        ("corpus.jsonl#d1#3", "d1", True),
        ("corpus.jsonl#d1#3", "3", False),  # the number of a passage is no document
        ("corpus.jsonl#docs:a.md#2#3", "docs:a.md#2", True),
        ("corpus.jsonl#d12", "d1", False),
        ("", "d1", False),
    ],
)
def test_evidence_knows_its_document(source: str, document: str, is_of: bool) -> None:
    assert Evidence(excerpt="x", source=source).is_of(document) is is_of
