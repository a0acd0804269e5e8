"""Word lists of ours, small on purpose, in `words/`: sets of like things, opposites, synonyms, names, small words."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files


def _lines(name: str) -> Iterator[str]:
    text = files(__package__).joinpath("words", f"{name}.txt").read_text("utf-8")
    return (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _words(name: str) -> frozenset[str]:
    return frozenset(word for line in _lines(name) for word in line.split())


def _rows(name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split(" / ")) for line in _lines(name))


KINDS = {name: words.split() for name, _, words in (line.partition(": ") for line in _lines("kinds"))}
OPPOSITES = _rows("opposites")  # pairs
PAST = dict(line.split() for line in _lines("past"))
SYNONYMS = _rows("synonyms")  # a word, and what may stand for it
FIRST_NAMES, PLACE_WORDS, GROUP_WORDS = _words("first_names"), _words("places"), _words("groups")
STOP = _words("small")  # words without meaning of their own
MONTHS = "January February March April May June July August September October November December".split()
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
