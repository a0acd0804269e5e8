"""What holds of every strategy, whatever the judge says."""

from __future__ import annotations

import math
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.ranking import STRATEGIES, Compared
from adjudge.types import Goal, Strategy
from tests.ranking.fields import CIRCLE, HONEST, Group, Judge, ranked

NAMES: tuple[Strategy, ...] = get_args(Strategy)
GOALS: tuple[Goal, ...] = get_args(Goal)
Said = tuple[Literal["scores", "winner", "ranking", "nothing", "no number"], float, float]

POINTS = st.floats(-1e6, 1e6) | st.integers(1, 10).map(float)
KINDS = st.sampled_from(["scores", "scores", "scores", "winner", "ranking", "nothing", "no number"])


def whatever(said: list[Said]) -> Judge:
    """A judge whose verdicts come from a list, the same for the same question."""

    def judge(shown: tuple[int, ...]) -> Compared | None:
        kind, one, other = said[hash(shown) % len(said)]
        if kind == "nothing":
            return None
        scores = tuple(math.inf if kind == "no number" else one + place * other for place in range(len(shown)))
        winner = None if len(shown) == 1 or other == 0 else shown[-1] if other > 0 else shown[0]
        return Compared(shown, scores if kind in ("scores", "no number") else None, winner, shown[::-1])

    return judge


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 7),
    st.lists(st.tuples(KINDS, POINTS, POINTS), min_size=1, max_size=60),
    st.booleans(),
    st.none() | st.integers(0, 40),
    st.sampled_from(GOALS),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_no_judge_throws_it(
    name: Strategy,
    size: int,
    said: list[Said],
    sways: bool,
    budget: int | None,
    goal: Goal,
    confidence: float,
    seed: int,
) -> None:
    field = Group(size, whatever(said), sways=sways)
    more = {"budget": budget, "goal": goal, "confidence": confidence, "seed": seed}
    standing = ranked(name, field, **more)
    assert len(set(field.asked)) == len(field.asked) <= (size * size if budget is None else budget)
    if not sways:
        assert len({frozenset(shown) for shown in field.asked}) == len(field.asked)
    assert len(standing.scores) == size
    assert all(math.isfinite(score) for score in standing.scores if score is not None)
    assert set(standing.ranking) == {place for place, score in enumerate(standing.scores) if score is not None}
    assert standing.confidence is None or 0 <= standing.confidence <= 1
    again = Group(size, whatever(said), sways=sways)
    assert ranked(name, again, **more) == standing
    assert again.asked == field.asked


@pytest.mark.parametrize("name", NAMES)
def test_only_adaptive_claims_a_confidence(name: Strategy) -> None:
    assert (ranked(name, Group(4, HONEST)).confidence is None) == (name != "adaptive")


@pytest.mark.parametrize("name", ["all_pairs", "knockout", "adaptive"])
@pytest.mark.parametrize("judge", [HONEST, CIRCLE], ids=["honest", "circle"])
def test_a_hundred_within_a_budget(name: Strategy, judge: Judge) -> None:
    field = Group(100, judge)
    standing = ranked(name, field, budget=150)
    assert len(field.asked) <= 150
    assert len(standing.ranking) > 50


def test_every_strategy_has_its_name() -> None:
    assert set(STRATEGIES) == set(NAMES)
