"""A document of a corpus as synthesis sees it: its sentences, each of which can stand alone.

    document = Document("hotpotqa:hp0", "Demon Dice", "Demon Dice is a collectible dice game. It was …", "hotpotqa")
    document.statements        # ("Demon Dice is a collectible dice game.", "Demon Dice was …")

A sentence that only makes sense after the one before it ("This led to …") is no statement. `He`, `She` and `It` at the
beginning are replaced by the title where the document is about what its title names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

MIN_WORDS, MAX_WORDS = 6, 42  # of a statement
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|No|Inc|Ltd|Co|Corp|Prof|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Mt|Ft|approx|ca|cf|al|fig|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|e\.g|i\.e|Vol|pp|Op)|\b[A-Za-z])\.$"
)
_END = re.compile(r"""(?<=[.!?])["')\]]*\s+(?=["'(\[]?[A-Z0-9])""")
_LEANING = re.compile(
    r"^(?:This|These|Those|That|They|Their|Them|His|Her|Its|There|Here|Such|Both|Another|Others?|Some|Many|Most|All|One|"
    r"We|Our|I|You|Then|Thus|Therefore|Hence|So|But|And|Or|Nor|Yet|If|Who|Which|What|Why|How|See)\b"
)
_EXPLETIVE = re.compile(  # an `It` that stands for nothing
    r"^It (?:is|was|has been) (?:also )?(?:not until|said|believed|estimated|in|during|on|at|from|through|only|there|"
    r"possible|thought|known that|likely|suggested|reported|noted|claimed|clear|important|unclear|unknown)\b"
)
_NO_CLAIM = re.compile(r"^(?:To|Do|Does|Did|Is|Are|Was|Were|Can|Could|Should|Has|Have) |\"\"|\b\d{7,}\b")
_OPENING = re.compile(
    r"^(?:However|Moreover|Furthermore|Additionally|In addition|Also|Finally|Subsequently|Conversely|Similarly|"
    r"Nevertheless|Nonetheless|Meanwhile|Overall|In contrast|On the other hand|For example|For instance|As a result|"
    r"Consequently|Eventually), (?=[A-Za-z])"
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|will|would|may|might|must|does|did|do|became|began|made|won|wrote|led|"
    r"[a-z]{2,}ed|includes|contains|stars|features|lies|stands|covers|plays|follows|runs|serves|tells|comes|remains|takes|"
    r"consists|refers|describes|offers|lives|works|appears|focuses|holds|means|makes|uses|provides|operates|begins|ends|"
    r"went|came|took|gave|got|saw|ran|held|grew|rose|fell|left|lost|met|built|sold|said|told|taught|spent|sent|kept|put|"
    r"shows|suggests|indicates|requires|represents|belongs|depends|occurs|allows|produces|forms|comprises|received)\b"
)
_PRONOUN = re.compile(r"^(He|She|It) (?=[a-z])")
_QUALIFIER = re.compile(r"\s*\([^)]*\)\s*$|,.*$")


@dataclass(frozen=True)
class Document:
    """One row of a corpus.

    Attributes:
        id: Unique among all corpora that are used together.
        title: May be empty.
        text: Plain text.
        domain: The corpus.
        topic: The title says what it is about but is no name that can stand in a sentence (a paper's question).
    """

    id: str
    title: str
    text: str
    domain: str = ""
    topic: bool = False

    @cached_property
    def body(self) -> str:
        """The text without a repeated title, and without debris of its conversion."""
        text = self.text.strip()
        if self.title and text.startswith(self.title + "\n"):
            text = text[len(self.title) :]
        return tidy(text)

    @cached_property
    def name(self) -> str:
        """What the document is about, as it can stand in a sentence; empty where that is not known."""
        short = _QUALIFIER.sub("", self.title).strip()
        return short if short and not self.topic and short.lower() in self.body[:400].lower() else ""

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """All sentences, in their order."""
        return tuple(split(self.body))

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The sentences that can stand alone, in their order, each once."""
        found = (standing(sentence, self.name) for sentence in self.sentences)
        return tuple(dict.fromkeys(statement for statement in found if statement))

    @cached_property
    def pronoun(self) -> str:
        """`He`, `She` or `It`, whichever begins most sentences; empty where none does."""
        begun = [match.group(1) for sentence in self.sentences if (match := _PRONOUN.match(sentence))]
        return max(sorted(set(begun)), key=begun.count) if begun else ""

    @property
    def about(self) -> str:
        """What a question can call the document; the title, or its first words."""
        return self.name or self.title.strip().rstrip("?.") or " ".join(self.body.split()[:6])


def tidy(text: str) -> str:
    """Text on one line, without empty brackets, doubled spaces and blanks around hyphens and before stops."""
    text = re.sub(r"\(\s*[;,]*\s*\)|\[\d+\]", "", text)
    text = re.sub(r"\(\s*[;,]\s*", "(", re.sub(r"\s*[;,]\s*\)", ")", text))
    text = re.sub(r"(?<=[a-z]) - (?=[a-z])", "-", text)
    text = re.sub(r"\s+", " ", text).replace("``", '"').replace("''", '"')
    return re.sub(r" ([,.;:!?)])", r"\1", re.sub(r"\( ", "(", text)).strip()


def split(text: str) -> list[str]:
    """The sentences of a text; abbreviations and initials end none."""
    parts: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if not _ABBREVIATION.search(text[start : match.start()]):
            parts.append(text[start : match.start()] + text[match.start() : match.end()].rstrip())
            start = match.end()
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def standing(sentence: str, name: str) -> str:
    """The sentence as a statement that needs no other, or nothing."""
    opened = _OPENING.sub("", sentence)
    sentence = opened[0].upper() + opened[1:] if opened else ""
    if match := _PRONOUN.match(sentence):
        if not name or _EXPLETIVE.match(sentence):
            return ""
        sentence = f"{name} {sentence[match.end() :]}"
    count = len(sentence.split())
    whole = sentence.endswith(".") and sentence[:1].isalnum() and not sentence[:1].islower()
    even = sentence.count("(") == sentence.count(")") and sentence.count('"') % 2 == 0
    if not (whole and even and MIN_WORDS <= count <= MAX_WORDS and _VERB.search(sentence)):
        return ""
    return "" if _LEANING.match(sentence) or _NO_CLAIM.search(sentence) else sentence
