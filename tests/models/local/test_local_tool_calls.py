from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.models.local import parse_tool_calls

GOOD = '<tool_call>\n{"name": "search", "arguments": {"query": "x"}}\n</tool_call>'
SEARCH = ("search", '{"query": "x"}')


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        ("plain text", "plain text", []),
        ("", "", []),
        (GOOD, "", [SEARCH]),
        (f"Let me look.\n{GOOD}", "Let me look.", [SEARCH]),
        (f"{GOOD}\n{GOOD}", "", [SEARCH, SEARCH]),
        (f"{GOOD}\nand then", "\nand then", [SEARCH]),  # text behind a call is kept
        (GOOD.removesuffix("\n</tool_call>"), "", [SEARCH]),  # the closing mark was a stop string
        (GOOD.removesuffix("}\n</tool_call>"), GOOD.removesuffix("}\n</tool_call>"), []),  # cut inside the JSON
        ("<tool_call>{}</tool_call>", "<tool_call>{}</tool_call>", []),  # no name
        ('<tool_call>{"name": 7}</tool_call>', '<tool_call>{"name": 7}</tool_call>', []),
        ('<tool_call>{"name": ""}</tool_call>', '<tool_call>{"name": ""}</tool_call>', []),
        ('<tool_call>{"name": "now"}</tool_call>', "", [("now", "{}")]),
        ('<tool_call>{"arguments": {"a": [1, 2]}, "name": "f"}</tool_call>', "", [("f", '{"a": [1, 2]}')]),
        # the arguments stay as they were written, blanks and escapes included
        ('<tool_call>{"name":"f","arguments":{ "a" :"\\u00e9" }}</tool_call>', "", [("f", '{ "a" :"\\u00e9" }')]),
        # arguments as a string that holds JSON
        ('<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', "", [("f", '{"a": 1}')]),
        ('<tool_call>{"name": "f", "arguments": "a"}</tool_call>',) * 2 + ([],),
        ('<tool_call>{"name": "f", "arguments": [1]}</tool_call>',) * 2 + ([],),
        # junk behind the object: not a block as agreed
        ('<tool_call>{"name": "f", "arguments": {}}}</tool_call>',) * 2 + ([],),
        # a mark inside a string ends nothing
        (
            '<tool_call>{"name": "f", "arguments": {"q": "a </tool_call> <tool_call> b"}}</tool_call>',
            "",
            [("f", '{"q": "a </tool_call> <tool_call> b"}')],
        ),
        # a broken block does not swallow the good one behind it
        (f"<tool_call>\n{{bad\n{GOOD}", "<tool_call>\n{bad", [SEARCH]),
        (f"{GOOD}<tool_call>", "<tool_call>", [SEARCH]),
        ("<tool_call>" + "[" * 100_000,) * 2 + ([],),
        ('<tool_call>{"name": "f", "arguments": {"a": ' + "9" * 5000 + "}}</tool_call>",) * 2 + ([],),
    ],
)
def test_calls_are_read_and_all_other_text_stays(text: str, content: str, calls: list[tuple[str, str]]) -> None:
    message = parse_tool_calls(text)
    found = message.get("tool_calls", [])
    assert message["content"] == content
    assert [(call["function"]["name"], call["function"]["arguments"]) for call in found] == calls
    assert [call["id"] for call in found] == [f"call_{number}" for number in range(len(calls))]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.text().filter(lambda text: "<tool_call>" not in text),
    st.text(min_size=1),
    st.dictionaries(st.text(), json_values),
)
def test_any_call_written_as_agreed_is_read_back(text: str, name: str, arguments: dict[str, Any]) -> None:
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    message = parse_tool_calls(f"{text}\n<tool_call>\n{body}\n</tool_call>")
    (call,) = message["tool_calls"]
    assert message["content"] == text
    assert call["function"]["name"] == name
    assert json.loads(call["function"]["arguments"]) == arguments


pieces = st.sampled_from(["<tool_call>", "</tool_call>", "\n", '{"name": "f"', ', "arguments": {}', "}", '"', "x", " "])


@given(st.lists(pieces).map("".join))
def test_fragments_of_calls_never_raise_and_no_text_is_lost(text: str) -> None:
    message = parse_tool_calls(text)
    content = message["content"]
    assert isinstance(content, str)
    calls = message.get("tool_calls", [])
    assert content.count("x") == text.count("x")
    assert content.count('{"name": "f"') + len(calls) == text.count('{"name": "f"')
