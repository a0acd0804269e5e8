"""Rollouts by hand: a pair whose right answer is A, judged with one search, unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adjudge.training.rollouts import Called, Rollout
from adjudge.types import Case, Evidence, Verdict

FOUND = Evidence(
    name="E1", tool="corpus", source="d1", title="Middlemarch", excerpt="George Eliot wrote the novel in 1871."
)
SEARCH = Called("corpus", '{"query": "Middlemarch author"}')
PAIR: dict[str, Any] = {
    "id": "c",
    "prompt": "Who wrote Middlemarch?",
    "responses": ["George Eliot wrote it.", "Jane Austen wrote it."],
    "label": "A",
    "metadata": {"gold_tools": ["corpus"], "source": "d1"},
}


def attempt_of(case: dict[str, Any] | None = None, **changes: Any) -> Rollout:
    """A rollout that does everything right, with changes to its case and to itself."""
    told: dict[str, Any] = {
        "outcome": Verdict(winner="A", scores=(8.0, 3.0)),
        "calls": (SEARCH,),
        "evidence": (FOUND,),
        "citations": ("E1",),
        "own_tokens": 100,
    }
    return Rollout(case=Case.model_validate({**PAIR, **(case or {})}), **{**told, **changes})


@pytest.fixture(scope="session")
def attempt() -> Callable[..., Rollout]:
    return attempt_of
