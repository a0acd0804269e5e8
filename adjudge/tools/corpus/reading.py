"""Read a corpus: rows of a JSONL file or list, or the documents of a folder, one after another and never all at once.

    documents = reader("corpus.jsonl")
    for document in documents(hashlib.sha256()): ...

A reader feeds all content to the hash that it is given while it yields the documents, so that one pass both checks a
corpus and gives its digest. The first mistake is raised with its file and line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from adjudge.errors import ConfigError
from adjudge.tools.corpus.passages import Document, clean, load_trafilatura

if TYPE_CHECKING:
    from hashlib import _Hash

_TEXT = (".txt", ".md", ".markdown")
_HTML = (".html", ".htm")
_HEADING = re.compile(r"^#{1,6} +(.+)", re.MULTILINE)

Rows = Sequence[str | Mapping[str, Any]]
Reader = Callable[["_Hash"], Iterator[Document]]


def reader(source: str | Path | Rows) -> Reader:
    """What reads a source's documents, as often as it is called.

    Args:
        source: A JSONL file, a document, a folder of documents, or a list of texts or rows (see `corpus_search`).

    Raises:
        ConfigError: There is nothing at that path; the content's mistakes are raised while it is read.
    """
    if not isinstance(source, str | Path):
        rows = list(source)
        return lambda digest: _from_rows(rows, digest)
    path = Path(source).expanduser()
    if not path.exists():
        raise ConfigError("the corpus does not exist", file=str(path), hint="check the path of the corpus")
    if path.is_dir():
        return lambda digest: _from_files(path, _documents_in(path), digest)
    if path.suffix.lower() in _TEXT + _HTML:
        return lambda digest: _from_files(path.parent, [path], digest)
    return lambda digest: _from_jsonl(path, digest)


class _Place(NamedTuple):
    """Where in a corpus something stands, for the errors that name it."""

    file: str | None = None
    line: int | None = None
    key: str | None = None

    def error(self, problem: str, *, hint: str, found: object = None) -> ConfigError:
        return ConfigError(problem, file=self.file, line=self.line, key=self.key, found=found, hint=hint)


def _from_rows(rows: Rows, digest: _Hash) -> Iterator[Document]:
    for number, row in enumerate(rows, 1):
        value = {"text": row} if isinstance(row, str) else row
        document = _document(value, "corpus", number, _Place(key=f"corpus[{number - 1}]"))
        digest.update(json.dumps(document[:3]).encode())
        yield document


def _from_jsonl(path: Path, digest: _Hash) -> Iterator[Document]:
    digest.update(path.name.encode("utf-8", "surrogateescape"))
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                digest.update(raw)
                if raw.strip():
                    where = _Place(file=str(path), line=number)
                    yield _document(_parse_line(raw, where), path.name, number, where)
    except OSError as error:
        raise ConfigError(f"the corpus cannot be read: {error.strerror}", file=str(path)) from error


def _parse_line(raw: bytes, where: _Place) -> object:
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        if not raw.endswith(b"\n"):
            problem = "the last line is cut off, so the file was not written to its end"
            raise where.error(problem, hint="write the file again, or delete this line") from error
        if isinstance(error, UnicodeDecodeError):
            problem = f"byte {error.start + 1} of the line is not UTF-8"
            raise where.error(problem, hint="convert the file to UTF-8") from error
        raise where.error(f"the line is not JSON: {error}", hint="write one JSON object a line") from error


def _document(value: object, label: str, number: int, where: _Place) -> Document:
    if not isinstance(value, Mapping):
        raise where.error("a row must be a JSON object", found=value, hint='for example {"id": "a", "text": "…"}')
    text = value.get("text") or value.get("contents")
    if not isinstance(text, str) or not text.strip():
        problem = "the row has no text: neither `text` nor `contents` is a string with something in it"
        raise where.error(problem, found=dict(value), hint="add the text, or delete the row")
    title, identity = value.get("title") or "", value.get("id")
    identity = number if identity is None else identity
    if not isinstance(identity, str | int) or not isinstance(title, str):
        problem = "`id` must be a string or a whole number, and `title` a string"
        raise where.error(problem, found=[identity, title], hint="correct the row")
    return Document(clean(f"{label}#{identity}"), clean(title.strip()), clean(text.strip()))


def _documents_in(folder: Path) -> list[Path]:
    visible = (p for p in folder.rglob("*") if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    files = [path for path in visible if path.suffix.lower() in _TEXT + _HTML and path.is_file()]
    if not files:
        allowed = ", ".join(_TEXT + _HTML)
        raise ConfigError(
            "the folder holds no documents", file=str(folder), hint=f"put files ending in {allowed} there"
        )
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _from_files(base: Path, files: Sequence[Path], digest: _Hash) -> Iterator[Document]:
    for path in files:
        name = clean(path.relative_to(base).as_posix())
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"the document cannot be read: {error.strerror}", file=str(path)) from error
        digest.update(f"{name}\x1f{len(raw)}\x1f".encode())
        digest.update(raw)
        if path.suffix.lower() in _HTML:
            load_trafilatura()  # so that its absence is found at the survey, for every file alike
            yield Document(name, path.stem, "", raw)
        else:
            text = _decode(raw, path)
            heading = _HEADING.search(text) if path.suffix.lower() != ".txt" else None
            yield Document(name, heading.group(1).strip(" #") if heading else clean(path.stem), text.strip())


def _decode(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem, hint = f"byte {error.start + 1} is not UTF-8", "convert the file to UTF-8"
        raise ConfigError(problem, file=str(path), line=line, hint=hint) from error
