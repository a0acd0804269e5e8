"""What the judge of a process can tell from its prompt, and a simulated judge that tells no more than that."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.four_agents.checker import Checker, checker
from benchmarks.four_agents.graphs import judge
from benchmarks.four_agents.mind import FAULTLESS, Assumptions
from benchmarks.four_agents.plans import ARITHMETIC
from benchmarks.four_agents.questions import Question, questions
from benchmarks.four_agents.reading import fenced, steps_of
from benchmarks.four_agents.runs import Trial, trials
from benchmarks.four_agents.shown import first_checks, hidden, visible
from benchmarks.four_agents.tables import Sheet, sheet_of
from benchmarks.four_agents.team import team

SLIPS = Assumptions(plan=0.0, step=1.0, systematic=1.0, recurs=0.0, misled=0.0)
WRONG_PLANS = Assumptions(plan=1.0, step=0.0, systematic=1.0, recurs=0.0, misled=0.0)


def sheet(place: int) -> Sheet:
    rows = [(f"team {n}", str(10 * n + place), f"{n + 1}.5", "north" if n % 2 else "south") for n in range(1, 6)]
    found = sheet_of(f"t{place}", f"season {place}", ("team", "wins", "ratio", "league"), rows)
    assert found is not None
    return found


ASKED = questions([sheet(place) for place in range(8)], 0)


def share(chances: Assumptions, evidence: str) -> float:
    found = visible(asyncio.run(first_checks(ASKED, chances, evidence)))
    assert found is not None
    return found.value


def judged(asked: list[Question], chances: Assumptions, who: Checker, evidence: str) -> list[Trial]:
    known = {question.text: question for question in asked}
    graph = judge(team(known, chances), checker(known, who), check={"evidence": evidence})
    return asyncio.run(trials(graph, asked))


@pytest.mark.parametrize("evidence", ["none", "cited"])
def test_arithmetic_can_always_be_checked_and_what_was_looked_up_only_beside_its_table(evidence: str) -> None:
    for item in asyncio.run(first_checks(ASKED, FAULTLESS, evidence)):
        parts = fenced(item.request)
        steps = steps_of(parts["plan"][-1])
        looked_up = {number for number, step in enumerate(steps) if step.kind not in ARITHMETIC}
        assert hidden(item.question, steps, parts) == (looked_up if evidence == "none" else set())


def test_a_result_that_names_no_item_stays_hidden_though_others_show_the_table() -> None:
    half = FAULTLESS._replace(cites=0.5)
    found = []
    for item in asyncio.run(first_checks(ASKED, half, "cited")):
        parts = fenced(item.request)
        found.append(len(hidden(item.question, steps_of(parts["plan"][-1]), parts)))
    assert 0 < sum(found) < sum(len(question.steps) for question in ASKED)


def test_slips_in_reading_are_seen_only_with_the_evidence_and_wrong_plans_always() -> None:
    assert share(SLIPS, "none") == 0  # the first step of a plan looks something up
    assert share(SLIPS, "cited") == 1
    assert share(SLIPS._replace(cites=0.0), "cited") == 0
    assert share(WRONG_PLANS, "none") == share(WRONG_PLANS, "cited") == 1


def test_a_judge_that_reads_accepts_what_it_cannot_see_and_mends_what_it_can() -> None:
    reader = Checker(1.0, reads=True)
    assert not any(trial.right for trial in judged(ASKED, SLIPS, reader, "none"))
    for trial in judged(ASKED, SLIPS, reader, "cited"):
        first = trial.checks[0]
        assert first.flag is not None
        assert (first.flag.kind, first.flag.step) == ("execution", first.really.step)
    # one that knows the truth does not need to be shown it
    assert all(trial.checks[0].flag is not None for trial in judged(ASKED, SLIPS, Checker(1.0), "none"))


def test_naming_what_a_result_rests_on_costs_no_tokens() -> None:
    silent = judged(ASKED, FAULTLESS._replace(cites=0.0), Checker(1.0), "none")
    naming = judged(ASKED, FAULTLESS, Checker(1.0), "none")
    assert [trial.tokens for trial in silent] == [trial.tokens for trial in naming]
