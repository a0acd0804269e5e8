"""Beside what is asked for, a claim that the document does not support, against one that it supports."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adjudge.training.synth.defects.base import Draft, Material
from adjudge.training.synth.document import Document
from adjudge.training.synth.matching import content, overlap
from adjudge.training.synth.values import Value, values_of, without

PHRASES = 0.75  # share of the additions that are a phrase in a sentence instead of a sentence
_SMALL = ("is", "was", "a", "the", "of", "and", "in", "it")


def addition(material: Material) -> Draft | None:
    """An unsupported phrase in a sentence of the document, or an unsupported sentence."""
    if material.random.random() < PHRASES and (draft := _phrase_added(material)) is not None:
        return draft
    return _sentence_added(material)


def _phrase_added(material: Material) -> Draft | None:
    """`at Wembley`, which the document says of something else, where it says `by Sony`."""
    statements = [*material.document.statements]
    material.random.shuffle(statements)
    for statement in statements:
        values = material.values(statement)
        for value in material.random.sample(values, len(values)):
            if without(statement, value) == statement:
                continue
            if phrase := _foreign_phrase(statement, material):
                said = statement[: value.start - len(value.before) - 1] + phrase + statement[value.end :]
                return _draft(material, statement, " ".join(said.split()), value)
    return None


def _foreign_phrase(statement: str, material: Material) -> str:
    """A preposition and a value of a type that the statement lacks, from elsewhere in the document or near it."""
    have = {value.type for value in values_of(statement)}
    for statements in (material.document.statements, material.found[:20]):
        phrases = [
            f"{value.before} {value.text}"
            for text in statements
            if text != statement
            for value in material.values(text)
            if value.type not in have and value.sort != "number" and without(text, value) != text
        ]
        if fit := [phrase for phrase in phrases if phrase.split(" ", 1)[1].lower() not in statement.lower()]:
            return material.random.choice(fit)
    return ""


def _draft(material: Material, good: str, bad: str, value: Value) -> Draft:
    """The question is about another statement, or about another value of this one."""
    if good != material.statement:
        return Draft((material.statement, good), (material.statement, bad), fixed=True)
    left = without(good, value)
    asked = [other for other in material.values(good) if other.text in left and other.text in bad]
    return Draft((good,), (bad,), material.random.choice(asked) if asked else None, about=left)


def _sentence_added(material: Material) -> Draft | None:
    claims = [claim for near in material.near for claim in _claims(near, material.document)]
    if not material.others or not claims:
        return None
    own = content(material.document.text)
    pairs = [(supported, claim) for supported in material.others for claim in claims]
    pairs.sort(key=lambda pair: _unlike(*pair) + 30 * max(0.0, overlap(pair[0], own) - overlap(pair[1], own)))
    supported, claim = material.random.choice(pairs[:3])
    return Draft((material.statement, supported), (material.statement, claim), fixed=True)


def _unlike(one: str, two: str) -> float:
    """How far two statements differ in length and in the signs that show their build (ours)."""
    first, second = one.split(), two.split()
    small = sum(abs(first.count(word) - second.count(word)) for word in _SMALL)
    marks = sum(abs(one.count(mark) - two.count(mark)) for mark in ',()"-')
    capitals = abs(sum(map(str.isupper, one)) - sum(map(str.isupper, two)))
    return abs(len(one) - len(two)) / 8 + small + marks + 0.5 * capitals


def _claims(near: Document, document: Document) -> Sequence[str]:
    """What a neighbour says of its own subject, said of the document's."""
    if document.topic and near.topic:
        return [statement for statement in near.statements[:6] if statement not in document.statements]
    name = document.name
    if not name or not near.name or near.name.lower() in document.body.lower() or near.pronoun != document.pronoun:
        return []
    last = re.escape(near.name.split()[-1])
    said = [s[len(near.name) :] for s in near.statements if s.startswith(near.name + " ")]
    return [name + rest for rest in said if not re.search(last, rest)]
