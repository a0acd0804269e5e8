"""What `@tool` makes of a function: the schema a model sees, and what happens to right and wrong arguments."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from adjudge.errors import ConfigError, ToolError
from adjudge.tools import Tool, ToolContext, ToolOutput, tool
from adjudge.types import Case, Evidence

CONTEXT = ToolContext(Case(prompt="Who wrote Middlemarch?"), {}, {})


def call(made: Tool, arguments: Mapping[str, Any]) -> ToolOutput:
    async def make() -> ToolOutput:
        return await made.call(arguments, CONTEXT)

    return asyncio.run(make())


@tool
async def find(
    query: str,
    where: Literal["title", "text"] = "text",
    years: list[int] | None = None,
    tags: list[str] = [],  # noqa: B006  # a tool's default is copied by the schema, never handed out
) -> str:
    """Look something up.

    Only in one place at a time.

    Args:
        query: What to look for.
        where: Which field.
        years: Only these years.
        tags: Only with all of these.
    """
    return f"{query} in {where} of {years} {tags}"


def test_schema_has_name_description_and_arguments_from_hints_and_docstring() -> None:
    properties = find.parameters["properties"]
    assert find.schema["type"] == "function"
    assert find.schema["function"]["name"] == "find"
    assert find.description == "Look something up.\n\nOnly in one place at a time."
    assert find.parameters["required"] == ["query"]
    assert find.parameters["additionalProperties"] is False
    assert properties["query"] == {"type": "string", "description": "What to look for."}
    assert properties["where"]["enum"] == ["title", "text"]
    assert properties["where"]["default"] == "text"
    assert {option["type"] for option in properties["years"]["anyOf"]} == {"array", "null"}
    assert properties["tags"]["items"] == {"type": "string"}


def test_defaults_are_filled_in() -> None:
    assert call(find, {"query": "x"}).text == "x in text of None []"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "query"),
        ({"query": None}, "query"),
        ({"query": "x", "where": "body"}, "where"),
        ({"query": "x", "years": ["long ago"]}, "years.0"),
        ({"query": "x", "tags": "one"}, "tags"),  # a bare string is not a list of its letters
        ({"query": "x", "limit": 5}, "limit"),
    ],
)
def test_wrong_arguments_are_told_the_model_by_name(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ToolError, match="wrong arguments for find") as raised:
        call(find, arguments)
    assert f"{named}: " in str(raised.value)


def test_context_is_passed_in_and_hidden_from_the_model() -> None:
    @tool
    async def question(context: ToolContext) -> str:
        """Say what is being judged."""
        return str(context.case.prompt)

    assert question.parameters.get("properties", {}) == {}
    assert call(question, {}).text == "Who wrote Middlemarch?"
    with pytest.raises(ToolError, match="context"):
        call(question, {"context": "mine"})


def test_a_name_can_be_given() -> None:
    @tool(name="lookup")
    async def whatever(query: str) -> str:
        """Look it up."""
        return query

    assert whatever.schema["function"]["name"] == "lookup"


def test_fingerprint_changes_with_code_and_with_what_else_results_depend_on() -> None:
    async def one(query: str) -> str:
        """Look it up."""
        return query

    async def other(query: str) -> str:
        """Look it up."""
        return query + "!"

    prints = {tool(one).fingerprint, tool(other).fingerprint, tool(one, fingerprint="v2").fingerprint}
    assert len(prints) == 3
    assert tool(one).fingerprint in prints


def test_a_function_that_is_not_async_is_rejected() -> None:
    def plain(query: str) -> str:
        """Look it up."""
        return query

    with pytest.raises(ConfigError, match="must be an async function; write `async def`"):
        tool(plain)  # type: ignore[arg-type]  # the mistake under test


def test_a_function_without_docstring_is_rejected() -> None:
    async def silent(query: str) -> str:
        return query

    with pytest.raises(ConfigError, match="'silent' has no docstring"):
        tool(silent)


def test_a_parameter_without_hint_is_rejected_by_name() -> None:
    async def vague(query) -> str:  # type: ignore[no-untyped-def]  # the mistake under test
        """Look it up."""
        return str(query)

    with pytest.raises(ConfigError, match="parameter 'query' of the tool 'vague' has no type hint"):
        tool(vague)


ITEM = Evidence(excerpt="George Eliot wrote it.")


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("text", ToolOutput("text")),
        (ITEM, ToolOutput(evidence=(ITEM,))),
        ([ITEM, ITEM], ToolOutput(evidence=(ITEM, ITEM))),
        ([], ToolOutput("No results.")),
        (None, ToolOutput("No results.")),
        ({"población": 3}, ToolOutput('{"población": 3}')),
        (ToolOutput("text", (ITEM,)), ToolOutput("text", (ITEM,))),
    ],
)
def test_whatever_a_tool_returns_becomes_text_and_evidence(returned: object, expected: ToolOutput) -> None:
    @tool
    async def give() -> object:
        """Give it."""
        return returned

    assert call(give, {}) == expected


def test_a_result_that_is_not_json_is_a_tool_error() -> None:
    @tool
    async def give() -> object:
        """Give it."""
        return object()

    with pytest.raises(ToolError, match="which is not JSON"):
        call(give, {})
