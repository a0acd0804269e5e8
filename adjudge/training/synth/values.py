"""Values of a statement that a wrong one of the same type can replace: entities, numbers, dates, members of a kind.

    values_of("Bloom was released on 31 August 2018 by Capitol Records.")
    # date: 31 August 2018; entity (group): Capitol Records

Types are guessed by cheap rules (suffixes, a short list of first names and places, the word before): a wrong guess
gives an odd wrong answer, never a true one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from adjudge.training.synth.kinds import (
    FIRST_NAMES,
    GROUP_WORDS,
    KINDS,
    MONTHS,
    NUMBER_WORDS,
    ORDINALS,
    PLACE_WORDS,
    STOP,
)

Sort = Literal["date", "number", "entity"]
_MONTH = "|".join(MONTHS)
_DATE = re.compile(
    rf"\b(?:\d{{1,2}} (?:{_MONTH}),? \d{{4}}|(?:{_MONTH}) \d{{1,2}}, \d{{4}}|(?:{_MONTH}) \d{{4}}"
    rf"|(?:{_MONTH}) \d{{1,2}}(?!\d)|\d{{1,2}} (?:{_MONTH})|(?:1[0-9]|20)\d{{2}}s?)(?![\w,.]*\d)\b"
)
_NUMBER = re.compile(
    r"(?<![\w.,$£€#/-])\d{1,3}(?:,\d{3})+(?![\w])|(?<![\w.,#/-])\d+(?:\.\d+)?(?![\w/])(?!-\d)(?!,\d)(?!\.\d)"
)
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join([*NUMBER_WORDS[2:], *ORDINALS])})\b")
_NAME = re.compile(
    r"\b[A-Z][\w'’&.-]*(?:(?: (?:of|de|van|von|da|di|del|la|le|the|for))* [A-Z][\w'’&-]*)*(?:(?<=\b[A-Z])\.)?"
)
_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words}
_PEOPLES = frozenset(KINDS["people"])
_ROLE = frozenset(
    "actor actress singer director writer author composer producer player president king queen by".split()
)
_HEADS = frozenset(("place", "institution", "work", "organ"))  # elsewhere often a part of a longer term
_HEAD_ENDS = re.compile(r"[.,]| (?:in|of|on|at|by|from|that|which|and|located|situated|directed|written|is|was)\b")
_LETS_GO = re.compile(  # what may follow a phrase that is left out
    r"\.$| (?:in|on|at|by|for|from|with|of|during|as|was|is|were|are|but|who|which|that|when|where|after|before|until|"
    r"because|while|under|between|against|through|had|has|have|did|will|since|near|into|over|under)\b"
)
PREPOSITIONS = frozenset("in on at by for from to with near during since of".split())
_PLACED = frozenset("in at near from of to around".split())


class Value(NamedTuple):
    """A stretch of a statement."""

    start: int  # characters
    end: int
    text: str
    sort: Sort
    type: str  # within the sort: what may replace it is of the same type
    before: str = ""  # the word before it, lower case


@lru_cache(maxsize=65536)
def values_of(statement: str) -> tuple[Value, ...]:
    """The values of a statement, first to last; none overlaps another."""
    found: list[Value] = []
    for value in (*_dates(statement), *_names(statement), *_numbers(statement), *_kinds(statement)):
        if all(value.end <= other.start or value.start >= other.end for other in found):
            found.append(value)
    return tuple(sorted(found))


def replaced(statement: str, value: Value, text: str) -> str:
    """The statement with another text in the place of a value; `a` and `an` before it are set right."""
    before = statement[: value.start]
    if match := re.search(r"\b([Aa])n? $", before):
        before = before[: match.start()] + match.group(1) + ("n " if _vowel(text) else " ")
    return before + text + statement[value.end :]


def without(statement: str, value: Value) -> str:
    """The statement without the value and the preposition before it; unchanged where something clings to them."""
    head, tail = statement[: value.start].rstrip(), statement[value.end :]
    ranged = value.sort != "entity" and (value.before in ("to", "from") or value.sort == "number")
    if (
        not _LETS_GO.match(tail)
        or ranged
        or value.type.startswith("kind:")
        or value.before not in PREPOSITIONS
        or not head.lower().endswith(value.before)
    ):
        return statement
    left = re.sub(r"\s+", " ", head[: len(head) - len(value.before)].rstrip() + tail).strip()
    return left if head[: len(head) - len(value.before)].strip() else left[:1].upper() + left[1:]


def _vowel(text: str) -> bool:
    low = text.lower()
    if re.match(r"8|11\b|18\b|hour|honou?r|heir", low):
        return True
    return low[:1] in "aeiou" and not re.match(r"uni[^mn]|us[aeu]|usi|eu|one\b|uk\b|u\.s", low)


def _value(statement: str, match: re.Match[str], sort: Sort, kind: str) -> Value:
    before = statement[: match.start()].split()
    return Value(match.start(), match.end(), match.group(), sort, kind, before[-1].lower() if before else "")


def _dates(statement: str) -> Iterator[Value]:
    for match in _DATE.finditer(statement):
        text = match.group()
        shape = re.sub(r"[A-Z][a-z]+", "M", re.sub(r"\d{4}", "Y", text))
        yield _value(statement, match, "date", re.sub(r"\d+", "D", shape))


def _numbers(statement: str) -> Iterator[Value]:
    for match in _NUMBER.finditer(statement):
        before = statement[: match.start()].split()
        named = before and before[-1][:1].isupper() and before[-1].isalpha() and before[-1].lower() not in STOP
        if not named:
            yield _value(statement, match, "number", _shape(match.group()))
    for match in _NUMBER_WORD.finditer(statement):
        yield _value(statement, match, "number", "ordinal" if match.group() in ORDINALS else "word")


def _shape(digits: str) -> str:
    if "." in digits:
        return f"decimal{len(digits.split('.')[1])}"
    return "thousands" if "," in digits else "year" if re.fullmatch(r"(?:1[5-9]|20)\d\d", digits) else "whole"


def _names(statement: str) -> Iterator[Value]:
    for match in _NAME.finditer(statement):
        value = _value(statement, match, "entity", "")
        if value.text.endswith(("'s", "’s")):
            value = value._replace(text=value.text[:-2], end=value.end - 2)
        value = value._replace(text=value.text.rstrip("."), end=value.start + len(value.text.rstrip(".")))
        words = value.text.split()
        if len(words[-1]) == 1 or words[0] in MONTHS or len(value.text) < 2 or words[0] in KINDS["weekday"]:
            continue
        if match.start() == 0 and (len(words) == 1 or words[0].lower() in STOP):
            continue  # a capital that the place gives
        if (len(words) == 1 and words[0] in _PEOPLES) or re.search(r"['’](?:ll|re|ve|m|d|t)$", words[-1]):
            continue
        yield value._replace(type=_named(words, value.before))


def _named(words: list[str], before: str) -> str:
    """Of a name: `person`, `place`, `group`, `acronym`, or by its number of words."""
    if GROUP_WORDS & set(words):
        return "group"
    if PLACE_WORDS & set(words) or (
        before in _PLACED and len(words) == 1 and words[0].isalpha() and words[0].istitle()
    ):
        return "place"
    if words[0] in FIRST_NAMES or (before in _ROLE and 2 <= len(words) <= 3):
        return "person"
    if len(words) == 1 and words[0].isupper():
        return "acronym"
    return "name1" if len(words) == 1 else "name"


def _kinds(statement: str) -> Iterator[Value]:
    for match in re.finditer(r"(?<![\w-])[A-Za-z]+(?![\w-])", statement):
        kind = _KIND_OF.get(match.group())
        if kind is not None and (kind not in _HEADS or _HEAD_ENDS.match(statement[match.end() :])):
            yield _value(statement, match, "entity", f"kind:{kind}")
