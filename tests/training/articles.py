"""A small encyclopedia: articles of one build, so that the names and dates of one are found near those of another."""

from __future__ import annotations

import random
from pathlib import Path

from adjudge import Case
from adjudge.training.synth import Corpus, Document, synthesise, write

_FIRST = "Anna Peter Maria Henry Clara Victor Emma Oscar Julia Felix Laura Simon".split()
_LAST = "Hartwell Brunner Castellan Dorrit Ellsworth Fairburn Grant Holloway Ingram Jessop Kerrigan Lomax".split()
_PLACES = "Vienna Boston Madrid Dublin Toronto Chicago Berlin London Paris Rome Denver Miami".split()
_WORKS = "Lantern Orchard Compass Harbour Meadow Thunder Willow Copper Winter Silver Crimson Marble".split()
_BODIES = ("Harper Studios", "Northern Records", "Meridian Press", "Astor Company", "Falcon Group")


def article(number: int) -> Document:
    """One article; the number gives all its facts."""
    chance = random.Random(number)
    person = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    other = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    title = f"{_WORKS[number % 12]} {_LAST[number // 12 % 12]} {('House', 'Road', 'Song')[number // 144 % 3]}"
    third = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    year = chance.randint(1900, 1990)
    text = (
        f"{title} is an American drama film directed by {person} in {year}. "
        f"It was released on {chance.randint(1, 28)} March {year + 1} by {chance.choice(_BODIES)}. "
        f"The story follows {chance.randint(3, 9)} brothers who move from {chance.choice(_PLACES)} to a small town. "
        f"It was written by {other} and later performed on a stage by {third} in {chance.choice(_PLACES)}. "
        f"The film earned {chance.randint(20, 90)} million dollars, but never won a prize in {chance.choice(_PLACES)}. "
        f"Critics praised the larger part of the music, which was recorded in {year - chance.randint(1, 3)}."
    )
    return Document(f"films:{number}", title, text, "films")


def pairs(folder: Path, count: int) -> list[Case]:
    """Labelled pairs on a hundred articles, the good response first and second in turn; `corpus.jsonl` beside them."""
    made = synthesise(Corpus([article(number) for number in range(100)]), plain=True, per_document=2)
    write(made, folder)
    return [Case.model_validate(pair.cases()[place % 2]) for place, pair in enumerate(made.pairs[:count])]
