import random
import re

import pytest

from adjudge.training.synth import DEFECTS, Document
from adjudge.training.synth.defects import MAKERS, Draft, Material
from adjudge.training.synth.defects.swaps import CONTRASTED
from adjudge.training.synth.matching import content


def drafts(defect: str, document: Document, near: list[Document], seeds: int = 30) -> list[Draft]:
    made = (
        MAKERS[defect](Material(document, statement, near, random.Random(seed)))
        for statement in document.statements
        for seed in range(seeds)
    )
    return [draft for draft in made if draft is not None]


def one(text: str, title: str = "Bloom") -> Document:
    return Document("d", title, text)


@pytest.mark.parametrize("defect", DEFECTS)
def test_an_encyclopedia_offers_ground_for_every_defect(defect: str, articles: list[Document]) -> None:
    made = [draft for document in articles[:20] for draft in drafts(defect, document, articles[20:26], seeds=3)]
    assert made
    assert all(draft.good != draft.bad for draft in made)


@pytest.mark.parametrize("defect", ["entity", "number", "date"])
def test_a_swap_changes_the_value_and_nothing_else(defect: str, articles: list[Document]) -> None:
    for draft in drafts(defect, articles[0], articles[1:6]):
        (good,), (bad,) = draft.good, draft.bad
        swapped = good.replace(draft.right, "\0").replace(draft.wrong, draft.right).replace("\0", draft.wrong)
        strip = re.compile(r"\ban? ")
        assert strip.sub("", swapped) == strip.sub("", bad)
        assert draft.right in articles[0].body
    assert 0 < CONTRASTED < 1


def test_a_wrong_value_is_taken_from_the_document_where_it_has_one() -> None:
    document = one("Bloom was sold in 1998 by Sony. The band began in 1985 as a trio. They came back in 2003 to play.")
    made = [draft for draft in drafts("date", document, [], seeds=40) if draft.right == "1998"]
    assert made
    assert all(draft.wrong in ("1985", "2003") for draft in made)


def test_a_range_never_ends_before_it_begins() -> None:
    document = one("Bloom was shown from 1986 to 1996 in Japan. It was sold in 1950 and again in 2015 by Sony.")
    statement = document.statements[0]
    made = [MAKERS["date"](Material(document, statement, [], random.Random(seed))) for seed in range(60)]
    spans = [re.search(r"(\d{4}) to (\d{4})", draft.bad[0]) for draft in made if draft is not None]
    assert any(spans)
    assert all(span is None or span[1] <= span[2] for span in spans)


@pytest.mark.parametrize(
    ("statement", "possible"),
    [
        ("Bloom was written by Anna Grant and later filmed by Peter Lomax.", True),
        ("Bloom was praised by Anna Grant and Peter Lomax.", False),  # a list: its order says nothing
        ("Bloom was praised by Anna Grant, Clara Ingram and Peter Lomax.", False),
        ("Bloom was shown from 1986-1996.", False),
    ],
)
def test_two_values_change_places_only_where_that_makes_a_difference(statement: str, possible: bool) -> None:
    document = one(f"{statement} Bloom is a film about a mill.")
    made = [MAKERS["attribution"](Material(document, statement, [], random.Random(seed))) for seed in range(9)]
    assert any(made) is possible
    for draft in filter(None, made):
        assert sorted(re.findall(r"\w+", draft.good[0])) == sorted(re.findall(r"\w+", draft.bad[0]))


@pytest.mark.parametrize(
    ("statement", "contrary"),
    [
        ("The drug did not change the outcome of the trial.", "The drug did change the outcome of the trial."),
        ("There was no significant difference between them.", "There was a significant difference between them."),
        ("Rates of death were higher in the first group.", "Rates of death were lower in the first group."),
        ("The song was released by Sony on a Friday.", "The song was not released by Sony on a Friday."),
        ("It was compared with a drug of the same kind.", None),  # `compared without` is no contrary
    ],
)  # fmt: skip
def test_a_statement_is_denied_or_freed_of_its_denial(statement: str, contrary: str | None) -> None:
    document = one(statement, title="")
    made = [MAKERS["negation"](Material(document, statement, [], random.Random(seed))) for seed in range(60)]
    said = {draft.bad[0] for draft in made if draft is not None and draft.good == (statement,)}
    assert said
    assert contrary in said if contrary else not any("without" in text for text in said)


def test_a_denial_of_both_sides_makes_the_false_one_good() -> None:
    statement = "Rates of death were higher in the first group."
    made = [MAKERS["negation"](Material(one(statement, ""), statement, [], random.Random(s))) for s in range(80)]
    turned = [
        draft for draft in made if draft is not None and "rates" in draft.good[0].lower() and "say" in draft.good[0]
    ]
    assert turned
    assert all("lower" in draft.good[0] or "not higher" in draft.good[0] or "never" in draft.good[0] for draft in turned
               if "not be" not in draft.good[0])  # fmt: skip


def test_what_is_omitted_is_missing_in_the_bad_response_and_all_the_rest_is_true(articles: list[Document]) -> None:
    document = articles[3]
    for draft in drafts("omission", document, articles[4:9]):
        assert not draft.wrong
        words = {word for text in draft.bad for word in content(text)}
        assert words <= content(f"{document.title} {document.text}")
        if draft.exact:
            assert draft.asked is not None
            assert not any(draft.asked.text in text for text in draft.bad)


def test_an_addition_says_something_that_the_document_does_not(articles: list[Document]) -> None:
    document = articles[3]
    for draft in drafts("addition", document, articles[4:30]):
        new = [text for text in draft.bad if text not in document.statements]
        assert len(new) == 1
        assert all(text in document.statements for text in draft.good)
