"""Search a corpus on this machine with BM25: the tool that needs no network.

    corpus = corpus_search("corpus.jsonl", k=5)        # or a folder of documents, or a list of texts
    documents = corpus_search()                        # the documents of the case at hand
    judge = Judge.load("evidence", tools={"corpus": corpus})

A corpus is read once when the tool is made, so that its mistakes are found then, and cut into passages and indexed at
the first search; the index is kept in a cache on disk (`stored.py`). The documents of a case are indexed in memory, for
as long as its judgement lasts.

Words are matched without stemming or synonyms; `words.py` says what counts as a word, in which scripts.
"""

from adjudge.tools.corpus.tool import CorpusSettings, build, corpus_search

__all__ = ["CorpusSettings", "build", "corpus_search"]
