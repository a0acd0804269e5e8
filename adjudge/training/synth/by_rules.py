"""Makes the pairs of one document by rules: a defect, a question, other statements, paraphrases, and the choice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from adjudge.training.synth.defects import MAKERS, Draft, Material
from adjudge.training.synth.document import Document
from adjudge.training.synth.matching import Traits, content, match, overlap
from adjudge.training.synth.neighbours import Neighbours
from adjudge.training.synth.pairs import Label, Pair, pair_id
from adjudge.training.synth.paraphrase import PARENTHESIS, Paraphrase, framed, join
from adjudge.training.synth.questions import Question, ask

STRENGTHS = (0.0, 0.3, 0.6, 1.0) * 2  # of the paraphrases of each side, of which one is chosen
SHORT = 0.5  # share of short answers where a question asks for a value and the document has the wrong one too
TRIED = 4  # statements, before a defect is given up for a document
FRAMED = 0.35  # share of the strongest paraphrases that say where the statement comes from
_SHORT_FORMS = ("{}", "{}.", "It is {}.", "The answer is {}.", "The article gives {}.", "According to the text: {}.")


class Sides(NamedTuple):
    """Ways to say the good and the bad response."""

    good: list[str]
    bad: list[str]


class ByRules:
    """Makes pairs without a model.

    Args:
        neighbours: The search over the whole corpus.
        groups: The group of each document; no claim is borrowed from within it.
        seed: Each document's chance is derived from it and the document's id.
        plain: Say each statement as the document does, and nothing else.
    """

    def __init__(
        self, neighbours: Neighbours, groups: Mapping[str, str], seed: int = 0, *, plain: bool = False
    ) -> None:
        self._neighbours = neighbours
        self._groups = groups
        self._seed = seed
        self._plain = plain
        self._leaning: Counter[str] = Counter()  # how much oftener the good side had a trait than the bad one

    def pairs(self, document: Document, wanted: Sequence[Label], most: int) -> list[Pair]:
        """At most `most` pairs of a document, at most one of each defect; no statement is asked for twice.

        Args:
            document: The source.
            wanted: Defects, the most wanted first.
            most: Pairs.
        """
        chance = random.Random(f"{self._seed}/{document.id}")
        found: list[Pair] = []
        asked: set[str] = set()
        for defect in wanted:
            if len(found) == most:
                break
            statements = [statement for statement in document.statements if statement not in asked]
            for statement in chance.sample(statements, min(TRIED, len(statements))):
                if (pair := self._pair(document, statement, defect, chance)) is not None:
                    asked.add(statement)
                    found.append(pair)
                    break
        return found

    def _pair(self, document: Document, statement: str, defect: Label, chance: random.Random) -> Pair | None:
        near = self._near(document, statement, 30 if defect == "addition" else 10)
        draft = MAKERS[defect](Material(document, statement, near, chance))
        if draft is None or not _lasting(draft) or not self._balanced(*draft.direction):
            return None
        question = _question(document, statement, draft, chance)
        sides = _plain(draft) if self._plain else _sides(document, statement, draft, question, chance)
        if not any(one != two for one in sides.good for two in sides.bad):
            return None
        traits = traits_of(self._neighbours, document, question.text)
        good, bad = match(sides.good, sides.bad, traits, chance)
        self._leaning[draft.direction[0]] += draft.direction[1]
        name, seen = pair_id(document, question.text, good, bad), (traits(good), traits(bad))
        return Pair(name, document, question.text, good, bad, defect, draft.right, draft.wrong, traits=seen)

    def _near(self, document: Document, statement: str, k: int) -> list[Document]:
        found = self._neighbours.of(f"{document.about} {statement}", k)
        return [other for other in found if self._groups[other.id] != self._groups[document.id]]

    def _balanced(self, trait: str, way: int) -> bool:
        return abs(self._leaning[trait] + way) <= max(1, abs(self._leaning[trait]))


def _lasting(draft: Draft) -> bool:
    """Whether the defect is still there when parentheses have been left out."""
    good, bad = ([PARENTHESIS.sub("", text) for text in side] for side in (draft.good, draft.bad))
    return good != bad


def traits_of(neighbours: Neighbours, document: Document, question: str) -> Callable[[str], Traits]:
    """A function that measures a response to a question about a document."""
    gold = content(f"{document.title} {document.text}")
    found = content(" ".join(f"{near.title} {near.text}" for near in neighbours.of(question, 5)))
    asked = content(question)

    def traits(text: str) -> Traits:
        best = neighbours.best_score(f"{question} {text}")
        return Traits(overlap(text, gold), len(text), overlap(text, found), best, len(content(text) & asked))

    return traits


def _question(document: Document, statement: str, draft: Draft, chance: random.Random) -> Question:
    about, asked = draft.about or statement, draft.asked
    if asked is not None and about[asked.start : asked.end] != asked.text:
        place = about.find(asked.text)
        asked = asked._replace(start=place, end=place + len(asked.text)) if place >= 0 else None
    return ask(document, about, asked, chance, exactly=draft.exact)


def _sides(document: Document, statement: str, draft: Draft, question: Question, chance: random.Random) -> Sides:
    if question.exact and draft.right and draft.wrong in document.body and chance.random() < SHORT:
        forms = [chance.choice(_SHORT_FORMS)] if chance.random() < 0.7 else ["{}", "{}.", "It is {}."]
        return Sides([form.format(draft.right) for form in forms], [form.format(draft.wrong) for form in forms])
    good, bad = _filled(document, statement, draft, chance)
    return Sides(_ways(good, document, chance), _ways(bad, document, chance))


def _plain(draft: Draft) -> Sides:
    return Sides([" ".join(draft.good)], [" ".join(draft.bad)])


def _filled(document: Document, statement: str, draft: Draft, chance: random.Random) -> tuple[list[str], list[str]]:
    """Both sides with up to three other statements of the document, mostly the same ones on both sides."""
    good, bad = list(draft.good), list(draft.bad)
    named = [value for value in (draft.right, draft.wrong) if value]  # else a response might contradict itself
    said = {statement, *good, *bad}
    others = [s for s in document.statements if s not in said and not any(value in s for value in named)]
    count = min(len(others), chance.choice((0, 0, 1, 1, 2, 3)))
    if draft.fixed or not count:
        return good, bad
    fill = chance.sample(others, count)
    other = chance.sample(others, count) if len(others) > count and chance.random() < 0.3 else fill
    place = chance.choice((0, 0, count))
    return [*fill[:place], *good, *fill[place:]], [*other[:place], *bad, *other[place:]]


def _ways(statements: Sequence[str], document: Document, chance: random.Random) -> list[str]:
    said = (_said(statements, document, Paraphrase(chance, strength), chance) for strength in STRENGTHS)
    return list(dict.fromkeys(said))


def _said(statements: Sequence[str], document: Document, paraphrase: Paraphrase, chance: random.Random) -> str:
    said = [paraphrase(statement, document) for statement in statements]
    if len(said) > 2 and chance.random() < 0.3 * paraphrase.strength:
        said = [said[0], *chance.sample(said[1:], len(said) - 1)]
    text = join(said, document, chance)
    return framed(text, chance, document) if chance.random() < FRAMED * paraphrase.strength else text
