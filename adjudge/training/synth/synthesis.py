"""From documents to pairs: splits, an even share of each defect, and what a teacher or the rules make of it.

corpus = read_corpora([Path("articles.jsonl")])
made = synthesise(corpus, most=1000)
write(made, Path("runs/synth"))
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from adjudge.errors import ConfigError
from adjudge.training.synth.by_rules import ByRules, traits_of
from adjudge.training.synth.defects import DEFECTS
from adjudge.training.synth.document import Document
from adjudge.training.synth.levelling import level
from adjudge.training.synth.neighbours import Neighbours
from adjudge.training.synth.pairs import WITHOUT, Label, Pair
from adjudge.training.synth.sources import Corpus
from adjudge.training.synth.splits import Split, groups_of, split_documents
from adjudge.training.synth.teaching.teacher import Failed, Job, Teacher

A_DOCUMENT = 6  # most pairs of one document
SPARE = 2.2  # pairs to make for each that is left after levelling
# The share of each defect's pairs that levelling leaves, as measured on four corpora, so that all end up as frequent.
_LEFT = {
    "entity": 0.43,
    "number": 0.58,
    "date": 0.54,
    "attribution": 0.64,
    "negation": 0.58,
    "omission": 0.61,
    "addition": 0.33,
}


@dataclass(frozen=True)
class Synthesis:
    """Pairs, and what they were made from.

    Attributes:
        pairs: In the order in which they were drawn.
        documents: All of the corpus.
        made: Pairs before levelling.
        skipped: Rows without text.
        barren: Documents that were tried and gave no pair.
        failed: What became of a teacher's other jobs, by kind.
    """

    pairs: list[Pair]
    documents: list[Document]
    made: int = 0
    skipped: int = 0
    barren: int = 0
    failed: dict[str, int] = field(default_factory=dict)


def synthesise(
    corpus: Corpus,
    *,
    defects: Sequence[str] = DEFECTS,
    most: int | None = None,
    per_document: int = A_DOCUMENT,
    levelled: bool = True,
    plain: bool = False,
    seed: int = 0,
    step: Callable[[int], None] = lambda pairs: None,
) -> Synthesis:
    """Make pairs by rules.

    Args:
        corpus: The documents.
        defects: Which; the rarest so far is tried first for each document.
        most: At most so many pairs over all splits.
        per_document: Most pairs of one document.
        levelled: Leave out pairs that style or word matching would tell; see `levelling`.
        plain: Say each statement as the document does, and nothing else: easy pairs to begin training with. Word
            matching tells them, so they are not levelled.
        seed: Of all chance.
        step: Called after each document with the number of pairs so far.

    Raises:
        ConfigError: A defect is unknown, or no document gave a pair.
        MissingPackage: Pairs are to be levelled, and scikit-learn is not installed.
    """
    wanted = known_defects(defects)
    ground = Ground(corpus, seed)
    by_rules = ByRules(ground.neighbours, ground.groups, seed, plain=plain)
    levelled = levelled and not plain
    pairs: list[Pair] = []
    made: Counter[Label] = Counter()
    barren = 0
    for document in ground.order:
        rare = sorted(wanted, key=lambda defect: (made[defect] * (_LEFT[defect] if levelled else 1.0), defect))
        found = by_rules.pairs(document, rare, per_document)
        made.update(pair.defect for pair in found)
        barren += not found
        pairs += [pair._replace(split=ground.splits[document.id]) for pair in found]
        step(len(pairs))
        if most is not None and len(pairs) >= most * (SPARE if levelled else 1):
            break
    return ground.synthesis(pairs, most=most, levelled=levelled, barren=barren)


async def teach(
    corpus: Corpus,
    teacher: Teacher,
    *,
    defects: Sequence[str] = DEFECTS,
    most: int | None = None,
    per_document: int = 1,
    levelled: bool = True,
    seed: int = 0,
    step: Callable[[int], None] = lambda pairs: None,
) -> Synthesis:
    """Have pairs written by a teacher; see `synthesise`. `most` counts what is asked for, before checks and levelling.

    Raises:
        ConfigError: A defect is unknown, or not one pair could be used.
        ModelError: The model was away for several jobs in a row.
    """
    wanted = known_defects(defects, teacher=True)
    ground = Ground(corpus, seed)
    jobs = ground.jobs(wanted, per_document)[:most]
    pairs: list[Pair] = []
    failed: Counter[str] = Counter()
    async for made in teacher.pairs(jobs):
        if isinstance(made, Failed):
            failed[made.kind] += 1
        else:
            pairs.append(ground.measured(made))
        step(len(pairs))
    return ground.synthesis(pairs, most=most, levelled=levelled, failed=dict(failed))


class Ground:
    """What pairs are made from: the search, the groups, the splits, and an order that the seed gives."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.corpus = corpus
        self.seed = seed
        self.neighbours = Neighbours(corpus.documents)
        self.groups = groups_of(corpus.documents)
        self.splits: dict[str, Split] = split_documents(self.groups, seed=seed, held_out=corpus.held_out)
        self.order = random.Random(seed).sample(corpus.documents, len(corpus.documents))

    def jobs(self, defects: Sequence[Label], per_document: int) -> list[Job]:
        """Defects dealt out to the documents one after the other."""
        dealt = len(defects)
        return [
            Job(document, defects[(number * per_document + place) % dealt])
            for number, document in enumerate(self.order)
            for place in range(min(per_document, dealt))
        ]

    def measured(self, pair: Pair) -> Pair:
        """The pair with its split and traits."""
        traits = traits_of(self.neighbours, pair.document, pair.question)
        return pair._replace(split=self.splits[pair.document.id], traits=(traits(pair.good), traits(pair.bad)))

    def synthesis(
        self,
        pairs: list[Pair],
        *,
        most: int | None,
        levelled: bool,
        barren: int = 0,
        failed: dict[str, int] | None = None,
    ) -> Synthesis:
        """The pairs that are kept."""
        if not pairs:
            hint = "sentences of 6 to 42 words that name something are needed"
            raise ConfigError("no document gave a pair", found=failed or None, hint=hint)
        kept = level(pairs, self.groups, seed=self.seed) if levelled else pairs
        return Synthesis(kept[:most], self.corpus.documents, len(pairs), self.corpus.skipped, barren, failed or {})


def known_defects(defects: Sequence[str], *, teacher: bool = False) -> list[Label]:
    """The defects as they are named, each once.

    Raises:
        ConfigError: One is unknown, or there is none.
    """
    allowed: tuple[Label, ...] = (*DEFECTS, WITHOUT) if teacher else DEFECTS
    if unknown := [defect for defect in defects if defect not in allowed]:
        hint = "a teacher is needed for it" if unknown[0] == WITHOUT else None
        raise ConfigError("unknown defect", key="defects", found=unknown[0], allowed=allowed, hint=hint)
    if not defects:
        raise ConfigError("no defect is named", key="defects", allowed=allowed)
    return [defect for defect in allowed if defect in defects]
