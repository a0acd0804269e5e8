"""LangChain's messages, the items of the Responses API and TRL's rows."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, messages_to_dict

from adjudge.cases import case_of_messages
from adjudge.types import Case, Step, Trajectory


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str | None, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {}), **more}


def calls(name: str, arguments: Any = "{}", id: str | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **({"id": id} if id else {})}


def result(content: Any, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    given = {"role": "tool", "content": content, "tool_call_id": id, "name": name}
    return {key: value for key, value in given.items() if value is not None}


def imported(case: Case) -> dict[str, Any]:
    return dict(case.metadata["imported"])


# --- LangChain

SPOKEN = [
    HumanMessage("Rhine or Danube?"),
    AIMessage(
        [
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"n": 1}},
        ],
        tool_calls=[{"name": "f", "args": {"n": 1}, "id": "a"}],
        invalid_tool_calls=[{"name": "g", "args": "{bad", "id": "b", "error": "?"}],
    ),
    ToolMessage("1,230 km", tool_call_id="a", artifact=object()),
    ToolMessage("no", tool_call_id="b", status="error"),
    AIMessage("The Danube.", additional_kwargs={"reasoning_content": "It is longer."}),
]
WRITTEN = (
    Step(thought="Hm.\n\nI look.", tool="f", arguments={"n": 1}, observation="1,230 km"),
    Step(tool="g", arguments={"_unreadable": "{bad"}, observation="(the tool failed) no"),
    Step(thought="It is longer.\n\nThe Danube."),
)


@pytest.mark.parametrize(
    "given",
    [
        SPOKEN,
        {"messages": SPOKEN},
        [message.model_dump() for message in SPOKEN],
        messages_to_dict(SPOKEN),
        dumpd([message.model_copy(update={"artifact": None}) for message in SPOKEN]),
        {"values": {"messages": [message.model_dump() for message in SPOKEN]}, "next": []},
        [{"role": "user", "content": "Rhine or Danube?"}, *SPOKEN[1:]],
    ],
    ids=["objects", "a state", "model_dump", "messages_to_dict", "dumpd", "a snapshot", "mixed"],
)
def test_langchain_messages_are_read_in_all_their_forms(given: Any) -> None:
    case = case_of_messages(given)
    assert case.prompt == "Rhine or Danube?"
    assert case.trajectory == Trajectory(steps=WRITTEN)
    assert imported(case) == {"form": "langchain", "unanswered": []}


def test_langchain_calls_of_older_versions_are_read() -> None:
    older = {"tool_calls": [calls("f", '{"n": 1}', "a")]}
    given = [{"type": "human", "content": "?"}, {"type": "ai", "content": "", "additional_kwargs": older}]
    assert case_of_messages(given).trajectory == Trajectory(steps=(Step(tool="f", arguments={"n": 1}),))


# --- the Responses API


def test_items_of_one_reply_become_one_message() -> None:
    thinking = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]}
    hidden = {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "…"}
    text = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Both."}]}

    def call(name: str, id: str) -> dict[str, Any]:
        return {"type": "function_call", "name": name, "arguments": '{"n": 1}', "call_id": id}

    given = {
        "instructions": "Search.",
        "input": "Who?",
        "output": [
            *(thinking, text, call("f", "x"), call("g", "y")),
            {"type": "function_call_output", "call_id": "y", "output": "of g"},
            {"type": "function_call_output", "call_id": "x", "output": [{"type": "input_text", "text": "of f"}]},
            *(hidden, {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "q"}}),
            {"type": "code_interpreter_call", "id": "c", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
            {"type": "mcp_call", "id": "m", "name": "h", "arguments": "{}", "output": "ok", "error": None},
            {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            hidden,
        ],
    }
    case = case_of_messages(given)
    assert case.prompt == "Who?\n\nThe instructions that the agent was given:\nSearch."
    assert case.trajectory == Trajectory(
        steps=(
            Step(thought="Hm.\n\nBoth.", tool="f", arguments={"n": 1}, observation="of f"),
            Step(tool="g", arguments={"n": 1}, observation="of g"),
            Step(tool="web_search", arguments={"action": {"query": "q"}}),
            Step(
                tool="code_interpreter",
                arguments={"code": "1+1"},
                observation='[{"type": "logs", "logs": "2"}]',
            ),
            Step(tool="h", observation="ok"),
            Step(thought="Refusal: No."),
        )
    )
    assert imported(case) == {"form": "responses", "unanswered": [2]}


# --- TRL


def test_trl_rows_keep_the_border_between_prompt_and_completion() -> None:
    row = {
        "prompt": [user("2 + 2?"), says("4"), user("And 3 + 3?")],
        "completion": [says("", calls("add", {"a": 3, "b": 3})), result("6", name="add"), says("6")],
    }
    case = case_of_messages(row)
    assert isinstance(case.prompt, list)
    assert [message["content"] for message in case.prompt] == ["2 + 2?", "4", "And 3 + 3?"]
    assert case.trajectory == Trajectory(
        steps=(Step(tool="add", arguments={"a": 3, "b": 3}, observation="6"), Step(thought="6"))
    )


def test_calls_in_a_trl_prompt_are_told_in_words() -> None:
    row = {"prompt": [user("?"), says("I add.", calls("add", {"a": 3})), result("6"), user("So?")], "completion": "6"}
    assert case_of_messages(row).question == (
        'user: ?\n\nassistant: I add.\nAction: add({"a": 3})\n\ntool: 6\n\nuser: So?'
    )


def test_trl_rows_of_plain_text_are_a_single_step() -> None:
    case = case_of_messages({"prompt": "2 + 2?", "completion": "4"})
    assert (case.prompt, case.trajectory) == ("2 + 2?", Trajectory(steps=(Step(thought="4"),)))
    assert imported(case) == {"form": "trl", "unanswered": []}
