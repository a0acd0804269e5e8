"""The closed world is true, the simulated agents go wrong as they are told, and what is reported follows from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from adjudge.types import Flag
from benchmarks.four_agents import arms, figures
from benchmarks.four_agents.__main__ import plain
from benchmarks.four_agents.alike import alike, followed, same
from benchmarks.four_agents.checker import Checker, checker
from benchmarks.four_agents.figures import Arm, at_tokens, majority
from benchmarks.four_agents.graphs import judge
from benchmarks.four_agents.mind import FAULTLESS, Assumptions, Blame, Mind, carried_out, planned
from benchmarks.four_agents.plans import NOTHING, Do, goal, outcome, perform, read_goal
from benchmarks.four_agents.questions import Question, questions
from benchmarks.four_agents.report import report
from benchmarks.four_agents.runs import Check, Trial, trials
from benchmarks.four_agents.tables import Sheet, number, sheet_of
from benchmarks.four_agents.team import team
from benchmarks.four_agents.truth import Truth, truth

ALWAYS_WRONG = Assumptions(plan=1.0, step=0.0, systematic=1.0, recurs=0.0, misled=0.0)
SLIPS = Assumptions(plan=0.0, step=1.0, systematic=1.0, recurs=0.0, misled=0.0)


def sheet(place: int = 0) -> Sheet:
    rows = [(f"team {n}", str(10 * n + place), f"{n + 1}.5", "north" if n % 2 else "south") for n in range(1, 6)]
    found = sheet_of(f"t{place}", f"season {place}", ("team", "wins", "ratio", "league"), rows)
    assert found is not None
    return found


def asked(count: int = 6, seed: int = 0) -> list[Question]:
    return questions([sheet(place) for place in range(count)], seed)


def run(found: Sequence[Question], chances: Assumptions, who: Checker | None = None) -> list[Trial]:
    known = {question.text: question for question in found}
    return asyncio.run(trials(judge(team(known, chances), None if who is None else checker(known, who)), found))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,452.4", "1452.4"), ("$ 5,686", "5686"), ("(56)", "-56"), ("-3", "-3"), ("4.0%", "4.0"), ("12 - 3", None)],
)
def test_cells_are_read_as_numbers(text: str, value: str | None) -> None:
    found = number(text)
    assert (None if found is None else str(found)) == value


@pytest.mark.parametrize("rows", [[("a", "1"), ("a", "2"), ("b", "3")], [("a", "1"), ("b", "2")], [("a|", "1")] * 3])
def test_a_table_without_a_key_or_too_small_or_with_odd_characters_is_left_out(rows: list[tuple[str, str]]) -> None:
    assert sheet_of("t", "title", ("name", "wins"), rows) is None


def test_every_step_reads_as_a_goal_and_back() -> None:
    steps = {step for question in asked(40) for step in question.steps}
    steps |= {step for question in asked(40) for fault in question.faults for step in fault.steps}
    assert len({step.kind for step in steps}) >= 9
    assert all(read_goal(goal(step)) == step for step in steps)
    assert read_goal("do something else") is None


def test_questions_are_true_and_their_faults_change_the_answer() -> None:
    found = asked(30)
    assert len(found) == 30
    for question in found:
        assert outcome(question.steps, question.sheet)[-1] == question.answer != NOTHING
        for fault in question.faults:
            assert NOTHING not in (results := outcome(fault.steps, question.sheet))
            assert results[-1] != question.answer
            assert fault.step < len(fault.steps)


def test_a_step_that_cannot_be_worked_out_says_so() -> None:
    assert perform(Do("ratio", uses=(0, 1)), sheet(), ["3", "0"]) == NOTHING
    assert perform(Do("cell", "wins", "nobody"), sheet(), []) == NOTHING
    assert perform(Do("minus", uses=(0, 1)), sheet(), ["team 1", "2"]) == NOTHING


def test_without_faults_everything_is_right_and_nothing_is_flagged() -> None:
    for trial in run(asked(), FAULTLESS, Checker(1.0)):
        assert (trial.right, trial.checked, trial.followed, len(trial.checks)) == (True, "accepted", True, 1)


@pytest.mark.parametrize(("chances", "kind"), [(ALWAYS_WRONG, "plan"), (SLIPS, "execution")])
def test_a_right_flag_names_the_fault_and_leads_to_a_process_without_it(chances: Assumptions, kind: str) -> None:
    for trial in run(asked(), chances, Checker(1.0)):
        first, second = trial.checks[:2]
        assert first.flag is not None
        assert (first.flag.kind, first.flag.step) == (kind, first.really.step)
        assert not second.really.holds(kind, first.flag.step)
        assert trial.followed


def test_without_a_judge_faults_stay() -> None:
    assert not any(trial.right for trial in run(asked(), ALWAYS_WRONG))


def test_self_correction_does_not_see_systematic_faults() -> None:
    for trial in run(asked(), ALWAYS_WRONG, Checker(1.0, blind=Mind(ALWAYS_WRONG))):
        assert (trial.right, trial.checked, trial.checks[0].flag) == (False, "accepted", None)


def test_a_mistake_that_is_only_handed_on_counts_once() -> None:
    question = next(question for question in asked(20) if [s.kind for s in question.steps] == ["cell", "cell", "minus"])
    a, b, c = outcome(question.steps, question.sheet)
    assert truth(question, question.steps, {0: a, 1: b, 2: c}) == Truth(None, None)
    wrong = perform(question.steps[2], question.sheet, ["999", b])
    assert truth(question, question.steps, {0: "999", 1: b, 2: wrong}) == Truth(None, 0)
    assert truth(question, question.steps, {0: a, 1: b, 2: "999"}) == Truth(None, 2)
    fault = question.faults[0]
    results = dict(enumerate(outcome(fault.steps, question.sheet)))
    assert truth(question, fault.steps, results) == Truth(fault.step, None)


def test_descriptions_decide_what_happens_to_a_fault() -> None:
    question, mind = asked(1)[0], Mind(Assumptions(1.0, 1.0, 1.0, recurs=0.0, misled=1.0))
    fault = planned(mind, question, [], 7)
    assert fault is not None
    assert planned(mind, question, [(fault.step, True)], 7) is None
    assert planned(mind, question, [(fault.step, False)], 7) == fault
    assert planned(Mind(FAULTLESS._replace(misled=1.0)), question, [(0, False)], 7) is not None
    step, table = question.steps[0], question.sheet
    right = perform(step, table, [])
    assert carried_out(mind, question, step, table, right, Blame(), 7) != right
    assert carried_out(mind, question, step, table, right, Blame(truly=True), 7) == right
    assert carried_out(Mind(FAULTLESS), question, step, table, right, Blame(falsely=True), 7) == right


def trial(answer: str | None, right: bool = False, tokens: int = 10, checks: tuple[Check, ...] = ()) -> Trial:
    return Trial("t", answer, right, tokens, checks, "accepted", True, (1,))


def test_the_vote_is_a_majority_and_a_tie_goes_to_the_first() -> None:
    runs = [
        [trial("1"), trial("5"), trial(None)],
        [trial("2"), trial("6"), trial(None)],
        [trial("2"), trial("7"), trial("3")],
    ]
    found = majority(runs, ["2", "5", "3"])
    assert (found.credits, found.tokens) == ([1.0, 1.0, 1.0], [30.0, 30.0, 30.0])
    assert majority(runs[:2], ["2", "6", "3"]).credits == [0.0, 0.0, 0.0]


def test_a_mixture_costs_what_it_should() -> None:
    cheap, dear = Arm([0.0, 1.0], [10.0, 30.0], ["a", "b"]), Arm([1.0, 1.0], [40.0, 80.0], ["a", "b"])
    found = at_tokens(30.0, [cheap, dear])
    assert found.spent == pytest.approx(30.0)
    assert found.credits == pytest.approx([0.25, 1.0])
    assert at_tokens(5.0, [cheap, dear]) is cheap
    assert at_tokens(99.0, [cheap, dear]) is dear


def check(really: Truth, flag: Flag | None, right: bool, acted: bool = True) -> Check:
    return Check(really, flag, right, acted and flag is not None)


def test_flags_and_corrections_are_counted() -> None:
    plan, step = Flag(kind="plan", step=0, mistake="m"), Flag(kind="execution", step=1, mistake="m")
    good, bad = Truth(None, None), Truth(0, None)
    found = [
        trial("1", True, checks=(check(bad, plan, False), check(good, None, True))),
        trial("1", False, checks=(check(good, step, True), check(bad, step, False), check(bad, None, False))),
    ]
    values = {name: figure and (round(figure.value, 3), figure.n) for name, figure in figures.flags(found).items()}
    assert values == {
        "precision": (0.667, 3),
        "recall": (0.667, 3),
        "false alarms on good traces": (0.5, 2),
        "kind right": (0.5, 2),
        "step right, given the kind": (1.0, 1),
        "right route": (0.4, 5),
    }
    rounds = plain(figures.corrections(found))
    assert [(row["round"], row["corrections"]) for row in rounds] == [(1, 2), (2, 1), (0, 3)]
    assert (rounds[0]["broken to fixed"]["value"], rounds[0]["fixed to broken"]["value"]) == (1.0, 1.0)
    assert (rounds[1]["broken to fixed"]["value"], rounds[1]["fixed to broken"]) == (0.0, None)
    assert [figure.value for figure in figures.by_cap(found, 2)] == [0.5, 0.5, 0.5]


def test_a_whole_measurement_can_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fewer in {"RUNS": 3, "CANDIDATES": 3, "ACCURACIES": (0.65,), "SCORERS": (0.8,)}.items():
        monkeypatch.setattr(arms, name, fewer)
    world = arms.World(asked(3), Assumptions())
    parts = {
        "loops": asyncio.run(arms.loops(world)),
        "adaptive": asyncio.run(arms.adaptive(world)),
        "evidence": asyncio.run(arms.evidence(world)),
        "same": same(world.questions),
        "alike": {"pairs": alike(world.questions), "followed": followed(world.questions)},
    }
    shown = report(json.loads(json.dumps(plain(parts))))
    assert "| no loop |" in shown
    assert "random allocation" in shown
    assert "loop, 0.65 − flags at random (control)" in shown
    assert "| loop, 0.65, evidence cited |" in shown
    assert "| goals as one text |" in shown
    assert "| plan: wrong operation |" in shown
