"""Cut documents into passages: what is indexed, found and cited.

    for document in documents:
        passages = cut(document)

A short document is one passage. A long one is cut at paragraphs, else at sentences, else at words, and each passage is
then named by its number within the document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from adjudge.errors import MissingPackage

PASSAGE_CHARS = 1200  # longest passage, about 200 English words
_PARAGRAPH = re.compile(r"\n\s*\n")
_FULL_STOPS = ("。", "！", "？")  # no space follows them
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


class Document(NamedTuple):
    """One row or file; `html` is parsed only when passages are cut from it."""

    source: str
    title: str
    text: str
    html: bytes = b""


class Passage(NamedTuple):
    """A piece of a document that a search can find."""

    source: str
    title: str
    text: str


def cut(document: Document, longest: int = PASSAGE_CHARS) -> list[Passage]:
    """The passages of a document, first to last; of several, each source ends in its number, counted from 1."""
    source, title, text, html = document
    if html:
        reader = load_trafilatura()
        page = reader.bare_extraction(html, with_metadata=True)
        # Pages without a main part (indexes, forms) have no extraction; their plain text is better than nothing.
        text = ((page and page.text) or reader.html2txt(html) or "").strip().replace("\n", "\n\n")
        title = (page and page.title) or title
    pieces = pieces_of(text, longest)
    sources = [source] if len(pieces) == 1 else [f"{source}#{number}" for number in range(1, len(pieces) + 1)]
    return [Passage(place, clean(title), clean(piece)) for place, piece in zip(sources, pieces, strict=True)]


def pieces_of(text: str, longest: int = PASSAGE_CHARS) -> list[str]:
    """A text cut at paragraphs, else sentences, else words, into pieces of about equal length.

    Args:
        text: The text.
        longest: Most characters of a piece.
    """
    if len(text) <= longest:
        return [text] if text else []
    enough = len(text) / math.ceil(len(text) / (0.9 * longest))
    pieces: list[str] = []
    for joint, unit in _units(text, longest):
        if pieces and len(pieces[-1]) < enough and len(pieces[-1]) + len(joint) + len(unit) <= longest:
            pieces[-1] += joint + unit
        else:
            pieces.append(unit)
    return pieces


def _units(text: str, longest: int) -> Iterator[tuple[str, str]]:
    """The smallest pieces, none too long for a passage, each after what joins it to the one before."""
    for paragraph in filter(None, map(str.strip, _PARAGRAPH.split(text))):
        joint = "\n\n"
        for sentence in [paragraph] if len(paragraph) <= longest else filter(None, _SENTENCE.split(paragraph)):
            start = 0
            while start < len(sentence):
                end = start + longest
                if end < len(sentence):  # at a word's border, unless that word fills half a passage
                    end = sentence.rfind(" ", start + longest // 2, end) + 1 or end
                if unit := sentence[start:end].strip():
                    yield joint, unit
                start, joint = end, "" if unit[-1:] in _FULL_STOPS else " "


def clean(text: str) -> str:
    """Lone surrogates (JSON can spell them, UTF-8 cannot) become question marks."""
    return text.encode("utf-8", "replace").decode()


def load_trafilatura() -> Any:
    """The package that reads HTML, imported when there is some.

    Raises:
        MissingPackage: It, or what it needs itself, is not installed.
    """
    try:
        import trafilatura
    except ImportError as error:  # also raised when its own dependency lxml_html_clean is absent
        install = "pip install trafilatura lxml_html_clean"
        package = error.name or "lxml_html_clean"
        raise MissingPackage(package, needed_for="reading HTML documents", install=install) from error
    return trafilatura
