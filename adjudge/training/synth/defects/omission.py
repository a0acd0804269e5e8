"""What is asked for is left out; all that is said is true."""

from __future__ import annotations

from adjudge.training.synth.defects.base import Draft, Material
from adjudge.training.synth.values import values_of, without

_FEWEST_WORDS = 8  # of a statement that can lose a phrase


def omission(material: Material) -> Draft | None:
    """Its phrase is missing, or its whole sentence, in whose place another one of the document stands."""
    return _phrase_left_out(material) or _sentence_left_out(material)


def _phrase_left_out(material: Material) -> Draft | None:
    """Both sides leave a phrase out: the bad one what is asked for, the good one something else."""
    statement = material.statement
    left = {value: text for value in material.values(statement) if (text := without(statement, value)) != statement}
    pairs = [(one, two) for one in left for two in left if one.type != two.type]
    if not pairs or len(statement.split()) < _FEWEST_WORDS:
        return None
    asked, other = material.random.choice(pairs)
    about = left[other]
    if about.count(asked.text) != 1:
        return None
    more = _some([text for text in material.others if asked.text not in text], material, (0, 1, 2))
    return Draft((about, *more), (left[asked], *more), asked, about=about, exact=True, fixed=True)


def _sentence_left_out(material: Material) -> Draft | None:
    """Another sentence of about the same length and with a value of the same type stands in its place."""
    size, values = len(material.statement), material.values(material.statement)
    types = {value.type for value in values}
    like = [other for other in material.others if types & {value.type for value in values_of(other)}]
    if not like:
        return None
    fill = material.random.choice(sorted(like, key=lambda statement: abs(len(statement) - size))[:3])
    more = _some([text for text in material.others if text != fill], material, (0, 1, 1, 2))
    shared = types & {value.type for value in values_of(fill)}
    asked = [value for value in values if value.type in shared and value.text not in fill]
    return Draft((material.statement, *more), (fill, *more), asked[0] if asked else None, fixed=True)


def _some(statements: list[str], material: Material, counts: tuple[int, ...]) -> list[str]:
    return material.random.sample(statements, min(len(statements), material.random.choice(counts)))
