"""Steps survive as messages of every form, and whatever JSON comes in is a case or an error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.load import dumpd
from langchain_core.messages import messages_to_dict

from adjudge.cases import case_of_messages
from adjudge.errors import CaseError
from adjudge.models.langchain.messages import to_langchain_messages
from adjudge.types import Message, Step, Trajectory

EXAMPLES = Path(__file__).parents[3] / "examples" / "trajectories"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ARGUMENTS = st.dictionaries(TEXT, TEXT | st.integers(-9, 9) | st.booleans() | st.none(), max_size=3)
CALLS = st.builds(Step, thought=TEXT, tool=st.sampled_from("fg"), arguments=ARGUMENTS, observation=st.none() | TEXT)
STEPS = st.lists(CALLS | st.builds(Step, thought=TEXT), min_size=1, max_size=5).map(tuple)
ASKED: Message = {"role": "user", "content": "What?"}


def without_ids(message: Message) -> dict[str, Any]:
    """A message as TRL writes it."""
    plain: dict[str, Any] = {key: value for key, value in message.items() if key != "tool_call_id"}
    for call in plain.get("tool_calls", ()):
        del call["id"]
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return plain


def as_items(message: Message) -> list[dict[str, Any]]:
    """A message as the Responses API writes it."""
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    made: list[dict[str, Any]] = [{"type": "message", "role": message["role"], "content": message["content"]}]
    for call in message.get("tool_calls", ()):
        made.append({"type": "function_call", "call_id": call["id"], **call["function"]})
    return made


@settings(deadline=None)
@given(STEPS)
def test_steps_survive_as_messages_of_openai(steps: tuple[Step, ...]) -> None:
    written = [ASKED, *Trajectory(steps=steps).to_messages()]
    assert case_of_messages(json.loads(json.dumps(written))).trajectory == Trajectory(steps=steps)


@settings(deadline=None)
@given(STEPS)
def test_steps_survive_as_messages_of_langchain(steps: tuple[Step, ...]) -> None:
    objects = to_langchain_messages([ASKED, *Trajectory(steps=steps).to_messages()])
    for form in (objects, dumpd(objects), messages_to_dict(objects), [message.model_dump() for message in objects]):
        assert case_of_messages(form).trajectory == Trajectory(steps=steps)


@settings(deadline=None)
@given(STEPS)
def test_steps_survive_as_messages_of_trl(steps: tuple[Step, ...]) -> None:
    written = [without_ids(message) for message in Trajectory(steps=steps).to_messages()]
    row = {"prompt": [ASKED], "completion": written}
    assert case_of_messages(row).trajectory == Trajectory(steps=steps)


@settings(deadline=None)
@given(STEPS.filter(lambda steps: all(step.tool for step in steps)))
def test_steps_with_calls_survive_as_items_of_the_responses_api(steps: tuple[Step, ...]) -> None:
    items = [item for message in Trajectory(steps=steps).to_messages() for item in as_items(message)]
    assert case_of_messages({"input": "What?", "output": items}).trajectory == Trajectory(steps=steps)


# --- any JSON


def conversations() -> list[Any]:
    """The examples, and a reply of the Responses API."""
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "x"},
        {"type": "function_call_output", "call_id": "x", "output": [{"type": "input_text", "text": "r"}]},
        {"type": "web_search_call", "id": "w", "action": {"query": "q"}},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    ]
    texts = [(EXAMPLES / name).read_text("utf-8") for name in ("openai.json", "langchain.json")]
    texts += (EXAMPLES / "trl.jsonl").read_text("utf-8").splitlines()
    return [*map(json.loads, texts), {"instructions": "s", "input": "q", "output": output}]


JUNK: list[Any] = [None, 0, True, "", "x", [], {}, [[]], [{}], ["a"], {"a": 1}, "\ud800", float("nan"), 10**400]
JUNK += [
    {"type": "text"},
    {"type": []},
    {"role": {}},
    {"lc": 1},
    {"type": "human", "data": None},
    {"role": "assistant"},
]
JUNK += [{"type": "constructor", "lc": 1, "id": [[]], "kwargs": {}}, {"type": "function_call"}, {"type": "image"}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@settings(deadline=None)
@given(st.data(), st.integers(1, 3))
def test_a_conversation_with_something_else_in_it_is_a_case_or_an_error(data: st.DataObject, changes: int) -> None:
    row = copy.deepcopy(data.draw(st.sampled_from(conversations())))
    for _ in range(changes):
        *path, last = data.draw(st.sampled_from(list(places(row))))
        inner = row
        for key in path:
            inner = inner[key]
        inner[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    try:
        case = case_of_messages(row)
    except CaseError:
        return
    assert case.trajectory is not None
    assert case.trajectory.render()
    assert case.model_dump_json()
