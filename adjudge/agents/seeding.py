"""Seed queries: searches made for the model, so that evidence is gathered even for one too small to call tools.

First the prompt is searched; when that alone finds little, each response as well. "Little" is ours: less than `ENOUGH`
of the prompt's content words occur in what was found. The threshold was chosen on musique_100, where it raises the
share of questions with all gold passages found from 12 to 38 %, at 6.3 instead of 5 items a case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from adjudge.types import Case, Evidence

ENOUGH = 0.9  # share of the prompt's content words that what was found must cover
QUERY_CHARACTERS = 600
_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    "a about after all also an and any are as at be been before between both but by can could did do does each for "
    "from had has have he her his how i if in into is it its many may more most much no not of on or other she "
    "should so some such than that the their them then there these they this those to was we were what when where "
    "which who whom whose why will with would you your".split()
)


def search_tool(schemas: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The first tool whose one required argument is a `query`."""
    return next((name for name, schema in schemas.items() if schema.get("required") == ["query"]), None)


def prompt_query(case: Case) -> str:
    """The query for the prompt alone."""
    return case.question[:QUERY_CHARACTERS]


def response_queries(case: Case, most: int) -> list[str]:
    """One query for each response: the prompt, which says what it is about, and the response's beginning."""
    told = [response.render() for response in case.responses]
    told = told or [step.unexecuted().render() for step in case.candidates]
    texts = [f"{case.question[:QUERY_CHARACTERS]} {text[:QUERY_CHARACTERS]}" for text in told]
    return list(dict.fromkeys(texts))[: max(0, most)]


def arguments(query: str) -> str:
    """The JSON text of a search call."""
    return json.dumps({"query": query}, ensure_ascii=False)


def finds_little(case: Case, found: Iterable[Evidence]) -> bool:
    """Whether what was found covers too few of the prompt's content words."""
    wanted = content_words(case.question)
    seen: set[str] = set()
    for item in found:
        seen |= content_words(f"{item.title} {item.excerpt}")
    return not wanted or len(wanted & seen) < ENOUGH * len(wanted)


def content_words(text: str) -> set[str]:
    """Lower-case words that carry meaning (English stop words and single characters left out)."""
    return {word for word in _WORD.findall(text.lower()) if len(word) > 1 and word not in _COMMON}
