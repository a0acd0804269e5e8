"""The words of a text, as corpus and query are both cut into them before they are compared.

    words("The Café of 東京")          # ["cafe", "東", "京", "東京"]
    query_words("The Café of 東京")    # ["cafe", "東京"]

Case, width, ligatures and accents are folded: `É` and `e` are one, Arabic and Hebrew lose vowel points and hamzas,
Cyrillic the breve of `й` and the dots of `ё`. Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer are cut into
pairs of neighbouring characters, as Lucene's `CJKBigramFilter` does. Single letters and the commonest English words
are left out. There is no stemming and no dictionary: `city` does not find `cities`.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

# Scripts that write words without a space between them, and Hangul, whose particles cling to their nouns.
_UNSPACED = re.compile(
    "[\u0e01-\u0e3e\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # 々 to 〇, Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff\uac00-\ud7a3]+"  # Han, Hangul
)
# `\w` lacks the vowel signs of Indic scripts and of Tibetan: without these ranges they would tear words apart.
_WORD = re.compile(r"[\w\u0900-\u0963\u0966-\u0dff\u0f71-\u0f84\u0f8d-\u0fbc]{2,}")
_ASCII_WORD = re.compile(r"\w{2,}", re.ASCII)
# Accents, points and hamzas, the Arabic line filler, soft hyphens and variation selectors.
_DROPPED = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f]+"
)
_STOP = frozenset(  # Lucene's list for English
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with".split()
)


def words(text: str) -> list[str]:
    """All words of a text that is searched, with repetitions; characters of unspaced scripts alone and in pairs."""
    spaced, runs = _split(text)
    return [*spaced, *chain.from_iterable(runs), *chain.from_iterable(map(_pairs, runs))]


def query_words(text: str) -> list[str]:
    """The words to search for, each once, in their order.

    A character of an unspaced script is searched for alone only where it stands alone: in a longer run the pairs say
    more, and a character as common as の would find everything.
    """
    spaced, runs = _split(text)
    # Without repetitions: a query that says one word a thousand times costs no more than one that says it once.
    return list(dict.fromkeys([*spaced, *chain.from_iterable(_pairs(run) or [run] for run in runs)]))


def _split(text: str) -> tuple[list[str], list[str]]:
    """Words of two characters or more, and the runs of scripts that have no spaces."""
    if text.isascii():
        return [word for word in _ASCII_WORD.findall(text.lower()) if word not in _STOP], []
    folded = _fold(text)
    if runs := _UNSPACED.findall(folded):
        folded = _UNSPACED.sub(" ", folded)
    return [word for word in _WORD.findall(folded) if word not in _STOP], runs


def _fold(text: str) -> str:
    apart = _DROPPED.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", apart).casefold()  # together again: Hangul, and the voiced kana


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
