"""The corpus tool: its settings in a graph file, and how a search is answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from adjudge.errors import BadCall, ConfigError
from adjudge.tools.base import Tool, ToolContext, tool
from adjudge.tools.corpus.index import Hit, PassageIndex
from adjudge.tools.corpus.passages import PASSAGE_CHARS, Passage, clean, pieces_of
from adjudge.tools.corpus.reading import Rows, reader
from adjudge.tools.corpus.stored import INDEX_VERSION, StoredIndex
from adjudge.tools.corpus.words import query_words
from adjudge.types import Document, Evidence, Frozen

QUERY_CHARS = 2000  # what is read of a query
MAX_K = 50
MIN_CHARS, MAX_CHARS = 100, 20_000  # of an excerpt
_MEMORY = "corpus_search:documents"  # where a judgement keeps the index of its case's documents
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class CorpusSettings(Frozen):
    """`{kind: corpus_search, path: ./corpus.jsonl}` in a graph file; without `path`, the documents of the case."""

    kind: Literal["corpus_search"]
    path: str | None = Field(
        default=None,
        min_length=1,
        description="JSONL file, document or folder, relative to the graph file; null: the documents of each case.",
    )
    k: int = Field(default=5, ge=1, le=MAX_K, description="Most passages per search.")
    max_chars: int = Field(default=1200, ge=MIN_CHARS, le=MAX_CHARS, description="Longest excerpt, in characters.")
    passage_chars: int = Field(
        default=PASSAGE_CHARS, ge=MIN_CHARS, le=PASSAGE_CHARS, description="Longest passage that is indexed by itself."
    )
    description: str | None = Field(default=None, description="Your own words on what the tool does, for the model.")


def build(settings: CorpusSettings, base: Path) -> Tool:
    """The tool that a graph file asks for; a relative path is resolved against `base`, the graph file's folder."""
    source = None if settings.path is None else base / Path(settings.path).expanduser()
    made = corpus_search(source, k=settings.k, max_chars=settings.max_chars, passage_chars=settings.passage_chars)
    return made if settings.description is None else made._replace(description=settings.description)


def corpus_search(
    source: str | Path | Rows | None = None,
    *,
    k: int = 5,
    name: str = "corpus_search",
    max_chars: int = 1200,
    passage_chars: int = PASSAGE_CHARS,
) -> Tool:
    """A tool that searches a corpus of your own, or the documents of the case at hand.

    Args:
        source: A JSONL file (rows with `text` or `contents`, optionally `id` and `title`), one document or a folder of
            documents (.txt, .md, .markdown, .html, .htm, subfolders included, names beginning with a dot left out),
            or a list of texts or rows. None searches the documents of each case that have `text`; those given by
            `path` are not read.
        k: Most passages per search, 1 to 50.
        name: The tool's name for the model.
        max_chars: Longest excerpt of a passage, in characters, 100 to 20,000.
        passage_chars: Longest passage, in characters, 100 to 1,200: what is indexed, found and cited by itself.

    Raises:
        ConfigError: The corpus is missing, empty, half-written, not UTF-8, or has a row without text.
    """
    _check("k", k, 1, MAX_K)
    _check("max_chars", max_chars, MIN_CHARS, MAX_CHARS)
    _check("passage_chars", passage_chars, MIN_CHARS, PASSAGE_CHARS)
    shape = _Shape(k, max_chars, passage_chars)
    return _of_the_case(shape, name) if source is None else _of_a_corpus(source, shape, name)


class _Shape(NamedTuple):
    """What a search gives."""

    k: int
    max_chars: int
    passage_chars: int

    @property
    def fingerprint(self) -> str:
        finer = "" if self.passage_chars == PASSAGE_CHARS else f":{self.passage_chars}"
        return f"{self.k}:{self.max_chars}{finer}"


def _check(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{key} must lie from {low} to {high}", key=key, found=value)


def _of_a_corpus(source: str | Path | Rows, shape: _Shape, name: str) -> Tool:
    index = StoredIndex(reader(source), shape.passage_chars)

    async def search(query: str) -> list[Evidence]:
        """Search the local corpus for passages that bear on a question.

        Passages are ranked by the words they share with the query (BM25), so name the things you look for: people,
        places, titles, technical terms. When nothing fits, search again with other words, or for one fact at a time.

        Args:
            query: A few telling words, for example `Middlemarch novel author`.
        """
        wanted = _wanted(query)
        return _evidence(await asyncio.to_thread(index.search, wanted, shape.k), shape.max_chars)

    return tool(search, name=name, fingerprint=f"{INDEX_VERSION}:{index.digest}:{shape.fingerprint}")


def _of_the_case(shape: _Shape, name: str) -> Tool:
    async def search(query: str, context: ToolContext) -> list[Evidence]:
        """Search the documents that were given with this case for passages that bear on a question.

        Passages are ranked by the words they share with the query (BM25), so name the things you look for: people,
        places, titles, technical terms. When nothing fits, search again with other words, or for one fact at a time.

        Args:
            query: A few telling words, for example `Middlemarch novel author`.
        """
        wanted, documents = _wanted(query), context.case.documents
        # Put there before the first await, so that searches side by side share one index.
        index = context.memory.setdefault(_MEMORY, PassageIndex(lambda: _passages(documents, shape.passage_chars)))
        return _evidence(await asyncio.to_thread(index.search, wanted, shape.k), shape.max_chars)

    # The documents are part of the case, not of the tool.
    return tool(search, name=name, fingerprint=f"{INDEX_VERSION}:documents:{shape.fingerprint}")


def _passages(documents: Sequence[Document], longest: int) -> list[Passage]:
    """The passages of a case's documents; a citation names the document, its excerpt says where in it."""
    return [
        Passage(document.id, document.title, clean(piece))
        for document in documents
        for piece in pieces_of((document.text or "").strip(), longest)
    ]


def _wanted(query: str) -> list[str]:
    text = _CONTROL.sub(" ", query[:QUERY_CHARS])
    if not text.strip():
        raise BadCall("the query is empty; give a few words that the passage you look for would contain")
    found = query_words(text)
    if not found:
        raise BadCall("the query has no word to search for; use names or terms of two letters or more, not only 'the'")
    return found


def _evidence(hits: Sequence[Hit], max_chars: int) -> list[Evidence]:
    return [
        Evidence(excerpt=_excerpt(passage.text, max_chars), source=passage.source, title=passage.title, score=score)
        for passage, score in hits
    ]


def _excerpt(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    border = max(head.rfind(" "), head.rfind("\n"))
    return (head[:border].rstrip() if border > limit // 2 else head) + "…"
