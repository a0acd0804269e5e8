"""A wrong entity, number or date, and two values that have changed places."""

from __future__ import annotations

import re

from adjudge.training.synth.defects.base import Draft, Material
from adjudge.training.synth.defects.wrong_values import alike, possible, wrong_value
from adjudge.training.synth.kinds import STOP
from adjudge.training.synth.values import PREPOSITIONS, Sort, Value, replaced

CONTRASTED = 0.4  # share of the swaps that say what is not the case as well, where the statement allows it
_CONTRASTS = ("{} rather than {}", "{} (not {})", "{} and not {}", "{} instead of {}")
_GOES_ON = re.compile(r"[.,]|$| (?:by|in|at|and|with|for|on)\b")


def entity(material: Material) -> Draft | None:
    """Another person, place, organisation, or thing of the same kind."""
    return _swap(material, "entity")


def number(material: Material) -> Draft | None:
    """Another number of similar size."""
    return _swap(material, "number")


def date(material: Material) -> Draft | None:
    """Another date of the same form."""
    return _swap(material, "date")


def attribution(material: Material) -> Draft | None:
    """Two values of one type change places, so that the right words are said of the wrong ones."""
    statement = material.statement
    values = material.values(statement)
    pairs = [
        (one, two)
        for index, one in enumerate(values)
        for two in values[index + 1 :]
        if alike(one, two) and one.text != two.text and not _listed(statement, one, two)
    ]
    if not pairs:
        return None
    one, two = material.random.choice(pairs)
    bad = replaced(replaced(statement, two, one.text), one, two.text)
    if not possible(bad):
        return None
    asked, other = material.random.choice(((one, two), (two, one)))
    return Draft((statement,), (bad,), asked, asked.text, other.text)


def _swap(material: Material, sort: Sort) -> Draft | None:
    values = [value for value in material.values(material.statement) if value.sort == sort]
    material.random.shuffle(values)
    for value in values:
        if (wrong := wrong_value(value, material)) is None:
            continue
        good, bad = _said(material, value, wrong)
        if possible(bad):
            return Draft((good,), (bad,), value, value.text, wrong)
    return None


def _said(material: Material, value: Value, wrong: str) -> tuple[str, str]:
    """Both statements; some say what is not the case as well, so that both hold the right and the wrong value."""
    statement, right = material.statement, value.text
    if material.random.random() > CONTRASTED or not _can_contrast(statement, value):
        return statement, replaced(statement, value, wrong)
    form = material.random.choice(_CONTRASTS)
    good, bad = (replaced(statement, value, form.format(*two)) for two in ((right, wrong), (wrong, right)))
    return good, bad


def _can_contrast(statement: str, value: Value) -> bool:
    if value.type.startswith("kind:") or value.type in ("ordinal", "word"):
        return False
    ends = _GOES_ON.match(statement[value.end :]) and value.before in PREPOSITIONS
    return value.sort == "number" or bool(ends)


def _listed(statement: str, one: Value, two: Value) -> bool:
    """Whether the two are members of a list, ends of a range or nested places: their order may say nothing."""
    between = statement[one.end : two.start]
    telling = [word for word in re.findall(r"(?<![\w'-])[a-z]{3,}", between) if word not in STOP]
    ranged = re.search(r"\d ?[-–]$", statement[: two.start]) or re.match(r" ?[-–] ?\d", statement[one.end :])
    return not telling or bool(ranged)
