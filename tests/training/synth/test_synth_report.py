import random
from pathlib import Path

import pytest

from adjudge.errors import ConfigError
from adjudge.training.synth import Corpus, Document, Pair, synthesise, write
from adjudge.training.synth.neighbours import Neighbours
from adjudge.training.synth.report.benchmarks import overlaps
from adjudge.training.synth.report.duplicates import duplicates
from adjudge.training.synth.report.lexical import lexical_arms
from adjudge.training.synth.report.report import report_on
from adjudge.training.synth.report.shares import share
from adjudge.training.synth.report.style import Told, style_accuracy

DATA = Path(__file__).parents[4] / "shared" / "data"
MILL = Document("a", "Mill", "The old mill was built by monks in 1901 near the abbey.")
LAKE = Document("b", "Lake", "The deep lake was dug by farmers in 1955 behind the castle.")


def pair(name: str, document: Document, good: str, bad: str, split: str = "train", question: str = "") -> Pair:
    return Pair(
        name, document, question or f"Who built the {document.title.lower()}?", good, bad, "entity", split=split
    )


def test_a_share_is_wider_where_documents_agree_with_themselves() -> None:
    credits = [1.0, 1.0, 0.0, 0.0] * 10
    alone = share(credits, [str(number) for number in range(40)])
    together = share(credits, [str(number // 2) for number in range(40)])
    assert alone.value == together.value == 0.5
    assert together.high - together.low > alone.high - alone.low


def test_style_is_found_where_there_is_one_and_not_where_there_is_none() -> None:
    chance = random.Random(0)

    def text() -> str:
        return " ".join(chance.choice("the a of Mill river old not was 1901 it".split()) for _ in range(12))

    telling = [Told(text(), text() + ", not", str(number)) for number in range(150)]
    silent = [Told(text(), text(), str(number)) for number in range(300)]
    assert all(found.value > 0.9 for found in style_accuracy(telling).values())
    assert all(found.low < 0.5 < found.high + 0.05 for found in style_accuracy(silent).values())


def test_word_matching_prefers_the_response_with_the_words_of_the_source() -> None:
    given = [
        pair("1", MILL, "It was built by monks.", "It was built by sailors."),
        pair("2", LAKE, "farmers", "farmers!"),
    ]
    arms = lexical_arms(given, Neighbours([MILL, LAKE])).of(given)
    assert arms["word overlap with the source"].value == 0.75  # one right, one tie
    assert arms["longer wins"].value == 0.0
    assert arms["source among the first 1 found"].value == 1.0


def test_duplicates_are_counted_within_and_across_splits() -> None:
    text = "one two three four five six seven eight nine ten"
    copy = Document("c", "Mill", "Copy.")
    given = [
        pair("1", MILL, text, "x"),
        pair("2", copy, text, "y", split="test"),
        pair("3", MILL, "short", "z", question="Another?"),
        pair("4", MILL, "short", "z", split="dev", question="A third?"),
    ]
    found = duplicates(given)
    assert (found.questions, found.responses, found.near, found.across, found.shared_sources) == (2, 2, 2, 2, 1)


def test_without_data_every_benchmark_is_said_to_be_absent() -> None:
    found = overlaps([pair("1", MILL, "x", "y")], None)
    assert not found.found
    assert len(found.absent) > 20


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")
def test_an_overlap_with_a_benchmark_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from adjudge.evaluation.benchmarks import BENCHMARKS, load_benchmark

    monkeypatch.setattr("adjudge.training.synth.report.benchmarks.BENCHMARKS", {"llmbar": BENCHMARKS["llmbar"]})
    case = max(load_benchmark(BENCHMARKS["llmbar"], DATA).cases, key=lambda case: len(str(case.prompt)))
    given = [pair("1", MILL, "x", "y", question=str(case.prompt)), pair("2", MILL, "x", "y", split="test")]
    found = overlaps(given, DATA).found["llmbar"]
    assert found.questions >= 1
    assert found.pairs == 1
    assert found.cases > found.touched >= 1


def test_a_report_has_every_part_and_reads_what_was_written(articles: list[Document], tmp_path: Path) -> None:
    made = synthesise(Corpus(articles), levelled=False, per_document=2)
    write(made, tmp_path)
    found = report_on(tmp_path)
    assert found["counts"]["pairs"] == len(made.pairs)
    assert set(found["style"]) == {"logistic regression", "gradient boosting", "by_defect"}
    assert found["lexical"]["all"]["source among the first 5 found"]["value"] > 0.9
    assert found["duplicates"]["shared_sources"] == 0
    assert found["benchmarks"]["absent"]


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder of pairs"):
        report_on(tmp_path)
