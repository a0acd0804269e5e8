import json
from collections import Counter
from pathlib import Path

import pytest

from adjudge.errors import ConfigError
from adjudge.training.synth import DEFECTS, Corpus, Document, Synthesis, synthesise, write
from adjudge.types import Case


@pytest.fixture(scope="module")
def made(articles: list[Document]) -> Synthesis:
    return synthesise(Corpus(articles, skipped=2), levelled=False, per_document=3)


def test_each_defect_has_an_even_share(made: Synthesis) -> None:
    counts = Counter(pair.defect for pair in made.pairs)
    assert set(counts) == set(DEFECTS)
    assert max(counts.values()) <= 1.5 * min(counts.values())


def test_both_orders_of_a_pair_are_cases_of_the_same_split(made: Synthesis, tmp_path: Path) -> None:
    write(made, tmp_path)
    seen: dict[str, list[Case]] = {}
    for split in ("train", "dev", "test"):
        for line in (tmp_path / f"{split}.jsonl").read_text("utf-8").splitlines():
            case = Case.model_validate(json.loads(line))
            assert case.metadata["split"] == split
            seen.setdefault(case.metadata["pair"], []).append(case)
    assert len(seen) == len(made.pairs)
    for one, other in seen.values():
        assert {one.label, other.label} == {"A", "B"}
        assert one.responses == other.responses[::-1]
        assert one.prompt == other.prompt


def test_no_document_is_in_two_splits_and_no_judge_sees_the_answer(made: Synthesis) -> None:
    splits: dict[str, set[str]] = {}
    for pair in made.pairs:
        splits.setdefault(pair.document.id, set()).add(pair.split)
        case = Case.model_validate(pair.cases()[0])
        assert not case.blind().metadata
        assert case.blind().label is None
    assert all(len(found) == 1 for found in splits.values())


def test_good_and_bad_do_not_differ_by_length(made: Synthesis) -> None:
    longer = [len(pair.good) > len(pair.bad) for pair in made.pairs if len(pair.good) != len(pair.bad)]
    assert 0.4 < sum(longer) / len(longer) < 0.6


def test_a_seed_gives_the_same_files_and_another_gives_others(articles: list[Document], tmp_path: Path) -> None:
    def files(seed: int, name: str) -> dict[str, bytes]:
        folder = tmp_path / name
        write(synthesise(Corpus(articles), most=60, levelled=False, seed=seed), folder, seed=seed)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    assert files(3, "one") == files(3, "two")
    assert files(3, "one") != files(4, "three")


def test_only_the_wanted_defects_are_made_and_no_more_than_wanted(articles: list[Document]) -> None:
    made = synthesise(Corpus(articles), defects=["date", "omission"], most=25, levelled=False)
    assert len(made.pairs) == 25
    assert {pair.defect for pair in made.pairs} == {"date", "omission"}


def test_a_defect_that_a_paraphrase_could_leave_out_makes_no_pair() -> None:
    text = "The mill was sold again at once (Anna Grant). The mill was bought by Peter Lomax later on."
    for seed in range(20):
        made = synthesise(Corpus([Document("a", "", text)]), defects=["entity"], seed=seed, levelled=False)
        assert [(pair.right, pair.wrong) for pair in made.pairs] == [("Peter Lomax", "Anna Grant")]


@pytest.mark.parametrize(
    ("defects", "problem"),
    [
        (["dates"], "did you mean 'date'"),
        (["without_document"], "a teacher is needed"),
        ([], "no defect is named"),
    ],
)
def test_a_wrong_defect_is_told(articles: list[Document], defects: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        synthesise(Corpus(articles), defects=defects)


def test_a_corpus_without_a_usable_sentence_is_told() -> None:
    with pytest.raises(ConfigError, match="no document gave a pair"):
        synthesise(Corpus([Document("a", "", "Too short."), Document("b", "", "no sentence at all")]))


def test_plain_pairs_say_what_the_document_says(articles: list[Document]) -> None:
    wanted = ["entity", "number", "date"]
    made = synthesise(Corpus(articles), defects=wanted, plain=True, per_document=2)
    assert made.made == len(made.pairs)  # none is levelled away
    assert {pair.defect for pair in made.pairs} <= set(wanted)
    said = [pair for pair in made.pairs if pair.good in pair.document.body]
    assert len(said) > 0.5 * len(made.pairs)
    assert all(pair.bad not in pair.document.body for pair in made.pairs)
