import json
from pathlib import Path

import pytest

from adjudge.errors import ConfigError
from adjudge.training.synth import read_corpora
from adjudge.training.synth.sources import SOURCES

DATA = Path(__file__).parents[4] / "shared" / "data"


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_rows_without_text_are_skipped_and_counted(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "c.jsonl", {"id": "a", "text": "One."}, {"id": "b"}, {"text": " "}, [1], {"contents": "Two."}
    )
    corpus = read_corpora([path])
    assert [(document.id, document.text) for document in corpus.documents] == [("c:a", "One."), ("c:5", "Two.")]
    assert corpus.skipped == 3


def test_a_folder_of_documents_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# The Mill\n\nIt is old.", "utf-8")
    (tmp_path / "b.txt").write_text("Plain text.", "utf-8")
    titles = {document.title for document in read_corpora([tmp_path]).documents}
    assert titles == {"The Mill", "b"}


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "hold no text"),
        ([{"id": "a"}], "hold no text"),
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], "two documents have one id"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, rows: list[object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_corpora([lines(tmp_path / "c.jsonl", *rows)])


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text": "x"}\n{"text": \n', "utf-8")
    with pytest.raises(ConfigError, match=r"c\.jsonl:2"):
        read_corpora([path])


@pytest.mark.parametrize(
    ("data", "source", "problem"),
    [
        (Path(), "hotpotqa", "did you mean 'hotpotqa_100'"),
        (None, "pubmedqa", "--data"),
        (Path("no"), "pubmedqa", "missing"),
    ],
)
def test_named_sources_need_a_known_name_and_a_folder(data: Path | None, source: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_corpora([], data, [source])


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")
def test_the_four_data_sets_are_read_and_what_answers_hotpotqa_is_held_out() -> None:
    corpus = read_corpora([], DATA, list(SOURCES))
    domains = {document.domain for document in corpus.documents}
    assert domains == {"hotpotqa", "musique", "qa_feedback", "pubmedqa"}
    assert len(corpus.documents) > 4000
    assert len(corpus.held_out) == 200
