"""The corpus tool without a path: it searches the documents of the case at hand."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from adjudge.errors import ToolError
from adjudge.journal import Journal
from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel
from adjudge.models.scripted import Request
from adjudge.tools import CorpusSettings, ToolContext, ToolOutput, ToolSpec, build_tool, corpus_search
from adjudge.types import Case, Document, Evidence, JudgeResult
from adjudge.types.messages import assistant, tool_call

RIVERS = (
    Document(id="danube", title="The Danube", text="It flows through ten countries."),
    Document(id="rhine", title="The Rhine", text="It flows through six countries."),
    Document(id="scan", title="A scan", path="countries.pdf"),
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_CACHE", str(tmp_path / "cache"))


def context(*documents: Document) -> ToolContext:
    return ToolContext(Case(prompt="?", documents=documents), {}, {})


def run(query: str, at: ToolContext, **settings: Any) -> ToolOutput:
    async def call() -> ToolOutput:
        return await corpus_search(**settings).call({"query": query}, at)

    return asyncio.run(call())


def search(query: str, *documents: Document, **settings: Any) -> tuple[Evidence, ...]:
    return run(query, context(*documents), **settings).evidence


def test_a_hit_names_its_document() -> None:
    found = search("Danube countries", *RIVERS)
    assert [(item.source, item.title) for item in found] == [("danube", "The Danube"), ("rhine", "The Rhine")]
    assert found[0].excerpt == "It flows through ten countries."
    assert found[0].score is not None
    assert found[0].score > (found[1].score or 0) > 0


def test_documents_given_by_path_are_left_out() -> None:
    assert search("scan", *RIVERS) == ()
    assert search("scan", RIVERS[2]) == ()


@pytest.mark.parametrize("documents", [(), (Document(id="empty", text=" \n"),), (Document(id="a", text="the of"),)])
def test_a_case_without_anything_to_find_has_no_results(documents: tuple[Document, ...]) -> None:
    assert run("countries", context(*documents)) == ToolOutput("No results.")


def test_a_query_without_words_is_still_the_models_mistake() -> None:
    with pytest.raises(ToolError, match="the query is empty"):
        search(" ")


def test_long_documents_are_cut_into_passages_that_keep_the_documents_name() -> None:
    text = "\n\n".join(f"Paragraph {i} is about subject{i}. " + "It goes on and on. " * 20 for i in range(20))
    (found,) = search("subject13", Document(id="long", title="Long", text=text), max_chars=20_000)
    assert (found.source, found.title) == ("long", "Long")
    assert "Paragraph 13" in found.excerpt
    assert len(found.excerpt) <= 1200
    assert len(search("goes", Document(id="long", text=text), k=3)) == 3


def test_an_excerpt_keeps_its_limit() -> None:
    (found,) = search("abcdefgh", Document(id="a", text="abcdefgh " * 60), max_chars=100)
    assert len(found.excerpt) <= 100


def test_one_tool_serves_many_cases() -> None:
    made = corpus_search()

    async def sources(*documents: Document) -> list[str]:
        output = await made.call({"query": "countries"}, context(*documents))
        return [item.source for item in output.evidence]

    async def all_three() -> list[list[str]]:
        return list(await asyncio.gather(sources(RIVERS[0]), sources(RIVERS[1]), sources()))

    assert asyncio.run(all_three()) == [["danube"], ["rhine"], []]


def test_searches_side_by_side_share_one_index_of_the_judgement() -> None:
    at = context(*(Document(id=str(i), text=f"word{i} and text") for i in range(300)))
    tools = [corpus_search(k=3), corpus_search(k=5, name="other")]

    async def many() -> list[str]:
        outputs = await asyncio.gather(*(tools[i % 2].call({"query": f"word{i}"}, at) for i in range(20)))
        return [output.evidence[0].source for output in outputs]

    assert asyncio.run(many()) == [str(i) for i in range(20)]
    assert len(at.memory) == 1


def test_nothing_is_written_to_the_cache(tmp_path: Path) -> None:
    assert search("countries", *RIVERS)
    assert not (tmp_path / "cache").exists()


def test_the_fingerprint_holds_the_settings() -> None:
    first = corpus_search().fingerprint
    assert corpus_search().fingerprint == first
    others = (corpus_search(k=6), corpus_search(max_chars=500), corpus_search(["a text"]))
    assert len({first, *(made.fingerprint for made in others)}) == 4


def test_a_graph_file_asks_for_it_by_leaving_the_path_out() -> None:
    spec = TypeAdapter[Any](ToolSpec).validate_python({"kind": "corpus_search", "k": 1})
    made = build_tool(spec, Path("/nowhere"))
    assert made.fingerprint == corpus_search(k=1).fingerprint
    assert set(made.parameters["properties"]) == {"query"}, "the context is no argument"
    with pytest.raises(ValidationError, match="at least 1 character"):
        CorpusSettings(kind="corpus_search", path="")


def script(request: Request) -> Choice | str:
    """Searches once, then judges."""
    roles = [message["role"] for message in request.messages]
    if "tool" not in roles:
        return Choice(assistant("", [tool_call("1", "corpus", '{"query": "Danube countries"}')]), "tool_calls")
    if roles[-1] == "tool":
        return "Checked."
    return '{"rationale": "E1 says so.", "citations": ["E1"], "scores": {"A": 7, "B": 3}}'


def judged(documents: tuple[Document, ...], journal: Journal | None = None) -> JudgeResult:
    case = Case(id="c", prompt="How many countries?", responses=("Ten.", "Six."), documents=documents)
    return Judge.load("evidence", model=ScriptedModel(script), orders="one", journal=journal)(case)


def test_the_evidence_judge_searches_and_cites_the_documents_of_its_case() -> None:
    result = judged(RIVERS)
    assert [item.source for item in result.evidence] == ["danube", "rhine"]
    assert result.outcome.type == "verdict"
    assert result.outcome.citations == ("E1",)


def test_changed_documents_of_a_case_are_not_answered_from_the_journal(tmp_path: Path) -> None:
    changed = RIVERS[0].model_copy(update={"text": "It flows through nineteen countries."})
    with Journal(tmp_path / "run.sqlite") as journal:
        assert judged(RIVERS[:1], journal).evidence[0].excerpt == RIVERS[0].text
        assert judged((changed,), journal).evidence[0].excerpt == changed.text
