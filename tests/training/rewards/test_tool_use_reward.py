"""The tool term: the right family, well-formed calls, evidence that is cited; and beside a right verdict only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import CaseError
from adjudge.training.rewards import ToolUse
from adjudge.training.rollouts import Called, Rollout
from adjudge.types import Evidence, Unscored, Verdict

_SEARCH = Called("corpus", '{"query": "Middlemarch author"}')
_READ = Called("read", '{"id": "E1"}')
_WRONG = Verdict(winner="B")


def _search(query: object, **more: Any) -> Called:
    return Called("corpus", json.dumps({"query": query}), **more)


@pytest.mark.parametrize(
    ("changes", "pays"),
    [
        ({}, 1),
        ({"outcome": _WRONG}, 0),  # searching for the sake of the bonus
        ({"outcome": Unscored(reason="parse_failure")}, 0),
        ({"calls": (_SEARCH, _READ)}, 1),  # other tools may be used besides
        ({"calls": ()}, 0),
        ({"calls": (Called("web", '{"query": "Eliot"}'),)}, 0),  # the wrong family
        ({"calls": (_search("Eliot", error="the index is broken"),)}, 0),  # called, but without success
        ({"calls": (_SEARCH, _search("x", error="no word to search for"))}, 1),  # a tool may say no
        ({"calls": (_SEARCH, Called("corpse", "{}", "no such tool", own_fault=True))}, 0),
        ({"broken_calls": 1}, 0),
        ({"calls": (_search(""),)}, 0),  # an empty query
        ({"calls": (_search(" \n\t"), _SEARCH)}, 0),
        ({"calls": (Called("corpus", '"Eliot"'),)}, 0),  # no object
        ({"calls": (Called("corpus", "{"),)}, 0),
        ({"calls": (_SEARCH, _SEARCH)}, 0),  # the same call again
        ({"calls": (_SEARCH, _search("MIDDLEMARCH  author"))}, 0),  # the same in other letters and spaces
        ({"calls": (_SEARCH, _search("author of Middlemarch"))}, 1),
        ({"citations": ()}, 0),  # called, and not used
        ({"citations": ("E1", "E7")}, 0),  # E7 does not exist
        ({"citations": ("E7",)}, 0),
        ({"evidence": ()}, 0),  # it found nothing, and cites what it did not find
        ({"evidence": (Evidence(name="E1", tool="web", excerpt="x"),)}, 0),  # cites what another tool found
        ({"outage": "the corpus was gone"}, None),
    ],
)
def test_a_tool_is_paid_for_being_used_as_it_should_be(
    changes: dict[str, Any], pays: int | None, attempt: Callable[..., Rollout]
) -> None:
    assert ToolUse()([attempt(**changes)]) == [pays]


@pytest.mark.parametrize(
    ("reward", "changes", "pays"),
    [
        (ToolUse(gated=False), {"outcome": _WRONG}, 1),  # the ablation: it pays for searching
        (ToolUse(gated=False), {"outcome": _WRONG, "calls": ()}, 0),
        (ToolUse(must_cite=False), {"citations": ()}, 1),
        (ToolUse(must_cite=False), {"citations": ("E7",)}, 0),  # what is cited has to exist all the same
        (ToolUse(must_find=True), {}, 1),
        (ToolUse(must_find=True), {"evidence": (Evidence(name="E1", tool="corpus", source="d2", excerpt="x"),)}, 0),
        # a passage of a longer document is told as `id#3`
        (ToolUse(must_find=True), {"evidence": (Evidence(name="E1", tool="corpus", source="d1#3", excerpt="x"),)}, 1),
    ],
)
def test_settings_say_what_it_takes(
    reward: ToolUse, changes: dict[str, Any], pays: int, attempt: Callable[..., Rollout]
) -> None:
    assert reward([attempt(**changes)]) == [pays]


@pytest.mark.parametrize(
    ("required", "tools", "pays"),
    [
        (["corpus", "web"], ["corpus", "web"], 1),
        (["corpus", "web"], ["corpus"], 0),  # each of them is required
        (["corpus"], ["corpus_search"], 1),  # a family of several tools
        (["corpus"], ["corpusfake"], 0),
        (["corpus_search"], ["corpus"], 0),
    ],
)
def test_every_required_family_has_to_be_used(
    required: list[str], tools: list[str], pays: int, attempt: Callable[..., Rollout]
) -> None:
    calls = tuple(Called(tool, '{"query": "x"}') for tool in tools)
    found = (Evidence(name="E1", tool=tools[0], excerpt="x"),)
    rollout = attempt({"metadata": {"gold_tools": required}}, calls=calls, evidence=found)
    assert ToolUse()([rollout]) == [pays]


def test_where_none_is_needed_calling_none_is_right(attempt: Callable[..., Rollout]) -> None:
    needless: dict[str, Any] = {"metadata": {"gold_tools": []}}
    none = attempt(needless, calls=(), evidence=(), citations=())
    assert ToolUse()([none, attempt(needless)]) == [1, 0]


def test_it_does_not_apply_without_gold_tools_or_gated_without_a_label(attempt: Callable[..., Rollout]) -> None:
    assert ToolUse()([attempt({"metadata": {}})]) == [None]
    assert ToolUse()([attempt({"label": None})]) == [None]
    assert ToolUse(gated=False)([attempt({"label": None})]) == [1]


@pytest.mark.parametrize("names", ["corpus", [1], [""], {"corpus": 1}])
def test_gold_tools_that_are_no_names_are_told(names: object, attempt: Callable[..., Rollout]) -> None:
    with pytest.raises(CaseError, match="gold_tools is a list of names"):
        ToolUse()([attempt({"metadata": {"gold_tools": names}})])


_CALLS = st.lists(
    st.builds(
        Called,
        st.sampled_from(["corpus", "web", "corpus_x"]) | st.text(max_size=5),
        st.text() | st.sampled_from(["[" * 100_000, "9" * 5000, '{"query": "\\ud800"}', "NaN", '{"a": 1e999}']),
    ),
    max_size=3,
)


@given(calls=_CALLS, citations=st.lists(st.text(max_size=4), max_size=3))
def test_whatever_a_policy_writes_is_paid_0_or_1(
    calls: list[Called], citations: list[str], attempt: Callable[..., Rollout]
) -> None:
    assert ToolUse()([attempt(calls=tuple(calls), citations=tuple(citations))])[0] in (0, 1)
