import random
import re

import pytest

from adjudge.training.synth import Document
from adjudge.training.synth.questions import ask
from adjudge.training.synth.values import values_of

TEXT = "Bloom was released on 31 August 2018 by Capitol Records in Boston. Bloom won three prizes in 2019."
BLOOM = Document("d", "Bloom (album)", TEXT)


def asked(statement: str, value: str, seed: int = 0) -> str:
    found = next(v for v in values_of(statement) if v.text == value)
    return ask(BLOOM, statement, found, random.Random(seed)).text


@pytest.mark.parametrize(
    ("statement", "value", "expected"),
    [
        ("Bloom won three prizes in 2019.", "2019", "did Bloom win three prizes?"),
        ("Bloom was released in Boston.", "Boston", "was Bloom released?"),
        ("The album Bloom had been made by John Smith.", "John Smith", "had the album Bloom been made?"),
    ],
)
def test_a_value_after_a_preposition_gives_an_exact_question(statement: str, value: str, expected: str) -> None:
    assert {asked(statement, value, seed).split(" ", 1)[1].removeprefix("which year ").removeprefix("what year ")
            .removeprefix("which place ").removeprefix("what place ").removeprefix("whom ")
            .removeprefix("which person ") for seed in range(9)} == {expected}  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_no_question_holds_the_asked_value_and_each_names_the_document(seed: int) -> None:
    for statement in BLOOM.statements:
        for value in values_of(statement):
            if value.text == "Bloom":
                continue
            question = ask(BLOOM, statement, value, random.Random(seed), exactly=seed % 2 == 0)
            assert not re.search(rf"\b{re.escape(value.text)}\b", question.text)
            assert "Bloom" in question.text
            assert question.exact or seed % 2


def test_there_are_more_than_a_dozen_forms() -> None:
    statement = BLOOM.statements[0]
    value = values_of(statement)[1]
    said = {ask(BLOOM, statement, v, random.Random(seed)).text for v in (None, value) for seed in range(300)}
    forms = {re.sub(r"Bloom|31 August 2018|Capitol Records|Boston|released", "_", text) for text in said}
    assert len(forms) > 12


def test_a_paper_is_asked_about_by_its_own_question() -> None:
    paper = Document("p", "Does aspirin help?", "Aspirin helped 40 of 90 patients in the trial.", topic=True)
    question = ask(paper, paper.statements[0], None, random.Random(3)).text
    assert "Does aspirin help" in question
    assert "??" not in question
