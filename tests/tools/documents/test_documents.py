"""Reading documents of each kind: pages, tables, titles, passages, citations, and looking at a page."""

import asyncio
import base64
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from adjudge.errors import ConfigError, MissingPackage, ToolError
from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel
from adjudge.models.scripted import Request
from adjudge.tools import (
    ReadDocumentSettings,
    Tool,
    ToolContext,
    ToolOutput,
    ViewPageSettings,
    build_tool,
    read_document,
    view_page,
)
from adjudge.tools.documents import extract_pdf_pages, shelf
from adjudge.types import Case, Document, Verdict
from adjudge.types.messages import assistant, tool_call

Ask = Callable[..., ToolOutput]
TextPdf = Callable[[Sequence[str]], bytes]
MakeFile = Callable[..., bytes]
SONGS = "year;title;sales\n" + "\n".join(f"{1900 + n};song number {n};{n * 1000}" for n in range(120))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Calls a tool on files of that folder; each call of `ask` is a judgement of its own unless `memory` is given."""

    def call(tool: Tool | None = None, *, eyes: bool = False, memory: Any = None, **arguments: Any) -> ToolOutput:
        documents = [Document(id=path.name, path=path.name) for path in sorted(tmp_path.iterdir())]
        context = ToolContext(Case(prompt="?", documents=tuple(documents)), {}, {} if memory is None else memory, eyes)

        async def run() -> ToolOutput:
            return await (tool or read_document(tmp_path)).call(arguments, context)

        return asyncio.run(run())

    return call


def inline(text: str, **arguments: Any) -> ToolOutput:
    context = ToolContext(Case(prompt="?", documents=(Document(id="note", title="A note", text=text),)), {}, {})

    async def run() -> ToolOutput:
        return await read_document().call({"id": "note", **arguments}, context)

    return asyncio.run(run())


def picture(lines: Sequence[str], size: tuple[int, int] = (900, 400), **save: Any) -> bytes:
    """Black text on white; columns are parted by bars."""
    drawn = Image.new("RGB", size, "white")
    font = ImageFont.load_default(28)
    for row, line in enumerate(lines):
        for column, text in enumerate(line.split("|")):
            ImageDraw.Draw(drawn).text((40 + 300 * column, 40 + 60 * row), text, fill="black", font=font)
    out = io.BytesIO()
    drawn.save(out, **({"format": "PNG"} | save))
    return out.getvalue()


# PDF


def test_a_pdf_of_several_pages_is_first_shown_by_how_its_pages_begin(
    tmp_path: Path, ask: Ask, pdf_of: MakeFile, placed: Callable[..., str]
) -> None:
    pages = [placed((50, 700, f"Chapter {n} tells of things"), (50, 680, "and more")) for n in (1, 2, 3)]
    (tmp_path / "book.pdf").write_bytes(pdf_of(pages, title="The Book"))
    output = ask(id="book.pdf")
    assert output.evidence == ()
    assert "book.pdf: PDF of 3 pages\ntitle: The Book" in output.text
    assert "page 2: Chapter 2 tells of things and more" in output.text


def test_a_page_is_cited_by_its_number(tmp_path: Path, ask: Ask, text_pdf: TextPdf) -> None:
    (tmp_path / "book.pdf").write_bytes(text_pdf(["Chapter one", "Chapter two"]))
    (item,) = ask(id="book.pdf", page=2).evidence
    assert (item.excerpt, item.source, item.title) == ("Chapter two", "book.pdf#page=2", "book.pdf")


def test_a_question_finds_the_page(tmp_path: Path, ask: Ask, text_pdf: TextPdf) -> None:
    pages = [f"Nothing of note happened in {year}" for year in range(1900, 1930)]
    pages[17] = "The Lisbon treaty was signed by Almeida"
    (tmp_path / "book.pdf").write_bytes(text_pdf(pages))
    best = ask(id="book.pdf", question="who signed the treaty of Lisbon?").evidence[0]
    assert best.source == "book.pdf#page=18"
    assert best.score is not None
    nothing = ask(id="book.pdf", question="zebra")
    assert nothing.evidence == ()
    assert "shares a word with the question" in nothing.text
    assert ask(id="book.pdf", page=18, question="Almeida").evidence[0].source == "book.pdf#page=18"


def test_a_table_in_a_pdf_becomes_markdown_and_prose_stays_prose(
    tmp_path: Path, ask: Ask, pdf_of: MakeFile, placed: Callable[..., str]
) -> None:
    cells = [("name", "points", "club"), ("Ann", "12", "Leeds"), ("Bob", "", "York"), ("Cid", "9", "Hull | East")]
    table = [
        (50.0 + 150 * x, 600.0 - 20 * y, text) for y, row in enumerate(cells) for x, text in enumerate(row) if text
    ]
    prose = [(50.0, 700.0, "A sentence with many words that goes on"), (50.0, 680.0, "and ends in the second line.")]
    (tmp_path / "t.pdf").write_bytes(pdf_of([placed(*prose, *table)]))
    (item,) = ask(id="t.pdf").evidence
    assert item.excerpt == (
        "A sentence with many words that goes on\nand ends in the second line.\n\n"
        "| name | points | club |\n|---|---|---|\n| Ann | 12 | Leeds |\n| Bob |  | York |\n| Cid | 9 | Hull \\| East |"
    )


def test_columns_of_prose_in_a_pdf_are_not_a_table(
    tmp_path: Path, ask: Ask, pdf_of: MakeFile, placed: Callable[..., str]
) -> None:
    left = [(40.0, 700.0 - 15 * n, f"left column line {n} goes on and on") for n in range(5)]
    right = [(330.0, 700.0 - 15 * n, f"right column line {n} goes on and on") for n in range(5)]
    for order in (left + right, [place for pair in zip(left, right, strict=True) for place in pair]):
        (tmp_path / "c.pdf").write_bytes(pdf_of([placed(*order)]))
        (item,) = ask(id="c.pdf").evidence
        assert "|" not in item.excerpt
        assert item.excerpt.index("left column line 4") < item.excerpt.index("right column line 0")


def test_only_so_many_pages_are_read_and_that_is_said(tmp_path: Path, ask: Ask, text_pdf: TextPdf) -> None:
    (tmp_path / "long.pdf").write_bytes(text_pdf([f"page number {n}" for n in range(1, 301)]))
    output = ask(id="long.pdf")
    assert "PDF of 300 pages" in output.text
    assert "it has 300 pages; only the first 200 are read" in output.text
    assert "… pages 41 to 200 are not listed" in output.text
    with pytest.raises(ToolError, match="page 201 lies beyond what is read: the first 200 of 300 pages"):
        ask(id="long.pdf", page=201)
    with pytest.raises(ToolError, match="there is no page 301; the document has 300"):
        ask(id="long.pdf", page=301)
    assert ask(read_document(tmp_path, max_pages=300), id="long.pdf", page=300).evidence[0].excerpt == "page number 300"


def test_code_gets_the_pages_of_a_pdf(text_pdf: TextPdf) -> None:
    pages = asyncio.run(extract_pdf_pages(text_pdf(["first", "second page"]), max_pages=9))
    assert pages == [(1, "first"), (2, "second page")]
    with pytest.raises(ToolError, match="not a PDF"):
        asyncio.run(extract_pdf_pages(b"<html>no"))


# DOCX


def paragraph(text: str, style: str = "", before: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r>{before}<w:t>{text}</w:t></w:r></w:p>"


def test_a_docx_gives_headings_lists_tables_and_the_pages_that_were_noted(
    tmp_path: Path, ask: Ask, docx_of: MakeFile
) -> None:
    cell = "<w:tc><w:tcPr>{}</w:tcPr><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    wide = '<w:gridSpan w:val="2"/>'
    rows = [[("", "name"), ("", "a|b"), ("", "c")], [("", "Ann"), (wide, "both")]]
    table = "".join(f"<w:tr>{''.join(cell.format(*given) for given in row)}</w:tr>" for row in rows)
    body = (
        paragraph("Top", "berschrift1")
        + "<w:p><w:r><w:t>Hello</w:t><w:tab/><w:t>there</w:t></w:r>"
        + "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        + "<w:ins><w:r><w:t> now</w:t></w:r></w:ins></w:p>"
        + f"<w:tbl>{table}</w:tbl>"
        + paragraph("Part two", "berschrift2", before='<w:br w:type="page"/>')
        + "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>an item</w:t></w:r></w:p>"
        + paragraph("third page", before="<w:lastRenderedPageBreak/>")
    )
    (tmp_path / "w.docx").write_bytes(docx_of(body, title="My paper"))
    overview = ask(id="w.docx").text
    assert "DOCX of 3 pages\ntitle: My paper" in overview
    (first,) = ask(id="w.docx", page=1).evidence
    assert first.excerpt == ("# Top\n\nHello\tthere now\n\n| name | a\\|b | c |\n|---|---|---|\n| Ann | both |  |")
    assert ask(id="w.docx", page=2).evidence[0].excerpt == "## Part two\n\n- an item"
    assert ask(id="w.docx", page=3).evidence[0].source == "w.docx#page=3"


# Text, HTML, CSV


def test_html_gives_its_main_part_with_tables(tmp_path: Path, ask: Ask) -> None:
    html = (
        "<!DOCTYPE html><html><head><title>Results</title></head><body><nav>menu</nav><article><h1>Results</h1>"
        "<p>The scores of the final are listed in the table below, as the club announced.</p>"
        "<table><tr><th>Name</th><th>Score</th></tr><tr><td>Ann</td><td>3</td></tr></table>"
        "<p>Both clubs have said that they will play again next year.</p></article>"
        "<script>evil()</script></body></html>"
    )
    (tmp_path / "page.html").write_text(html)
    (item,) = ask(id="page.html").evidence
    assert item.title == "Results"
    assert "| Ann | 3 |" in item.excerpt
    assert "menu" not in item.excerpt
    assert "evil" not in item.excerpt


def test_html_without_a_main_part_gives_all_its_text(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "bare.html").write_text("<html><body><table><tr><td>alpha<td>beta</table><script>x</script>")
    (item,) = ask(id="bare.html").evidence
    assert "alpha" in item.excerpt
    assert "beta" in item.excerpt


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "#"])
def test_a_csv_is_cut_into_blocks_of_rows_each_with_the_header(tmp_path: Path, ask: Ask, delimiter: str) -> None:
    (tmp_path / "songs.csv").write_text(SONGS.replace(";", delimiter))
    assert "CSV of 3 pages" in ask(id="songs.csv").text
    evidence = ask(id="songs.csv", page=2).evidence
    assert len(evidence) > 1, "a page is longer than a passage"
    for item in evidence:
        assert item.excerpt.startswith("| year | title | sales |\n|---|---|---|\n| 19")
        assert item.source == "songs.csv#page=2"
    rows = [line for item in evidence for line in item.excerpt.splitlines()[2:]]
    assert rows == [f"| {1900 + n} | song number {n} | {n * 1000} |" for n in range(50, 100)]


def test_a_question_finds_the_row(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "songs.csv").write_text(SONGS)
    best = ask(id="songs.csv", question="song of 1987").evidence[0]
    assert "| 1987 | song number 87 | 87000 |" in best.excerpt
    assert best.source == "songs.csv#page=2"


def test_long_text_has_pages_and_a_short_one_is_shown_at_once() -> None:
    assert inline("A short note.").evidence[0].excerpt == "A short note."
    text = "\n\n".join(f"Paragraph {n} " + "word " * 100 for n in range(40))
    output = inline(text)
    assert "note: text of" in output.text
    assert "title: A note" in output.text
    pages = int(output.text.split(" pages")[0].rsplit(" ", 1)[1])
    shown = [item.excerpt for page in range(1, pages + 1) for item in inline(text, page=page).evidence]
    for n in range(40):
        assert sum(f"Paragraph {n} " in excerpt for excerpt in shown) == 1, "nothing is lost or doubled"


def test_form_feeds_part_pages() -> None:
    assert inline("one\ftwo\fthree", page=2).evidence[0].excerpt == "two"


def test_a_long_page_says_that_there_is_more() -> None:
    text = "\n".join(["| a | b |", "|---|---|", *(f"| {'x' * 500} | {n} |" for n in range(8))])
    for page in range(1, 3):
        assert "passages are shown" not in inline(text, page=page).text


def test_other_alphabets_and_encodings_are_read(tmp_path: Path, ask: Ask) -> None:
    for name, raw in {
        "utf8.txt": "naïve – 東京".encode(),
        "mark.txt": "naïve – 東京".encode("utf-8-sig"),
        "utf16.txt": "naïve – 東京".encode("utf-16"),
    }.items():
        (tmp_path / name).write_bytes(raw)
        assert ask(id=name).evidence[0].excerpt == "naïve – 東京"
    (tmp_path / "western.txt").write_bytes("naïve – €".encode("cp1252"))
    assert ask(id="western.txt").evidence[0].excerpt == "naïve – €"


# Pictures


@pytest.mark.slow
def test_text_on_a_picture_is_read_with_its_region(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "scan.png").write_bytes(picture(["The treaty was signed", "in Lisbon in 1640"]))
    (item,) = ask(id="scan.png").evidence
    assert "The treaty was signed" in item.excerpt
    assert "Lisbon" in item.excerpt
    assert item.source.startswith("scan.png#page=1&region=")
    x0, y0, x1, y1 = map(float, item.source.split("region=")[1].split(","))
    assert 0 <= x0 < 0.1
    assert 0.3 < x1 < 0.6
    assert 0.05 < y0 < 0.15
    assert 0.25 < y1 < 0.4


@pytest.mark.slow
def test_a_scanned_pdf_is_read_page_by_page_when_it_is_asked_for(tmp_path: Path, ask: Ask) -> None:
    pages = [
        Image.open(io.BytesIO(picture([f"name|points|{word}", "Ann|12|Leeds", "Bob|7|York"])))
        for word in ("club", "town")
    ]
    pages[0].save(tmp_path / "scan.pdf", save_all=True, append_images=pages[1:])
    memory: dict[str, Any] = {}
    assert "page 2: [a picture; its text has not been read yet]" in ask(id="scan.pdf", memory=memory).text
    (item,) = ask(id="scan.pdf", page=2, memory=memory).evidence
    assert item.excerpt == "| name | points | town |\n|---|---|---|\n| Ann | 12 | Leeds |\n| Bob | 7 | York |"
    assert item.source.startswith("scan.pdf#page=2&region=")
    found = ask(id="scan.pdf", question="club", memory=memory).evidence
    assert [item.source.split("&")[0] for item in found] == ["scan.pdf#page=1"], "the first page is read now"


def test_without_ocr_a_picture_is_refused_for_its_text(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "scan.png").write_bytes(picture(["text"]))
    with pytest.raises(ToolError, match="switched off"):
        ask(read_document(tmp_path, ocr=False), id="scan.png")


# Looking


@pytest.mark.parametrize("name", ["t.pdf", "p.png", "p.jpg"])
def test_a_model_with_eyes_is_shown_the_page(tmp_path: Path, ask: Ask, text_pdf: TextPdf, name: str) -> None:
    files = {
        "t.pdf": text_pdf(["one", "two"]),
        "p.png": picture(["a"], size=(3000, 1500)),
        "p.jpg": picture(["a"], size=(3000, 1500), format="JPEG"),
    }
    (tmp_path / name).write_bytes(files[name])
    page = 2 if name == "t.pdf" else 1
    output = ask(view_page(tmp_path, max_side=512), eyes=True, id=name, page=page)
    (url,) = output.images
    kind, _, encoded = url.partition(",")
    assert kind == "data:image/png;base64"
    shown = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert max(shown.size) == 512
    (item,) = output.evidence
    assert item.source == f"{name}#page={page}"
    assert f"{shown.width} × {shown.height} pixels" in item.excerpt


def test_a_model_without_eyes_gets_the_text_and_so_does_any_for_text(
    tmp_path: Path, ask: Ask, text_pdf: TextPdf
) -> None:
    (tmp_path / "t.pdf").write_bytes(text_pdf(["one page", "two pages"]))
    (tmp_path / "n.txt").write_text("a note")
    look = view_page(tmp_path)
    output = ask(look, id="t.pdf", page=2)
    assert (output.images, output.evidence[0].excerpt) == ((), "two pages")
    output = ask(look, eyes=True, id="n.txt")
    assert (output.images, output.evidence[0].excerpt) == ((), "a note")


# Around


def test_a_document_is_parsed_once_in_a_judgement_by_both_tools(
    tmp_path: Path, ask: Ask, text_pdf: TextPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.pdf").write_bytes(text_pdf(["one", "two"]))
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    calls = []
    original = shelf.parse

    async def counted(data: bytes, kind: Any, **more: Any) -> dict[str, Any]:
        calls.append(kind)
        return await original(data, kind, **more)

    monkeypatch.setattr(shelf, "parse", counted)
    memory: dict[str, Any] = {}
    ask(id="t.pdf", memory=memory)
    ask(id="t.pdf", page=2, memory=memory)
    ask(view_page(tmp_path), id="t.pdf", page=1, memory=memory)
    assert len(calls) == 1
    for _ in range(2):
        with pytest.raises(ToolError, match="malformed"):
            ask(id="bad.pdf", memory=memory)
    assert len(calls) == 2, "a file that cannot be read is not tried again"


def test_calls_side_by_side_parse_a_document_once(
    tmp_path: Path, text_pdf: TextPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.pdf").write_bytes(text_pdf(["one", "two"]))
    calls = []
    original = shelf.parse

    async def counted(data: bytes, kind: Any, **more: Any) -> dict[str, Any]:
        calls.append(kind)
        return await original(data, kind, **more)

    monkeypatch.setattr(shelf, "parse", counted)
    context = ToolContext(Case(prompt="?", documents=(Document(id="t", path="t.pdf"),)), {}, {})

    async def together() -> list[ToolOutput]:
        tool = read_document(tmp_path)
        return list(await asyncio.gather(*(tool.call({"id": "t", "page": page}, context) for page in (1, 2, 1))))

    assert [output.evidence[0].excerpt for output in asyncio.run(together())] == ["one", "two", "one"]
    assert len(calls) == 1


@pytest.mark.parametrize("id", ["NOTE", " note "])
def test_an_id_is_found_in_any_case(id: str) -> None:
    context = ToolContext(Case(prompt="?", documents=(Document(id="note", text="hello"),)), {}, {})

    async def run() -> ToolOutput:
        return await read_document().call({"id": id}, context)

    assert asyncio.run(run()).evidence[0].source == "note#page=1"


def test_an_unknown_id_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match=r"there is no document 'other'; there are: 'note'$"):
        inline("x", id="other")
    context = ToolContext(Case(prompt="?"), {}, {})

    async def run() -> None:
        await read_document().call({"id": "x"}, context)

    with pytest.raises(ToolError, match="this case has no documents"):
        asyncio.run(run())


@pytest.mark.parametrize("question", ["the of", "?"])
def test_a_question_without_words_is_refused(question: str) -> None:
    with pytest.raises(ToolError, match="no word to search for"):
        inline("some text", question=question)


def test_an_empty_document_says_so() -> None:
    assert "no text" in inline(" \n").text or "0 pages" in inline(" \n").text


@pytest.mark.parametrize(
    "settings", [{"max_pages": 0}, {"seconds": 1}, {"seconds": 600}, {"k": 0}, {"root": "no/such/folder"}]
)
def test_a_wrong_setting_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        read_document(**settings)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.tools.documents.tools.find_spec", lambda name: None if name == "rapidocr" else name)
    with pytest.raises(MissingPackage, match="pip install rapidocr onnxruntime"):
        read_document()
    read_document(ocr=False)


def test_a_graph_file_can_ask_for_both(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    read = build_tool(ReadDocumentSettings(kind="read_document", root="docs"), tmp_path)
    view = build_tool(ViewPageSettings(kind="view_page", root="docs"), tmp_path)
    assert list(read.parameters["properties"]) == ["id", "page", "question"]
    assert list(view.parameters["properties"]) == ["id", "page"]
    assert read.fingerprint != read_document(tmp_path, k=6).fingerprint


def test_importing_the_tools_loads_no_reader() -> None:
    assert "adjudge.tools.documents" in sys.modules
    for module in ("adjudge.tools.documents.pdf", "adjudge.tools.documents.picture", "rapidocr", "onnxruntime"):
        assert module not in sys.modules, "only child processes import it"


GRAPH = """
name: reading
mode: pairwise
scale: {min: 1, max: 10}
models: {default: auto}
tools:
  read: {kind: read_document, root: documents}
