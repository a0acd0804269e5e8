"""Reading evidence again by its name or digest."""

import asyncio
from pathlib import Path

import pytest

from adjudge.errors import ToolError
from adjudge.tools import ReadEvidenceSettings, ToolContext, ToolOutput, build_tool, read_evidence
from adjudge.types import Case, Evidence

ELIOT = Evidence(name="E1", excerpt="George Eliot wrote Middlemarch. " * 50, title="Middlemarch", source="a.jsonl#1")
BARE = Evidence(name="E2", excerpt="Jane Austen wrote Emma.")


def read(id: str, *items: Evidence) -> ToolOutput:
    context = ToolContext(Case(prompt="?"), {item.name: item for item in items}, {})

    async def call() -> ToolOutput:
        return await read_evidence().call({"id": id}, context)

    return asyncio.run(call())


@pytest.mark.parametrize("id", ["E1", "e1", " E1 ", "[E1]", ELIOT.digest, ELIOT.digest[:8], ELIOT.digest[:12].upper()])
def test_evidence_is_found_by_name_in_any_case_or_by_digest(id: str) -> None:
    output = read(id, ELIOT, BARE)
    assert ELIOT.excerpt in output.text
    assert output.evidence == (), "it is not new"


def test_the_text_says_what_it_is_and_where_it_stands() -> None:
    assert read("E1", ELIOT).text.startswith("E1\ntitle: Middlemarch\nsource: a.jsonl#1\n\nGeorge Eliot")
    assert read("E2", BARE).text == "E2\n\nJane Austen wrote Emma."


@pytest.mark.parametrize("id", ["E3", "", "1", "E", ELIOT.digest[:7], "0" * 64, "E1 E2", "E" * 100_000])
def test_an_unknown_id_is_answered_with_the_known_names(id: str) -> None:
    with pytest.raises(ToolError, match=r"there is: E1, E2$") as raised:
        read(id, ELIOT, BARE)
    assert len(str(raised.value)) < 200


def test_a_long_list_of_known_names_is_shortened() -> None:
    items = [Evidence(name=f"E{number}", excerpt=str(number)) for number in range(1, 58)]
    with pytest.raises(ToolError, match="E19, E20 and 37 more"):
        read("E99", *items)


def test_with_nothing_found_the_model_is_told_to_search() -> None:
    with pytest.raises(ToolError, match="search first"):
        read("E1")


def test_the_model_sees_only_the_id() -> None:
    assert list(read_evidence().parameters["properties"]) == ["id"]


def test_a_graph_file_can_ask_for_it() -> None:
    made = build_tool(ReadEvidenceSettings(kind="read_evidence"), Path())
    assert made.name == "read_evidence"
    assert made.fingerprint == read_evidence().fingerprint
