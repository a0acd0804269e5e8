"""Wordings mean what they stand for, and what is taken for the same is counted right."""

from __future__ import annotations

import random

import pytest

from adjudge.agents.agreement import AGREED
from benchmarks.four_agents.alike import THRESHOLDS, alike, followed, same
from benchmarks.four_agents.figures import Figure
from benchmarks.four_agents.plans import goal
from benchmarks.four_agents.questions import questions
from benchmarks.four_agents.tables import Sheet, sheet_of
from benchmarks.four_agents.wordings import expected_otherwise, result_otherwise, reworded


def sheet(place: int) -> Sheet:
    rows = [(f"team {n}", str(10 * n + place), f"{n + 1}.5", "north" if n % 2 else "south") for n in range(1, 6)]
    found = sheet_of(f"t{place}", f"season {place}", ("team", "wins", "ratio", "league"), rows)
    assert found is not None
    return found


ASKED = questions([sheet(place) for place in range(20)], 0)


def value(figure: Figure | None) -> float:
    assert figure is not None
    return figure.value


def test_every_step_has_two_other_wordings_that_name_the_same_things() -> None:
    steps = {step for question in ASKED for step in question.steps}
    for step in steps:
        wordings = {goal(step), reworded(step, 0), reworded(step, 1)}
        assert len(wordings) == 3
        for text in wordings:
            assert step.column in text
            assert step.row in text
            assert all(f"step {used}" in text for used in step.uses)
        assert expected_otherwise(step)


@pytest.mark.parametrize("result", ["512", "-1234.5", "team 1", "team 1; team 2"])
def test_a_result_in_other_words_still_holds_it(result: str) -> None:
    said = {result_otherwise(result, random.Random(seed)) for seed in range(40)}
    assert len(said) > 4
    assert all(result in text.replace(",", "") for text in said)


def test_pairs_are_counted_at_each_threshold_and_never_more_at_a_higher_one() -> None:
    found = alike(ASKED)
    assert AGREED in THRESHOLDS
    assert {kind.partition(":")[0] for kind in found} == {"step", "result", "plan"}
    for row in found.values():
        shares = [value(figure) for figure in row.values()]
        assert shares == sorted(shares, reverse=True)
    assert value(found["plan: missing step"]["0.6"]) == 0


def test_step_by_step_fewer_faulty_plans_are_taken_for_right_than_as_one_text() -> None:
    found = same(ASKED)
    for kind, figure in found["step by step"].items():
        assert value(figure) <= value(found["as one text"][kind])


def test_the_plan_that_is_followed_is_right_more_often_than_the_first() -> None:
    for row in followed(ASKED).values():
        assert value(row["overlap (as shipped)"]) >= value(row["the first (control)"])
