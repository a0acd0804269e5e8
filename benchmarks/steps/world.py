"""A search world in which the information gain of a step is known.

The corpora and questions are real (HotpotQA, MuSiQue), with known gold passages. An agent searches with BM25, three
passages a search, and succeeds when it has seen all gold passages within its budget of steps. Its queries are of
varying worth: words of the question, an entity of what it has found, or words of a passage drawn at random. It knows
no more than that, so the chance m of a state that a random continuation succeeds can be estimated as closely as one
likes by playing it out, and the gain of a step is what it changes: g = (m_t - m_{t-1}) · M/2 with M = 8, in [-4, 4]
(PRInTS, its Monte-Carlo annotation). A step that finds nothing has a negative gain: it used up a step.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from adjudge.agents.seeding import content_words
from adjudge.tools.corpus.index import best, bm25_of
from adjudge.tools.corpus.words import query_words

K = 3  # passages of one search
BUDGET = 6  # steps of one search for all gold passages
M = 8  # rollouts in PRInTS
KINDS = {"question": 0.4, "entity": 0.4, "random": 0.2}  # of queries, and how often each is proposed
_ENTITY = re.compile(r"\b[A-Z][\w’'-]+(?: (?:of |the |and )?[A-Z][\w’'-]+)*")
_SEEN = frozenset[int]


class Passage(NamedTuple):
    """A passage of the corpus."""

    title: str
    text: str


class Question(NamedTuple):
    """A question, and the passages that have to be found."""

    id: str
    text: str
    words: tuple[str, ...]  # that carry meaning
    gold: frozenset[int]


class World:
    """A corpus with its questions.

    Args:
        name: Of the data set.
        passages: The corpus.
        questions: Each as its id, its text, and titles with texts of its gold passages.
    """

    def __init__(self, name: str, passages: list[Passage], questions: Iterable[tuple[str, str, list[Passage]]]) -> None:
        self.name = name
        self.passages = passages
        self._bm25 = bm25_of(f"{title}\n{text}" for title, text in passages)
        self._found: dict[str, tuple[int, ...]] = {}
        self._values: dict[tuple[str, _SEEN, int, int, str], float] = {}
        self._entities = [sorted({*_ENTITY.findall(text), title}) for title, text in passages]
        places = {passage: place for place, passage in enumerate(passages)}
        self.questions = [
            Question(ident, text, tuple(sorted(content_words(text))), frozenset(places[one] for one in gold))
            for ident, text, gold in questions
            if all(one in places for one in gold)
        ]
        self._by_text = {question.text: question for question in self.questions}

    def question(self, text: str) -> Question:
        """The question of this text."""
        return self._by_text[text]

    def search(self, query: str) -> tuple[int, ...]:
        """The passages that a query finds, best first."""
        if query not in self._found:
            wanted = query_words(query)
            hits = best(self._bm25, wanted, K) if wanted else []
            self._found[query] = tuple(place for place, _ in hits)
        return self._found[query]

    def propose(self, question: Question, seen: _SEEN, draw: random.Random) -> str:
        """The agent's next query."""
        (kind,) = draw.choices(list(KINDS), list(KINDS.values()))
        if kind == "random":
            words = self.passages[draw.randrange(len(self.passages))].text.split()
            return " ".join(draw.sample(words, min(3, len(words))))
        asked = draw.sample(question.words, min(draw.randint(2, 5), len(question.words)))
        if kind == "entity" and seen:
            entities = self._entities[draw.choice(sorted(seen))]
            return " ".join([draw.choice(entities), *asked[: draw.randint(0, 2)]])
        return " ".join(asked)

    def value(self, question: Question, seen: _SEEN, left: int, rollouts: int, stream: str) -> float:
        """The share of so many random continuations that find all gold passages.

        Args:
            question: What is searched for.
            seen: Passages found so far.
            left: Steps left.
            rollouts: How many continuations.
            stream: Names the draws: another stream is an independent estimate.
        """
        if question.gold <= seen or not left:
            return float(question.gold <= seen)
        key = (question.id, seen, left, rollouts, stream)
        if key not in self._values:
            draw = random.Random(f"{stream}/{question.id}/{sorted(seen)}/{left}/{rollouts}")
            self._values[key] = sum(self._succeeds(question, seen, left, draw) for _ in range(rollouts)) / rollouts
        return self._values[key]

    def _succeeds(self, question: Question, seen: _SEEN, left: int, draw: random.Random) -> bool:
        for _ in range(left):
            seen = seen.union(self.search(self.propose(question, seen, draw)))
            if question.gold <= seen:
                return True
        return False

    def gain(self, question: Question, seen: _SEEN, query: str, left: int, rollouts: int, stream: str) -> float:
        """Information gain of a query, in [-4, 4].

        Args:
            question: What is searched for.
            seen: Passages found before.
            query: The step.
            left: Steps left before it, at least 1.
            rollouts: From each of the two states.
            stream: See `value`.
        """
        before = self.value(question, seen, left, rollouts, stream)
        after = self.value(question, seen.union(self.search(query)), left - 1, rollouts, stream)
        return (after - before) * M / 2


def hotpot(data: Path) -> World:
    """HotpotQA: two gold passages for each question."""
    home = data / "hotpotqa_100"
    corpus = json.loads((home / "hotpotqa_train_corpus.json").read_text("utf-8"))
    passages = {title: Passage(title, "".join(lines)) for title, lines in corpus.items()}
    rows = json.loads((home / "hotpotqa_train.json").read_text("utf-8"))
    named = [(row["_id"], row["question"], sorted({title for title, _ in row["supporting_facts"]})) for row in rows]
    found = [(ident, text, [passages[title] for title in titles]) for ident, text, titles in named]
    return World("hotpotqa_100", list(passages.values()), found)


def musique(data: Path) -> World:
    """MuSiQue: two to four gold passages for each question."""
    home = data / "musique_100"
    corpus = json.loads((home / "musique_train_corpus.json").read_text("utf-8"))
    passages = list(dict.fromkeys(Passage(row["title"], row["text"]) for row in corpus))
    rows = json.loads((home / "musique_train.json").read_text("utf-8"))
    found = [
        (
            row["id"],
            row["question"],
            [Passage(one["title"], one["paragraph_text"]) for one in row["paragraphs"] if one["is_supporting"]],
        )
        for row in rows
    ]
    return World("musique_100", passages, found)
