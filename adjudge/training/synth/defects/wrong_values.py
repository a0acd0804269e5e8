"""A wrong value in the place of a right one: of the same type, and if possible one that the evidence holds as well."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from adjudge.training.synth.defects.base import Material
from adjudge.training.synth.kinds import KINDS, MONTHS, NUMBER_WORDS, ORDINALS
from adjudge.training.synth.values import Value, values_of

FOUND_FIRST = 0.15  # share of wrong values sought in retrieved documents before the document itself
_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]\d{2}|20[0-2]\d)(?![\d,]|\.\d)")
_FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25, 1.4, 1.6, 2.0)
_LATEST = 2020
_SIZES = {"whole": "whole", "thousands": "whole", "year": "whole", "word": "word", "ordinal": "ordinal"}
_RANGE = re.compile(rf"({_YEAR.pattern})\)?(?: ?[-–] ?| (?:to|until|and) )(?:\w+ ){{0,2}}({_YEAR.pattern})")


def wrong_value(value: Value, material: Material) -> str | None:
    """A wrong value: of the same document, else of those that a search returns, else one made up nearby."""
    sources = [[*material.document.statements], material.found]
    if material.random.random() < FOUND_FIRST:
        sources.reverse()
    for statements in sources:
        if fit := _fitting(value, statements, material):
            return material.random.choice(fit)
    return _made_up(value, material)


def alike(value: Value, other: Value) -> bool:
    """Whether one may stand in the place of the other."""
    if value.sort == other.sort == "number":
        return _SIZES.get(value.type, "decimal") == _SIZES.get(other.type, "decimal")
    return other.sort == value.sort and other.type == value.type


def possible(statement: str) -> bool:
    """Whether no range of years in it ends before it begins."""
    return all(match[1] <= match[2] for match in _RANGE.finditer(statement))


def _fitting(value: Value, statements: Sequence[str], material: Material) -> list[str]:
    if value.sort == "date" and (built := _built(value.text, statements, material)):
        return built
    others = [
        other
        for statement in statements
        for other in values_of(statement)
        if alike(value, other)
        and _excludes(value.text, other.text, material)
        and (value.sort != "number" or _similar(value.text, other.text))
    ]
    same = [other for other in others if other.before == value.before]
    return list(dict.fromkeys(other.text for other in same or others))[:8]


def _built(right: str, statements: Sequence[str], material: Material) -> list[str]:
    """The date with another year of the evidence in it, so that all its parts are found there."""
    year = _YEAR.search(right)
    if year is None or right.endswith("s"):
        return []
    others = dict.fromkeys(_YEAR.findall(" ".join(statements)))
    made = [right.replace(year[0], other) for other in others if 0 < abs(int(other) - int(year[0])) <= 60]
    return [text for text in made if _excludes(right, text, material)]


def _excludes(right: str, wrong: str, material: Material) -> bool:
    """Whether the wrong value cannot be another name of the right one, nor stands in the statement already."""
    shared = set(re.findall(r"\w{3,}", right.lower())) & set(re.findall(r"\w{3,}", wrong.lower()))
    if right.lower() == wrong.lower() or (shared and not re.search(r"\d", right)):
        return False
    name = material.document.name.lower()
    if wrong.lower() in material.statement.lower() or (name and wrong.lower() in name):
        return False
    text = material.document.body
    nested = ((right, wrong), (wrong, right))  # `Paris, France` and `Columbia University (CU)`
    return not any(f"{one}, {two}" in text or f"{one} ({two}" in text for one, two in nested)


def _similar(right: str, wrong: str) -> bool:
    """Whether two numbers are of one order of magnitude; number words are not compared."""
    one, two = _number(right), _number(wrong)
    if one is None or two is None:
        return one is two is None
    return one != two and (min(one, two) >= 0.1 * max(one, two) or max(one, two) <= 20)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _made_up(value: Value, material: Material) -> str | None:
    """A value that stands in no passage: a date or a number nearby, a member of the same closed set."""
    chance = material.random
    if value.type.startswith("kind:"):
        fit = [word for word in KINDS[value.type[5:]] if _excludes(value.text, word, material)]
        return chance.choice(fit) if fit else None
    if value.sort == "date":
        return _other_date(value.text, chance)
    if value.type in ("word", "ordinal"):
        return _other_word(value, chance)
    return _other_number(value.text, chance) if value.sort == "number" else None


def _other_date(text: str, chance: random.Random) -> str | None:
    if match := re.search(r"(?<!\d)(1\d{3}|20\d{2})", text):
        year = int(match[0])
        step = chance.choice((10, 10, 20)) if text.endswith("s") else chance.choice((1, 2, 3, 4, 5, 6, 8, 10, 12))
        moved = year + step if chance.random() < 0.5 and year + step <= _LATEST else year - step
        return text[: match.start()] + str(moved) + text[match.end() :]
    month = next((month for month in MONTHS if month in text), None)
    return text.replace(month, chance.choice([other for other in MONTHS if other != month])) if month else None


def _other_word(value: Value, chance: random.Random) -> str:
    row = ORDINALS if value.type == "ordinal" else NUMBER_WORDS[2:13]
    reach = max(4, 2 * row.index(value.text)) if value.text in row else len(row)
    return chance.choice([word for word in row if word != value.text][:reach])


def _other_number(text: str, chance: random.Random) -> str | None:
    number = _number(text)
    if not number:
        return None
    decimals = len(text.split(".")[1]) if "." in text else 0
    moved = number * chance.choice(_FACTORS) if number >= 8 or decimals else number + chance.choice((1, 2, 3))
    said = f"{moved:,.{decimals}f}" if "," in text else f"{moved:.{decimals}f}"
    return said if said != text else None
