"""Messages become steps: calls find their results, and nothing that was said is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from adjudge.cases import case_of_messages
from adjudge.errors import CaseError
from adjudge.types import Case, Step, Trajectory
from adjudge.types.steps import NO_RESULT


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str | None, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {}), **more}


def calls(name: str, arguments: Any = "{}", id: str | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **({"id": id} if id else {})}


def result(content: Any, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    given = {"role": "tool", "content": content, "tool_call_id": id, "name": name}
    return {key: value for key, value in given.items() if value is not None}


def steps(*messages: dict[str, Any]) -> tuple[Step, ...]:
    trajectory = case_of_messages([user("What?"), *messages]).trajectory
    assert trajectory is not None
    return trajectory.steps


def imported(case: Case) -> dict[str, Any]:
    return dict(case.metadata["imported"])


# --- calls and their results


def test_parallel_calls_are_steps_and_find_their_results_by_id_in_any_order() -> None:
    assert steps(
        says("Both.", calls("f", '{"n": 1}', "x"), calls("g", "{}", "y")), result("of g", "y"), result("of f", "x")
    ) == (
        Step(thought="Both.", tool="f", arguments={"n": 1}, observation="of f"),
        Step(tool="g", observation="of g"),
    )


def test_calls_without_ids_get_their_results_in_order_and_arguments_may_be_mappings() -> None:
    found = case_of_messages(
        [user("?"), says(None, calls("f", {"n": 1}), calls("f", {"n": 2})), result("one"), result("two", name="f")]
    )
    assert found.trajectory == Trajectory(
        steps=(
            Step(tool="f", arguments={"n": 1}, observation="one"),
            Step(tool="f", arguments={"n": 2}, observation="two"),
        )
    )
    assert imported(found) == {"form": "trl", "unanswered": []}


def test_a_named_result_goes_to_the_call_of_that_name() -> None:
    found = steps(says("", calls("f"), calls("g")), result("of g", name="g"))
    assert [step.observation for step in found] == [None, "of g"]


def test_a_missing_result_stays_missing_and_is_shown_as_such() -> None:
    case = case_of_messages([user("?"), says("", calls("f", "{}", "x")), says("So it is 4.")])
    assert case.trajectory is not None
    assert [step.observation for step in case.trajectory.steps] == [None, None]
    assert imported(case)["unanswered"] == [0]
    assert NO_RESULT in case.trajectory.render()


def test_a_missing_result_without_ids_does_not_take_that_of_a_later_call() -> None:
    found = steps(says("", calls("f", {"n": 1})), says("", calls("f", {"n": 2})), result("two"))
    assert [step.observation for step in found] == [None, "two"]


def test_an_id_that_is_used_again_means_the_later_call() -> None:
    found = steps(
        says("", calls("f", "{}", "0")), says("", calls("f", "{}", "0")), result("second", "0"), says("Done.")
    )
    assert [step.observation for step in found] == [None, "second", None]


def test_a_result_may_come_after_another_message_where_its_call_has_an_id() -> None:
    found = steps(says("", calls("f", "{}", "x")), says("I wait."), result("late", "x"))
    assert [step.observation for step in found] == ["late", None]


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ((result("r", "x"), says("y")), "messages.1: this result belongs to no call.*found 'x'.*no call waits"),
        ((says("", calls("f", "{}", "x")), result("r", "z")), r"found 'z'; allowed: f \(x\)"),
        ((says("", calls("f", "{}", "x")), result("r", "x"), result("again", "x")), "messages.3: .*no call waits"),
        ((says("", calls("f")), result("r", name="g")), "found 'g'; allowed: f"),
        ((says("", calls("f")), result("r"), result("s")), "no call waits"),
    ],
    ids=["before any call", "another id", "a second one", "another tool", "one too many"],
)
def test_a_result_that_belongs_to_no_call_is_an_error(messages: Sequence[dict[str, Any]], problem: str) -> None:
    with pytest.raises(CaseError, match=problem):
        steps(*messages)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (None, {}),
        ("{broken", {"_unreadable": "{broken"}),
        ("[1]", {"_value": [1]}),
        ([1], {"_value": [1]}),
        ('{"a": NaN}', {"_unreadable": '{"a": NaN}'}),
        (r'{"a": "\ud800"}', {"_unreadable": r'{"a": "\ud800"}'}),
        ("[" * 100_000, {"_unreadable": "[" * 100_000}),
    ],
    ids=["JSON", "empty", "none", "broken", "a list as text", "a list", "not a number", "half a character", "too deep"],
)
def test_arguments_that_cannot_be_read_are_kept_as_they_are(given: Any, kept: dict[str, Any]) -> None:
    assert steps(says("", calls("f", given, "x")))[0].arguments == kept


def test_a_call_without_a_name_is_an_error_at_its_place() -> None:
    with pytest.raises(CaseError, match=r"messages.1.tool_calls.0.function.name: this should be text, and is missing"):
        steps(says("", {"id": "x", "function": {"arguments": "{}"}}))


# --- what is said


@pytest.mark.parametrize(
    ("message", "thought"),
    [
        (says("Four."), "Four."),
        (says(None), ""),
        ({"role": "assistant"}, ""),
        (says(None, refusal="I will not."), "Refusal: I will not."),
        (says("Four.", reasoning_content="Two and two."), "Two and two.\n\nFour."),
        (says("Four.", reasoning="Two and two."), "Two and two.\n\nFour."),
        (says([{"type": "text", "text": "Fo"}, {"type": "text", "text": "ur."}]), "Four."),  # type: ignore[arg-type]
        (says([{"type": "refusal", "refusal": "No."}]), "Refusal: No."),  # type: ignore[arg-type]
        (says([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "4"}]), "Hm.\n\n4"),  # type: ignore[arg-type]
        (says(None, audio={"id": "a", "transcript": "Four."}), "Four."),
    ],
)
def test_what_an_assistant_says_thinks_or_refuses_is_the_thought(message: dict[str, Any], thought: str) -> None:
    assert steps(message) == (Step(thought=thought),)


def test_an_empty_message_is_a_step_and_shown_as_empty() -> None:
    case = case_of_messages([user("?"), says(""), says("Four.")])
    assert case.trajectory is not None
    assert case.trajectory.render() == "Step 0\n(an empty message)\n\nStep 1\nFour."


@pytest.mark.parametrize(
    ("content", "observation"),
    [
        ("r", "r"),
        ("", ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "image_url", "image_url": {"url": "x.png"}}], "(an image)"),
        ([{"type": "input_image", "file_id": "file-1"}], "(an image)"),
        ({"rows": [1, "é"]}, '{"rows": [1, "é"]}'),
        ([{"title": "x"}], '[{"title": "x"}]'),
        (7, "7"),
    ],
)
def test_results_of_any_type_become_text(content: Any, observation: str) -> None:
    assert steps(says("", calls("f", "{}", "x")), result(content, "x"))[0].observation == observation


def test_the_older_function_calls_are_read() -> None:
    older = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"n": 1}'}}
    assert steps(older, {"role": "function", "name": "f", "content": "one"}, says("Done.")) == (
        Step(tool="f", arguments={"n": 1}, observation="one"),
        Step(thought="Done."),
    )


def test_calls_of_tools_that_take_free_text_are_read() -> None:
    call = {"id": "x", "type": "custom", "custom": {"name": "python", "input": "1 + 1"}}
    assert steps(says("", call), result("2", "x"))[0].arguments == {"input": "1 + 1"}


@pytest.mark.parametrize(
    ("between", "observations"),
    [
        ((says("Rome."), user("No."), says("Oslo.")), ["The user said: No.", None]),
        (
            (says("", calls("f", "{}", "x")), result("r", "x"), user("Go on."), says("Oslo.")),
            ["r\n\nThe user said: Go on.", None],
        ),
        (
            (says("", calls("f", "{}", "x")), user("Go on."), result("r", "x"), says("Oslo.")),
            ["r\n\nThe user said: Go on.", None],
        ),
        (
            (says("", calls("f", "{}", "x")), user("Go on."), says("Oslo.")),
            [f"{NO_RESULT}\n\nThe user said: Go on.", None],
        ),
        (
            (says("Rome."), {"role": "developer", "content": "Be brief."}, user("And?"), says("Oslo.")),
            ["The system said: Be brief.\n\nThe user said: And?", None],
        ),
        ((says("Rome."), user("Thanks.")), ["The user said: Thanks."]),
    ],
    ids=["after words", "after a result", "before a result", "without a result", "with the system", "at the end"],
)
def test_what_is_said_later_joins_the_observation_of_the_step_before(
    between: Sequence[dict[str, Any]], observations: list[str | None]
) -> None:
    assert [step.observation for step in steps(*between)] == observations


def test_a_call_without_a_result_is_known_as_such_when_the_user_spoke_too() -> None:
    case = case_of_messages([user("?"), says("", calls("f", "{}", "x")), user("Go on."), says("Oslo.")])
    assert imported(case)["unanswered"] == [0]
