"""Rows that ask in a short prompt which response a passage supports."""

from __future__ import annotations

import asyncio

from adjudge.tools import corpus_search
from adjudge.tools.corpus.passages import Document
from adjudge.training.warm_start.comparisons import LONGEST, comparisons, passage_for, right_passages, searched_passages
from tests.training.rollouts.small import CORPUS, case, tokenizer

FILLER = "Nothing that anybody would ask about stands in this sentence here. "
DOCUMENTS = {"d1": Document("d1", "Middlemarch", FILLER * 9 + "Middlemarch is a novel by George Eliot. " + FILLER * 9)}


def test_a_row_holds_the_passage_both_responses_and_the_right_letter() -> None:
    tokens = tokenizer()
    cases = [case("a", "A"), case("b", "B")]
    rows = comparisons(cases, right_passages(cases, DOCUMENTS), tokens)
    for name, first, second, letter in (("a", "Eliot", "Austen", "A"), ("b", "Austen", "Eliot", "B")):
        text = tokens.decode(rows[name].prompt_ids)
        assert "Middlemarch is a novel by George Eliot." in text
        assert (
            text.index("Who wrote Middlemarch?")
            < text.index(f"A: By {'George' if first == 'Eliot' else 'Jane'} {first}.")
            < text.index(f"{second}.\n\nWhich")
        )
        assert text.endswith("<|im_start|>assistant\n")
        assert (tokens.decode(rows[name].completion_ids), rows[name].mask) == (letter, (1,))


def test_the_passage_is_the_piece_that_says_what_the_reference_says() -> None:
    passage = passage_for(case(), DOCUMENTS["d1"])
    assert passage is not None
    assert "George Eliot" in passage
    assert len(passage) <= LONGEST
    assert passage_for(case(), Document("d1", "Emma", "Emma is a novel by Jane Austen.")) is None


def test_a_case_without_its_source_is_left_out() -> None:
    assert right_passages([case()], {}) == {}
    assert comparisons([case()], {}, tokenizer()) == {}


def test_evidence_of_a_search_is_all_that_it_brings() -> None:
    asked = [case("a"), case("b").model_copy(update={"metadata": {**case().metadata, "source": "elsewhere"}})]
    search = corpus_search([*CORPUS, {"id": "d3", "title": "Oxen", "text": "Oxen are cattle."}], k=2, name="corpus")
    found = asyncio.run(searched_passages(asked, search, {"d1": "Middlemarch novel"}))
    assert list(found) == ["a"]
    assert [part.split("\n")[0] for part in found["a"].split("\n\n")] == ["Middlemarch", "Emma"]