nodes:
  gather: {agent: executor, tools: [read], max_turns: 4}
  judge: {agent: judge, thread: gather, decide: generate}
edges:
  start: gather
  gather: {done: judge}
  judge: end
orders: one
"""


def test_a_judge_cites_the_page(tmp_path: Path, text_pdf: TextPdf) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "book.pdf").write_bytes(text_pdf(["Nothing here", "Almeida signed the treaty"]))
    (tmp_path / "reading.yaml").write_text(GRAPH, encoding="utf-8")
    calls = iter([{"id": "book"}, {"id": "book", "question": "who signed the treaty"}])

    def reply(request: Request) -> Choice | dict[str, object] | str:
        if not request.may_call:
            scores = {"A": 9, "B": 2}
            return {"rationale": "E1 says Almeida.", "citations": ["E1"], "scores": scores, "confidence": 0.9}
        arguments = next(calls, None)
        if arguments is None:
            return "Done."
        return Choice(assistant("", [tool_call("c", "read", json.dumps(arguments))]))

    judge = Judge.load(tmp_path / "reading.yaml", model=ScriptedModel(reply))
    case = Case(
        prompt="Who signed?",
        responses=("Almeida", "Costa"),
        documents=(Document(id="book", path="book.pdf"),),
    )
    result = judge(case)
    assert isinstance(result.outcome, Verdict), result.outcome
    assert result.outcome.citations == ("E1",)
    assert [item.source for item in result.evidence] == ["book#page=2"]
