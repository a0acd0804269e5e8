"""Pairs to train judges on, made from any corpus: a question, a good response, and one with one labelled defect.

    from adjudge.training.synth import read_corpora, synthesise, write

    write(synthesise(read_corpora([Path("articles.jsonl")])), Path("runs/synth"))

By rules without any model (`synthesise`), or by a teacher (`teach`). See `docs/synthesis.md` for what the rules can and
cannot do, and `report/` for what can be told of the pairs without reading the evidence.
"""

from adjudge.training.synth.defects import DEFECTS, Defect
from adjudge.training.synth.document import Document
from adjudge.training.synth.folder import write
from adjudge.training.synth.pairs import WITHOUT, Label, Pair
from adjudge.training.synth.sources import SOURCES, Corpus, read_corpora
from adjudge.training.synth.synthesis import Synthesis, synthesise, teach
from adjudge.training.synth.teaching.teacher import Teacher

__all__ = [
    "DEFECTS",
    "SOURCES",
    "WITHOUT",
    "Corpus",
    "Defect",
    "Document",
    "Label",
    "Pair",
    "Synthesis",
    "Teacher",
    "read_corpora",
    "synthesise",
    "teach",
    "write",
]
