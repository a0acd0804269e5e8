"""What word matching achieves on pairs: the cheap explanations that a judge has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adjudge.training.synth.matching import content, overlap
from adjudge.training.synth.neighbours import Neighbours
from adjudge.training.synth.pairs import Pair
from adjudge.training.synth.report.shares import Share, share

RANKS = (1, 3, 5)
FOUND = 5  # passages that a search returns


class Arms(NamedTuple):
    """Credits in [0, 1] of each pair by its id, under each arm."""

    credits: dict[str, dict[str, float]]

    def of(self, pairs: Sequence[Pair]) -> dict[str, Share]:
        """The share of these pairs in which each arm prefers the good response."""
        groups = [pair.document.id for pair in pairs]
        return {arm: share([by_id[pair.id] for pair in pairs], groups) for arm, by_id in self.credits.items()}


def lexical_arms(pairs: Sequence[Pair], neighbours: Neighbours) -> Arms:
    """What each arm says of each pair; a tie counts half. The last arms say where the search finds the source."""
    credits: dict[str, dict[str, float]] = {}
    for pair in pairs:
        for arm, credit in _credits(pair, neighbours).items():
            credits.setdefault(arm, {})[pair.id] = credit
    return Arms(credits)


def _credits(pair: Pair, neighbours: Neighbours) -> dict[str, float]:
    near = neighbours.of(pair.question, max(RANKS))
    evidence = content(" ".join(f"{document.title} {document.text}" for document in near[:FOUND]))
    gold = content(f"{pair.document.title} {pair.document.text}")
    question = content(pair.question)
    two = (pair.good, pair.bad)
    credits = {
        "longer wins": _preferred([float(len(text)) for text in two]),
        "word overlap with the source": _preferred([overlap(text, gold) for text in two]),
        "word overlap with the first 5 found": _preferred([overlap(text, evidence) for text in two]),
        "word overlap with the question": _preferred([float(len(content(text) & question)) for text in two]),
        "BM25 of question and response": _preferred([neighbours.best_score(f"{pair.question} {text}") for text in two]),
    }
    names = [document.id for document in near]
    found = {f"source among the first {rank} found": float(pair.document.id in names[:rank]) for rank in RANKS}
    return credits | found


def _preferred(values: Sequence[float]) -> float:
    good, bad = values
    return 0.5 if good == bad else float(good > bad)
