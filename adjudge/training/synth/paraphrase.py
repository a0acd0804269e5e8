"""Say a statement in other words by rules: dates, numbers, synonyms, contractions, order, voice, the subject.

    Paraphrase(random.Random(0), strength=0.8)(statement, document)

Every rule keeps the meaning, and is applied to good and bad responses alike. No parser is used: a rule that is not
sure of its ground leaves the statement as it is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from adjudge.training.synth.document import Document
from adjudge.training.synth.kinds import MONTHS, NUMBER_WORDS, SYNONYMS

Rule = Callable[[str, random.Random, Document], str]
_MONTH = "|".join(MONTHS)
_YEAR = r"(?:1\d{3}|20\d{2})"
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}}) ({_MONTH}),? (\d{{4}})\b")
_MONTH_FIRST = re.compile(rf"\b({_MONTH}) (\d{{1,2}}), (\d{{4}}),?(?![\w])")
_LEADING = re.compile(
    rf"^((?:In|During|On|Since|Until|After|Before|By) (?:[A-Z]?[\w-]+ ){{0,3}}?{_YEAR}), ([^,;]+)\.$",
)
_TRAILING = re.compile(
    rf"^([^,;:()]+?) ((?:in|during|since) (?:[A-Z][a-z]+ )?{_YEAR}"
    rf"|on (?:\d{{1,2}} [A-Z]\w+|[A-Z]\w+ \d{{1,2}},) \d{{4}})\.$",
)
_SUBORDINATE = re.compile(r"^(Although|While|Because|When|After|Before|Since|As|If|Though) ([^,;]+), ([^,;]+)\.$")
_VERBS = (
    "directed|written|produced|composed|founded|created|designed|published|developed|built|established|discovered|"
    "invented|painted|recorded|won|hosted"
)
_WHO = r"[A-Z][\w.'’-]*(?: (?:(?:of|de|van|von|the|and) )?[A-Z][\w.'’-]*){0,4}"
_PASSIVE = re.compile(
    rf"^(?P<what>[^,;:]{{3,80}}?) (?:was|were) (?P<verb>{_VERBS}) by (?P<who>{_WHO})"
    r"(?P<rest> (?:in|for|on|at) [^,;]+)?\.$",
)
PARENTHESIS = re.compile(r" \([^()\d]{1,90}\)")
_APPOSITIVE = re.compile(r"^([A-Z][^,;:()]{2,60}), ((?:an?|the) [^,;:()]{3,70}), (?=(?:was|is|were|are|has|had)\b)")
_CONTRACTED = [
    *((f"{verb} not", f"{verb}n't") for verb in "is are was were did does do has have had could would should".split()),
    *((f"{word} is", f"{word}'s") for word in ("It", "He", "She")),
    ("cannot", "can't"),
]
_FRAMES = (
    "According to the article, {}",
    "The article says that {}",
    "The text states that {}",
    "It is said that {}",
    "As the passage puts it, {}",
    "We are told that {}",
    "The source notes that {}",
    "Reportedly, {}",
)
_LOWERED = frozenset(
    "The A An In On At During Since After Before By For From With When While Although It He She".split()
)


class Paraphrase:
    """Applies the rules in a random order, each with a probability.

    Args:
        random: Where chance comes from.
        strength: Of each rule, from 0 (nothing changes) to 1.
    """

    def __init__(self, random: random.Random, strength: float) -> None:
        self.random = random
        self.strength = strength

    def __call__(self, statement: str, document: Document) -> str:
        """The statement in other words."""
        for rule in self.random.sample(RULES, len(RULES)):
            if self.random.random() < self.strength:
                statement = rule(statement, self.random, document)
        return statement


def join(statements: Sequence[str], document: Document, random: random.Random) -> str:
    """Statements as one response: after the first, a subject that is the title may become a pronoun."""
    said = list(statements)
    name = f"{document.name} "
    for place in range(1, len(said)):
        if document.name and document.pronoun and said[place].startswith(name) and random.random() < 0.6:
            said[place] = f"{document.pronoun} {said[place][len(name) :]}"
    return " ".join(said)


def framed(text: str, random: random.Random, document: Document) -> str:
    """The text after a phrase that says where it comes from, where its first word can lose its capital."""
    named = bool(document.name) and text.startswith(document.name)
    return random.choice(_FRAMES).format(lowered(text, document)) if named or lowers(text, document) else text


def dates(text: str, random: random.Random, document: Document) -> str:
    """`31 August 2018` and `August 31, 2018`, one as the other."""
    if _DAY_FIRST.search(text):
        return _DAY_FIRST.sub(r"\2 \1, \3", text)
    return _MONTH_FIRST.sub(r"\2 \1 \3", text)


def numbers(text: str, random: random.Random, document: Document) -> str:
    """`three` and `3` before a plural, up to twenty; `percent` and `%`."""
    words = "|".join(NUMBER_WORDS[2:])
    if random.random() < 0.5:
        text = re.sub(
            rf"(?<!hundred )(?<!thousand )\b({words}) (?=[a-z]{{3,}}s\b)",
            lambda m: f"{NUMBER_WORDS.index(m[1])} ",
            text,
        )
    else:
        digits = r"(?<=[a-z] )([2-9]|1\d|20) (?=[a-z]{3,}s\b)"
        text = re.sub(digits, lambda m: f"{NUMBER_WORDS[int(m[1])]} ", text)
    if random.random() < 0.5:
        return re.sub(r"(?<=\d)%", " percent", text)
    return re.sub(r"(?<=\d) ?(?:percent|per cent)\b", "%", text)


def synonyms(text: str, random: random.Random, document: Document) -> str:
    """Some of the words that have a synonym in our list."""
    known = [row for row in SYNONYMS if row[0] in text]
    for word, *others in random.sample(known, len(known)):
        if random.random() < 0.6:
            text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w'’-])", random.choice(others), text, count=1)
    return text


def contractions(text: str, random: random.Random, document: Document) -> str:
    """`was not` and `wasn't`, one as the other."""
    for long, short in _CONTRACTED:
        text = text.replace(short, long) if short in text else re.sub(rf"\b{long}\b", short, text)
    return text


def order(text: str, random: random.Random, document: Document) -> str:
    """A time or a clause from the front to the end, or the other way round."""
    if match := _LEADING.match(text):
        return f"{_capital(match[2])} {match[1][0].lower()}{match[1][1:]}."
    if match := _SUBORDINATE.match(text):
        return f"{_capital(match[3])}, {match[1].lower()} {match[2]}."
    if match := _TRAILING.match(text):
        return f"{_capital(match[2])}, {lowered(match[1], document)}."
    return text


def voice(text: str, random: random.Random, document: Document) -> str:
    """`X was written by Y` as `Y wrote X`."""
    match = _PASSIVE.match(text)
    if match is None or re.search(r" (?:was|is|were|are) ", match["what"]):
        return text
    verb = "wrote" if match["verb"] == "written" else match["verb"]
    return f"{match['who']} {verb} {lowered(match['what'], document)}{match['rest'] or ''}."


def subject(text: str, random: random.Random, document: Document) -> str:
    """A person's name at the beginning as its last word."""
    words = document.name.split()
    named = text.startswith(f"{document.name} ") and document.pronoun in ("He", "She")
    return words[-1] + text[len(document.name) :] if named and 2 <= len(words) <= 3 else text


def parenthesis(text: str, random: random.Random, document: Document) -> str:
    """A parenthesis without figures is left out."""
    return PARENTHESIS.sub("", text)


def appositive(text: str, random: random.Random, document: Document) -> str:
    """`X, a river, is …` as `X (a river) is …`."""
    return _APPOSITIVE.sub(r"\1 (\2) ", text)


def lowered(text: str, document: Document) -> str:
    """The text as it can stand after other words: its first letter is small, unless it begins with a name."""
    return text[0].lower() + text[1:] if lowers(text, document) else text


def lowers(text: str, document: Document) -> bool:
    """Whether the first word is no name: a small word, or one that the document has in small letters too."""
    if document.name and text.startswith(document.name):
        return text.startswith("The ")
    first = re.match(r"[A-Z][a-z]*(?= )", text)
    if first is None:
        return False
    return first[0] in _LOWERED or re.search(rf"\b{first[0].lower()}\b", document.body) is not None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


RULES: tuple[Rule, ...] = (
    dates,
    numbers,
    synonyms,
    contractions,
    order,
    voice,
    subject,
    parenthesis,
    appositive,
)
