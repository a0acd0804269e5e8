"""`adjudge synth`: pairs from a corpus, by rules or by a teacher, and the report on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Cli = Callable[..., Result]
_PEOPLE = "Anna Grant|Peter Lomax|Clara Ingram|Henry Jessop|Emma Dorrit".split("|")


@pytest.fixture
def corpus() -> str:
    rows = []
    for number in range(30):
        one, two = _PEOPLE[number % 5], _PEOPLE[(number + 2) % 5]
        text = (
            f"House {number} is a hotel in Boston. House {number} was built by {one} in {1900 + number}. "
            f"House {number} was sold to {two} in {1950 + number} for {number + 20} million dollars."
        )
        rows.append(json.dumps({"id": number, "title": f"House {number}", "text": text}))
    Path("corpus.jsonl").write_text("\n".join([*rows, '{"id": "empty"}']) + "\n", "utf-8")
    return "corpus.jsonl"


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def test_a_corpus_becomes_pairs_and_a_report(cli: Cli, corpus: str) -> None:
    result = cli("synth", corpus, "--out", "pairs", "--no-progress")

    assert result.exit_code == 0, result.output
    rows = [row for split in ("train", "dev", "test") for row in lines(f"pairs/{split}.jsonl")]
    about = json.loads(Path("pairs/synthesis.json").read_text())
    assert len(rows) == 2 * sum(about["pairs"].values()) > 60
    assert about["rows_without_text"] == 1
    assert len(lines("pairs/corpus.jsonl")) == 30
    report = json.loads(Path("pairs/report.json").read_text())
    assert report["counts"]["documents"] == 30
    assert "style, gradient boosting" in result.stdout
    assert "absent" in result.stdout


def test_the_report_can_be_asked_for_again(cli: Cli, corpus: str) -> None:
    cli("synth", corpus, "--out", "pairs", "--no-report", "--defects", "date,entity", "-n", "20")
    assert not Path("pairs/report.json").exists()

    result = cli("synth", "report", "pairs", "--report", "elsewhere/r.json")

    assert result.exit_code == 0, result.output
    assert json.loads(Path("elsewhere/r.json").read_text())["counts"]["pairs"] == 20


def test_a_teacher_writes_and_the_same_command_goes_on(cli: Cli, corpus: str) -> None:
    written = {
        "question": "Who built the house?",
        "good": "It was built by Anna Grant.",
        "bad": "It was built by Mona Reed.",
        "right": "Anna Grant",
        "wrong": "Mona Reed",
    }
    Path("script.jsonl").write_text((json.dumps(written) + "\n") * 60, "utf-8")
    command = [
        "synth",
        corpus,
        "--out",
        "pairs",
        "--teacher",
        "scripted:script.jsonl",
        "--defects",
        "entity",
        "--no-report",
    ]

    first = cli(*command)
    rows = lines("pairs/train.jsonl")
    again = cli(*command)

    assert first.exit_code == again.exit_code == 0, first.output
    assert rows == lines("pairs/train.jsonl")
    assert {row["metadata"]["maker"] for row in rows} == {"teacher"}
    assert "refused by checks" in first.stdout  # the documents that do not name her
    assert Path("pairs/journal.sqlite").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "x"], "nothing to make pairs from"),
        (["nowhere.jsonl"], "does not exist"),
        (["corpus.jsonl", "--defects", "dates"], "did you mean 'date'"),
        (["--source", "pubmed", "--data", "."], "did you mean 'pubmedqa'"),
        (["report", "nowhere"], "no folder of pairs"),
    ],
)
def test_mistakes_end_with_what_to_do(cli: Cli, corpus: str, arguments: list[str], told: str) -> None:
    result = cli("synth", *arguments)

    assert result.exit_code == 2
    assert told in result.stderr
