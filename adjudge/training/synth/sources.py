"""Where documents come from: corpora of your own, and the four data sets whose layouts are known here by name."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adjudge.errors import ConfigError
from adjudge.tools.corpus.passages import cut
from adjudge.tools.corpus.reading import reader
from adjudge.training.synth.document import Document

logger = logging.getLogger(__name__)


class Corpus(NamedTuple):
    """What was read."""

    documents: list[Document]
    skipped: int = 0  # rows without text
    held_out: frozenset[str] = frozenset()  # ids that may only be tested on


def read_corpora(paths: list[Path], data: Path | None = None, sources: list[str] | None = None) -> Corpus:
    """All documents of corpora and named data sets, with unique ids.

    Args:
        paths: JSON lines of `{id, title, text}`, a document, or a folder of documents.
        data: The folder with a folder for each named data set.
        sources: Names of data sets.

    Raises:
        ConfigError: Something is missing or unreadable, or there is no text at all.
    """
    parts = [_read_path(path) for path in paths]
    for name in sources or ():
        if name not in SOURCES:
            raise ConfigError("unknown source", key="source", found=name, allowed=SOURCES)
        if data is None:
            raise ConfigError("a named source needs the folder of the data", key="data", hint="--data DIR")
        parts.append(_read_named(name, data))
    documents = [document for part in parts for document in part.documents]
    if not documents:
        raise ConfigError("the corpora hold no text", hint="give at least one document with a few sentences")
    twice = [name for name, count in Counter(document.id for document in documents).items() if count > 1]
    if twice:
        raise ConfigError("two documents have one id", found=twice[0], hint="rename one of them")
    held_out = frozenset(name for part in parts for name in part.held_out)
    return Corpus(documents, sum(part.skipped for part in parts), held_out)


def _read_path(path: Path) -> Corpus:
    path = path.expanduser()
    if path.is_file() and path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return _rows(_json_lines(path), path.stem)
    read = reader(path)
    found = [piece for document in read(hashlib.sha256()) for piece in cut(document)]
    return Corpus([Document(f"{path.stem}:{piece.source}", piece.title, piece.text, path.stem) for piece in found])


def _json_lines(path: Path) -> Iterator[object]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        yield json.loads(line)
                    except ValueError as error:
                        raise ConfigError(f"the line is not JSON: {error}", file=str(path), line=number) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the corpus cannot be read", file=str(path), hint=str(error)) from error


def _rows(rows: Iterator[object], domain: str) -> Corpus:
    documents: list[Document] = []
    skipped = 0
    for number, row in enumerate(rows, 1):
        text = (row.get("text") or row.get("contents")) if isinstance(row, Mapping) else None
        if not isinstance(row, Mapping) or not isinstance(text, str) or not text.strip():
            skipped += 1
            continue
        name = row.get("id")
        documents.append(
            Document(f"{domain}:{number if name is None else name}", str(row.get("title") or ""), text, domain)
        )
    return Corpus(documents, skipped)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError("a file of the data set is missing", file=str(path)) from error
    except ValueError as error:
        raise ConfigError(f"the file is not JSON: {error}", file=str(path)) from error


def _hotpot(folder: Path) -> Corpus:
    """HotpotQA: articles; those that answer its questions may only be tested on."""
    articles = _load(folder / "hotpotqa_train_corpus.json")
    asked = {fact[0] for row in _load(folder / "hotpotqa_train.json") for fact in row["supporting_facts"]}
    documents = [
        Document(f"hotpotqa:{number}", title, "".join(sentences), "hotpotqa")
        for number, (title, sentences) in enumerate(articles.items())
    ]
    return Corpus(documents, held_out=frozenset(document.id for document in documents if document.title in asked))


def _musique(folder: Path) -> Corpus:
    rows = enumerate(_load(folder / "musique_train_corpus.json"))
    return Corpus([Document(f"musique:{number}", row["title"], row["text"], "musique") for number, row in rows])


def _qa_feedback(folder: Path) -> Corpus:
    """QA-Feedback: the passages that its questions came with, each once."""
    passages: dict[tuple[str, str], None] = {}
    for row in _load(folder / "dev_feedback.json"):
        passages.update(dict.fromkeys((passage[0], " ".join(passage[1:])) for passage in row["passages"]))
    return Corpus(
        [Document(f"qa_feedback:{n}", title, text, "qa_feedback") for n, (title, text) in enumerate(passages)]
    )


def _pubmed(folder: Path) -> Corpus:
    """PubMedQA: abstracts without their conclusions, under the paper's title, which is a question."""
    rows = _load(folder / "ori_pqal.json").items()
    return Corpus(
        [
            Document(f"pubmedqa:{name}", row["QUESTION"], "\n\n".join(row["CONTEXTS"]), "pubmedqa", topic=True)
            for name, row in rows
        ]
    )


SOURCES: dict[str, Callable[[Path], Corpus]] = {
    "hotpotqa_100": _hotpot,
    "musique_100": _musique,
    "qa_feedback": _qa_feedback,
    "pubmedqa": _pubmed,
}


def _read_named(name: str, data: Path) -> Corpus:
    return SOURCES[name](data.expanduser() / name)
