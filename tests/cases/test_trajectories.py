"""Files of conversations: each row is a case, or an error with its line, and the rest goes on."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from adjudge.cases import read_trajectories
from adjudge.errors import CaseError, ConfigError
from adjudge.types import Case, Step, Trajectory

EXAMPLES = Path(__file__).parents[2] / "examples" / "trajectories"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str | None, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {}), **more}


def read(content: str | bytes, fmt: str | None) -> tuple[list[Case], list[CaseError]]:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    errors: list[CaseError] = []
    return list(read_trajectories(stream, on_error=errors.append, fmt=fmt)), errors


def imported(case: Case) -> dict[str, Any]:
    return dict(case.metadata["imported"])


def test_the_examples_are_read() -> None:
    found = {path.name: list(read_trajectories(path)) for path in sorted(EXAMPLES.iterdir())}
    assert {name: [(case.id, imported(case)["form"]) for case in cases] for name, cases in found.items()} == {
        "langchain.json": [("langchain", "langchain")],
        "openai.json": [("middlemarch", "openai")],
        "trl.jsonl": [("sum", "trl"), ("weather", "trl")],
    }


ROW = [user("Who?"), says("Eliot.")]


@pytest.mark.parametrize(
    ("content", "fmt", "count"),
    [
        (json.dumps(ROW), "json", 1),
        (json.dumps(ROW, indent=2), "json", 1),
        (json.dumps({"messages": ROW}, indent=2), "json", 1),
        (json.dumps([ROW, {"messages": ROW, "id": "2"}]), "json", 2),
        (json.dumps(ROW) + "\n\n" + json.dumps({"id": 2, "messages": ROW}), "jsonl", 2),
        ("\ufeff" + json.dumps(ROW), "json", 1),
    ],
    ids=["a list", "on several lines", "a mapping", "conversations", "JSON lines", "a byte order mark"],
)
def test_files_hold_one_conversation_or_several(content: str, fmt: str, count: int) -> None:
    for said in (fmt, None):  # None: as from standard input
        cases, errors = read(content, said)
        assert errors == []
        assert [case.trajectory for case in cases] == [Trajectory(steps=(Step(thought="Eliot."),))] * count


def test_a_row_with_messages_is_a_conversation_whatever_else_it_says_of_itself() -> None:
    cases, errors = read(json.dumps({"type": "chat", "role": "x", "messages": ROW}), "jsonl")
    assert (len(cases), errors) == (1, [])


def test_a_file_with_one_conversation_gives_it_its_name(tmp_path: Path) -> None:
    (tmp_path / "run-7.json").write_text(json.dumps(ROW))
    assert [case.id for case in read_trajectories(tmp_path / "run-7.json")] == ["run-7"]


def test_fields_of_a_case_are_taken_and_the_rest_is_left_behind() -> None:
    row = {"id": 7, "messages": ROW, "label": {"steps": [1]}, "reference": "Eliot", "metadata": {"a": 1}, "key": "no"}
    (case,), _ = read(json.dumps(row), "jsonl")
    assert (case.id, case.label, case.reference, case.metadata["a"]) == ("7", {"steps": [1]}, "Eliot", 1)
    assert "no" not in case.model_dump_json()


def test_a_row_in_our_own_form_is_read() -> None:
    own = Case(id="x", prompt="?", trajectory=Trajectory(steps=(Step(thought="a"),)))
    assert read(own.model_dump_json(exclude_defaults=True), "jsonl") == ([own], [])


def test_bad_rows_are_told_with_their_line_and_the_rest_goes_on() -> None:
    lines = [
        json.dumps(ROW),
        json.dumps({"id": "b", "messages": [user("?"), {"role": "asistant", "content": "x"}]}),
        "{",
        json.dumps({"mesages": ROW}),
        json.dumps(user("?")),
        json.dumps({"id": "c", "messages": [user("?"), {"role": "tool", "tool_call_id": "x", "content": "r"}]}),
        json.dumps({"id": "d", "messages": ROW, "label": 1, "documents": "x"}),
        json.dumps({"chosen": ROW, "rejected": ROW}),
        json.dumps({"id": "e", "messages": ROW, "prompt": [user("?")]}),
        json.dumps(ROW),
        json.dumps({"id": "last", "messages": ROW}),
    ]
    cases, errors = read("\n".join(lines), "jsonl")
    assert [case.id for case in cases][1:] == ["last"]
    told = [str(error) for error in errors]
    for text, (line, words) in zip(
        told,
        [
            (2, "messages.1.role: this role is not known; found 'asistant'"),
            (3, "not JSON"),
            (4, "this is no conversation; found 'mesages'"),
            (5, "a single message"),
            (6, "messages.1: this result belongs to no call"),
            (7, "documents: should be a list"),
            (8, "name one of a pair as completion"),
            (9, "prompt: with messages, the task is text"),
            (10, "the same case stands in line 1"),
        ],
        strict=True,
    ):
        assert text.startswith(f"<stream>:{line}: "), text
        assert words in text
    assert "allowed: messages, prompt and completion" in told[2]
    assert "did you mean 'messages'?" in told[2]


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_error_in_a_file_of_json_has_the_line_of_its_message(wrapped: bool) -> None:
    messages = ",\n".join(json.dumps(message) for message in [*ROW, {"role": "critic", "content": "\n{]"}])
    content = f'{{"id": "x",\n"messages": [\n{messages}]}}' if wrapped else f"[\n\n{messages}\n]"
    _, (error,) = read(content, "json")
    assert (error.line, error.key) == (5, "messages.2.role")


@pytest.mark.parametrize(
    ("content", "fmt", "problem"),
    [
        ('{"messages": [{"role": "user"', "json", "not JSON"),
        (json.dumps(ROW)[:-5], "json", "not JSON"),
        ('{"messages": [], "messages": []}', "json", "stands twice"),
        ("[[], 3]", "json", "the assistant says nothing"),
        (json.dumps({"messages": ROW}) + "\n" + json.dumps({"messages": []}), "json", "more after this conversation"),
        ("[" * 100_000, "json", "nested too deeply"),
        (b'{"messages": [{"role": "user", "content": "\xff"}]}\n', "jsonl", "not UTF-8"),
    ],
)
def test_files_that_are_broken_are_errors(content: str | bytes, fmt: str, problem: str) -> None:
    _, errors = read(content, fmt)
    assert problem in str(errors[0])


@pytest.mark.parametrize(
    ("content", "problem"), [("", "no conversations"), ("[]", "no conversations"), ("3", "a list")]
)
def test_a_file_without_conversations_is_an_error(content: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read(content, "json")


def test_other_formats_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1")
    with pytest.raises(ConfigError, match=r"x.yaml: .*found '.yaml'; allowed: .json, .jsonl, .ndjson"):
        read_trajectories(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="found 'csv'; allowed: json, jsonl, ndjson"):
        read_trajectories(io.BytesIO(b""), fmt="csv")
    with pytest.raises(ConfigError, match="no such file"):
        read_trajectories(tmp_path / "none.json")
