"""The contrary of a statement: a `not` put in or taken out, a word for its opposite, or what is wrong called wrong.

A bad response must not be known by its `not`: sentences that deny by nature lose their denial in the bad response, as
many others get one there, and half of those are turned round (`It is not true that …`), so that the good one denies.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from adjudge.training.synth.defects.base import Draft, Material
from adjudge.training.synth.kinds import OPPOSITES
from adjudge.training.synth.paraphrase import lowered

TURNED = 0.5  # share of the statements of which both sides are denied
_AUX = "was|were|is|are|has|had|have|could|would|can|will|may|might|should"
_SEEN = "was|were|is|are|showed|found|had|has|have|with|revealed"
_WEIGHED = "difference|correlation|relationship|association|evidence|change|effect|increase|significant|statistically"
_HEAD = r"^((?:[^,;:]|, [^,;:]{1,40},)*?"  # of a sentence, up to its first verb
_NEGATIVES = (
    ("not", rf"\b({_AUX}|did|does|do) not ", r"\1 "),
    ("not", r"\bcannot ", "can "),
    ("never", r"\bnever ", ""),
    ("no", rf"\b({_SEEN}) no (?=(?:[a-z]+ )?(?:{_WEIGHED}))", r"\1 a "),
)
_AFFIRMATIVES = (
    ("not", rf"{_HEAD}\b(?:{_AUX})) (?!not\b|no\b|also not|never|been not)", r"\1 not "),
    ("never", rf"{_HEAD}\b(?:was|were|has|had|have|would)) (?=[a-z]+ed\b|been\b|made\b|born\b)", r"\1 never "),
    ("no", rf"\b({_SEEN}) an? (?=(?:[a-z]+ )?(?:{_WEIGHED}))", r"\1 no "),
)
_DENIALS = (
    "It is not true that {}",
    "It is not the case that {}",
    "It is wrong to say that {}",
    "One cannot say that {}",
)
_BOUND = re.compile(  # words that belong to the one before them
    r"\b(?:compared|associated|along|together|correlated|consistent|dealt|dealing|met|begins|began|combined) with\b"
    r"|\b(?:as|so) (?:long|late|early|well)\b|\bmore or less\b|\bno longer\b"
)


def negation(material: Material) -> Draft | None:
    """The contrary of the statement, or None where no word can be turned."""
    statement, chance = material.statement, material.random
    if freed := _changed(statement, _NEGATIVES, chance):
        word, bad = freed
        return Draft((statement,), (bad,), direction=(word, 1)) if "not only" not in statement else None
    opposite = _opposed(statement, chance)
    if opposite is not None and chance.random() < 0.6:
        bad, direction = opposite
        return _turned(Draft((statement,), (bad,), direction=direction), material)
    if denied := _changed(statement, _AFFIRMATIVES, chance):
        word, bad = denied
        return _turned(Draft((statement,), (bad,), direction=(word, -1)), material)
    return None


def _turned(draft: Draft, material: Material) -> Draft:
    """Some of the time both sides are denied, which makes the bad one good and the other way round."""
    if material.random.random() > TURNED:
        return draft
    form = material.random.choice(_DENIALS)
    good, bad = (form.format(lowered(text, material.document)) for text in (draft.bad[0], draft.good[0]))
    return Draft((good,), (bad,), direction=(draft.direction[0], -draft.direction[1]))


def _changed(statement: str, ways: Sequence[tuple[str, str, str]], chance: random.Random) -> tuple[str, str] | None:
    """The statement with a negation more or less, after the word that makes the difference."""
    fit = [way for way in ways if re.search(way[1], statement)]
    if not fit:
        return None
    word, pattern, instead = chance.choice(fit)
    said = re.sub(pattern, instead, statement, count=1).replace(" can not ", " cannot ")
    return word, re.sub(r"\ba (?=[aeiou])", "an ", said)


def _opposed(statement: str, chance: random.Random) -> tuple[str, tuple[str, int]] | None:
    """The statement with a word turned into its opposite, and which way it was turned."""
    masked = _BOUND.sub(lambda match: "_" * len(match[0]), statement)
    words = {match[0]: match.span() for match in re.finditer(r"(?<![\w-])[a-z]+(?![\w-])", masked)}
    ways = [(pair, way) for pair in OPPOSITES for way in (1, -1) if pair[::way][0] in words]
    if not ways:
        return None
    pair, way = chance.choice(ways)
    one, two = pair[::way]
    start, end = words[one]
    said = statement[:start] + two + statement[end:]
    said = re.sub(rf"\b([Aa])n? (?={two}\b)", lambda match: match[1] + ("n " if two[0] in "aeiou" else " "), said)
    return said, ("/".join(pair), way)
