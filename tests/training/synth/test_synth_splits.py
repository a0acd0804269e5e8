import pytest

from adjudge.training.synth import Document
from adjudge.training.synth.splits import groups_of, split_documents

LONG = "the mill on the river was built by the monks of the old abbey long before the war of the two kings"


def test_same_titles_and_near_copies_stay_together() -> None:
    documents = [
        Document("a", "Old Mill", "A mill that stands in the north of the country."),
        Document("b", "old mill", "Something quite different that has the same title."),
        Document("c", "Abbey", f"First of all, {LONG}."),
        Document("d", "River", f"We know that {LONG}, and that it burnt down."),
        Document("e", "Other", "Nothing in common with any of the others here."),
    ]
    groups = groups_of(documents)
    assert groups["a"] == groups["b"]
    assert groups["c"] == groups["d"]
    assert len(set(groups.values())) == 3
    assert groups["d"] == "c"  # named after its first document, so that every run draws the same


def test_the_shares_are_as_promised(articles: list[Document]) -> None:
    many = {str(number): str(number) for number in range(4000)}
    splits = list(split_documents(many, seed=1).values())
    assert splits.count("train") / 4000 == pytest.approx(0.80, abs=0.02)
    assert splits.count("dev") / 4000 == pytest.approx(0.08, abs=0.015)


def test_held_out_documents_take_their_group_into_test() -> None:
    groups = {"a": "g", "b": "g", "c": "h"}
    assert {split_documents(groups, seed=seed, held_out={"b"})["a"] for seed in range(20)} == {"test"}


def test_another_seed_draws_other_splits() -> None:
    groups = {str(number): str(number) for number in range(50)}
    assert split_documents(groups, seed=0) == split_documents(groups, seed=0) != split_documents(groups, seed=1)
