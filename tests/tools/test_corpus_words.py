"""What counts as a word, in which scripts, and that corpus and query agree on it."""

import asyncio
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ToolError
from adjudge.tools import ToolContext, corpus_search
from adjudge.tools.corpus.words import query_words, words
from adjudge.types import Case

ANY_SCRIPT = st.text(st.sampled_from("abÉßİ ñ\u0301ёй漢字かガ\u3099ー서울ไทยहिन्दीشَأ\u00ad5_.。-"), max_size=30)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_CACHE", str(tmp_path / "cache"))


def found(texts: Sequence[str], query: str) -> list[str]:
    async def call() -> list[str]:
        output = await corpus_search(texts).call({"query": query}, ToolContext(Case(prompt="?"), {}, {}))
        return [item.excerpt for item in output.evidence]

    return asyncio.run(call())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Rhine's 7 sources, snake_case!", ["rhine", "sources", "snake_case"]),
        ("don't", ["don"]),
        ("of the and", []),
        ("É", []),  # a single letter, accented or not
        ("東京", ["東", "京", "東京"]),
        ("猫。犬", ["猫", "犬"]),  # no pair across a full stop
        ("iPhone手机", ["iphone", "手", "机", "手机"]),
        ("人々", ["人", "々", "人々"]),
        ("カー・ナビ", ["カ", "ー", "ナ", "ビ", "カー", "ナビ"]),  # the middle dot separates
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京大学", ["東京", "京大", "大学"]),
        ("猫 写真", ["猫", "写真"]),  # alone only where it stands alone
        ("word Word WORD 東京 東京", ["word", "東京"]),
    ],
)
def test_words_of_a_query(text: str, expected: list[str]) -> None:
    assert query_words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dvořák", "dvorak"),
        ("café", "cafe\u0301"),  # composed and decomposed
        ("Straße", "STRASSE"),
        ("İstanbul", "istanbul"),  # whose small form has a combining dot
        ("ﬁnal", "final"),
        ("Ｆｕｌｌ", "full"),
        ("ｻｰﾊﾞｰ", "サーバー"),  # half-width, its voicing mark a character of its own
        ("Сергей ёлка", "сергеи елка"),
        ("القُرْآن", "القران"),
        ("أحمد", "احمد"),
        ("محـــمد", "محمد"),  # a filler that only widens the line
        ("שָׁלוֹם", "שלום"),
        ("Donau\u00addampf", "donaudampf"),
    ],
)
def test_spellings_that_are_one_word(one: str, other: str) -> None:
    assert words(one) == words(other)
    assert query_words(one) == query_words(other)


@pytest.mark.parametrize(("one", "other"), [("かき", "がき"), ("city", "cities"), ("हिन्दी", "हिन्दू"), ("서울", "부산")])
def test_spellings_that_are_not(one: str, other: str) -> None:
    assert not set(query_words(one)) & set(words(other))


@pytest.mark.parametrize("word", ["हिन्दी", "தமிழ்", "বাংলা"])
def test_vowel_signs_do_not_tear_words_apart(word: str) -> None:
    assert words(f"{word}, {word}।") == [unicodedata.normalize("NFC", word)] * 2


TEXTS = [
    "東京大学は日本の国立大学である。本部は文京区にある。",
    "长江是中国最长的河流，流入东海。",
    "서울은 대한민국의 수도이다.",
    "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย",
    "نهر النيل أطول أنهار أفريقيا.",
    "Der Dnjepr mündet ins Schwarze Meer.",
]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("国立大学 日本", 0),
        ("文京区", 0),
        ("中国最长的河流是哪一条？", 1),
        ("海", 1),
        ("서울", 2),
        ("수도", 2),
        ("เมืองหลวง", 3),
        ("اطول انهار", 4),
        ("mundet Schwarzes Meer", 5),
    ],
)
def test_a_passage_is_found_in_its_own_script(query: str, number: int) -> None:
    assert found(TEXTS, query)[0] == TEXTS[number]


def test_a_run_of_characters_does_not_find_all_that_share_one_of_them() -> None:
    assert found(["東の空", "京の都", "東京の空"], "東京") == ["東京の空"]


def test_a_query_of_marks_only_has_no_words() -> None:
    with pytest.raises(ToolError, match="no word to search for"):
        found(TEXTS, "\u0301\u0302 。")


@given(ANY_SCRIPT | st.text(max_size=30))
def test_a_query_finds_the_text_that_it_was_copied_from(text: str) -> None:
    assert set(query_words(text)) <= set(words(text))


@given(ANY_SCRIPT, ANY_SCRIPT)
def test_words_do_not_depend_on_what_stands_before_a_full_stop(one: str, other: str) -> None:
    assert sorted(words(f"{one}. {other}")) == sorted(words(one) + words(other))


@given(ANY_SCRIPT, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_words_do_not_depend_on_the_normal_form(text: str, form: str) -> None:
    normal = unicodedata.normalize(form, text)  # type: ignore[arg-type]  # the four names are its Literal
    assert words(normal) == words(text)


def test_a_long_text_takes_time_in_proportion() -> None:
    text = "Łódź liegt in Polen – 東京は日本にある。" * 20_000
    began = time.perf_counter()
    words(text)
    assert time.perf_counter() - began < 5, "seconds"
