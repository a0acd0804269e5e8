"""Which passages a search for a question returns: the same BM25 and the same words as the corpus tool's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adjudge.tools.corpus.index import best, bm25_of
from adjudge.tools.corpus.words import query_words
from adjudge.training.synth.document import Document


class Neighbours:
    """BM25 over whole documents.

    Args:
        documents: All of the corpus, held-out ones too: a search at run time sees all of them.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        self._bm25: Any = bm25_of(f"{document.title}\n{document.text}" for document in documents)

    def of(self, question: str, k: int = 8) -> list[Document]:
        """The first `k` documents, best first."""
        return [self.documents[number] for number, _ in best(self._bm25, query_words(question), k)]

    def best_score(self, text: str) -> float:
        """BM25 of the best document; 0 without a common word."""
        return round(float(self._bm25.get_scores(query_words(text)).max()), 4)
