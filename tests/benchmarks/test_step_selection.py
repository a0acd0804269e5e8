"""The measures of the benchmark of step judges, on worlds and labels small enough to know the result."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from adjudge import Case, Step, Trajectory
from adjudge.agents.budget import tokens_of
from benchmarks.steps import context, gains, people, report, searches
from benchmarks.steps.judges import Searcher, at_random, longest, majority, overlap, rollouts, search_step, seen_in
from benchmarks.steps.world import BUDGET, Passage, World

NAMES = "Alder Birch Cedar Dogwood Elder Fir Ginkgo Hazel Ivy Juniper".split()


def world() -> World:
    """Ten trees, each named in the passage before: the second gold passage is found by a name in the first."""
    passages = [
        Passage(name, f"The {name} stands beside the {following}, it is {place} metres high.")
        for place, (name, following) in enumerate(zip(NAMES, [*NAMES[1:], "wall"], strict=True))
    ]
    questions = [
        (f"q{place}", f"What stands beside that which the {NAMES[place]} has?", passages[place : place + 2])
        for place in range(6)
    ]
    return World("trees", passages, questions)


def test_a_state_with_all_gold_passages_is_worth_one_and_one_without_steps_nothing() -> None:
    trees = world()
    question = trees.questions[0]
    assert trees.value(question, question.gold, 0, 8, "a") == 1
    assert trees.value(question, frozenset(), 0, 8, "a") == 0
    assert 0 < trees.value(question, frozenset(), BUDGET, 64, "a") <= 1


def test_the_mean_gain_of_the_agents_own_steps_is_nothing() -> None:
    """What a random continuation is worth is the mean of what it is worth after its next step."""
    trees, draw = world(), random.Random(0)
    question = trees.questions[0]
    own = [
        trees.gain(question, frozenset(), trees.propose(question, frozenset(), draw), 2, 256, "a") for _ in range(200)
    ]
    assert abs(sum(own) / len(own)) < 0.25
    assert max(own) > 0 > min(own)


def test_a_query_that_finds_nothing_new_has_a_gain_of_at_most_nothing() -> None:
    trees = world()
    question = trees.questions[0]
    assert trees.gain(question, frozenset(), "the of and", 2, 256, "a") <= 0


def test_a_stream_of_rollouts_is_the_same_each_time_and_another_is_not() -> None:
    trees, again = world(), world()
    values = [trees.value(trees.questions[0], frozenset(), 2, 64, stream) for stream in "abcd"]
    assert values == [again.value(again.questions[0], frozenset(), 2, 64, stream) for stream in "abcd"]
    assert len(set(values)) > 1


def test_the_agent_proposes_the_same_for_the_same_seed_and_stops_when_all_is_found() -> None:
    trees = world()
    agent, question = Searcher(trees), trees.questions[0]
    first = [asyncio.run(agent.propose(question.text, [], seed)) for seed in (1, 1, 2, 3, 4)]
    assert first[0] == first[1]
    assert len({str(step) for step in first}) > 1
    done = [search_step("Alder Birch")]
    assert question.gold <= seen_in(trees, done)
    assert asyncio.run(agent.propose(question.text, done, 1)) is None


def test_the_simulated_judge_without_noise_prefers_what_is_worth_more() -> None:
    trees = world()
    question = trees.questions[0]
    past = Trajectory(steps=(search_step("xylophone"),) * (BUDGET - 2))  # two steps are left
    candidates = [search_step("xylophone"), search_step("Alder Birch")]
    case = Case(id="c", prompt=question.text, trajectory=past, candidates=candidates)
    nothing, everything = asyncio.run(_of(rollouts(trees, 64, "a"), case))
    assert nothing is not None
    assert everything is not None
    assert everything > nothing
    noisy = asyncio.run(_of(rollouts(trees, 64, "a", 2.0), case))
    assert noisy == asyncio.run(_of(rollouts(trees, 64, "a", 2.0), case))
    assert noisy != [nothing, everything]
    assert all(score is not None and -4 <= score <= 4 for score in noisy)


async def _of(scorer: object, case: Case) -> list[float | None]:
    return list(await scorer(case))  # type: ignore[operator]  # a scorer


def test_the_controls_look_at_words_alone() -> None:
    past = Trajectory(steps=(search_step("beside"),))
    queries = ["stands beside", "stands beside Alder", "nothing"]
    case = Case(id="c", prompt="What stands beside?", trajectory=past, candidates=[*map(search_step, queries)])
    assert asyncio.run(_of(longest, case)) == [13.0, 19.0, 7.0]
    assert asyncio.run(_of(overlap, case)) == [1.0, 1.0, 0.0]
    assert asyncio.run(_of(majority, case)) == [pytest.approx(1 / 3), pytest.approx(1 / 3), 0.0]
    assert asyncio.run(_of(at_random, case)) == asyncio.run(_of(at_random, case))


def test_a_judge_that_is_the_truth_correlates_with_it() -> None:
    trees = world()
    cases = gains.choices(trees, trees.questions)
    assert all(len({step.render() for step in case.candidates}) == gains.N for case in cases)
    found = gains.candidates(trees, cases, rollouts(trees, 32, "truth"))
    truth = gains.compare(found, [one.gain for one in found])
    assert truth.spearman.estimate == pytest.approx(1)
    assert truth.pearson.estimate == pytest.approx(1)
    assert truth.pairs.estimate == 1
    turned = gains.compare(found, [-one.gain for one in found])
    assert turned.spearman.estimate == pytest.approx(-1)
    assert turned.pairs.estimate == 0
    unscored = gains.compare(found, [None, *(one.gain for one in found[1:])])
    assert unscored.n == len(found) - 1


def test_every_way_to_search_is_run_on_the_same_questions() -> None:
    trees = world()
    found = searches.run({trees: trees.questions[:2]}, range(2), lambda: None)["trees"]
    assert len({tuple(question for question, _ in outcomes) for outcomes in found.values()}) == 1
    rows = searches.rows_of(found)
    assert rows[searches.FIRST].less.estimate == 0
    assert rows[searches.FIRST].agent <= BUDGET
    longer = rows["one search, 8 times the steps"].success.estimate
    assert longer >= rows[searches.FIRST].success.estimate  # the same search, gone on with
    assert report.searches_table({"trees": rows}).count("\n") == len(rows) + 1


@pytest.mark.parametrize(
    ("scores", "grades", "found"),
    [
        ((3, 2, 1), (1, 1, -1), (2.0, 2)),
        ((1, 2, 3), (1, 0, -1), (0.0, 3)),
        ((2, 2, 2), (1, 0, 0), (1.0, 2)),  # ties count half
        ((1, 2), (1, 1), (0.0, 0)),  # people see no difference
    ],
)
def test_pairs_of_steps_in_the_order_of_people(
    scores: tuple[float, ...], grades: tuple[float, ...], found: tuple[float, int]
) -> None:
    assert people.concordance(scores, grades) == found


def labelled(name: str, question: str, grades: tuple[float, ...], *, right: bool) -> people.Labelled:
    steps = tuple(Step(thought="x" * (place + 1)) for place in range(len(grades)))
    return people.Labelled(Case(id=name, prompt="?", trajectory=Trajectory(steps=steps)), question, grades, right)


FOUND = [
    labelled("a", "1", (1, 1, 1), right=True),
    labelled("b", "1", (1, -1), right=False),
    labelled("c", "1", (-1, -1), right=False),
    labelled("d", "2", (1,), right=True),  # people see no difference between the trajectories of this question
]


def test_a_judge_that_grades_as_people_do_agrees_with_them() -> None:
    for one in people.agreement(FOUND, {one.case.id: one.grades for one in FOUND}).values():
        assert (one.steps.estimate, one.pairs.estimate, one.best.estimate) == (1, 1, 1)
    assert people.chance(FOUND) == pytest.approx(1 / 3)


def test_a_trajectory_without_scores_agrees_with_nobody() -> None:
    scores: dict[str, people.Scores | None] = {one.case.id: one.grades for one in FOUND}
    mean = people.agreement(FOUND, scores | {"a": None})["mean"]
    assert (mean.pairs.estimate, mean.best.estimate) == (0, 0)
    assert people.agreement(FOUND, scores | {"b": None})["mean"].steps.estimate == 0
    nothing = people.agreement(FOUND, dict.fromkeys(scores))["mean"]
    assert nothing.pairs.estimate == 0


def test_the_controls_score_every_step() -> None:
    scored = {name: score(FOUND[0]) for name, score in people.controls(0).items()}
    assert scored["longer step"] == (1, 2, 3)
    assert scored["shorter step"] == (-1, -2, -3)
    assert scored["earlier step"] == (0, -1, -2)
    assert len(set(scored["random"])) == 3
    pairs, best = people.by_count(FOUND, lambda one: -float(len(one.grades)))
    assert (pairs.estimate, best.estimate) == (0, 0)


def test_labels_of_people_do_not_reach_the_judge(tmp_path: Path) -> None:
    home = tmp_path / "agentprocessbench_hotpotqa"
    home.mkdir()
    row = {
        "query_index": 1, "sample_index": 2, "question": "Who?", "step_labels": {"1": -1}, "final_label": -1,
        "messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ann."}],
    }  # fmt: skip
    (home / "trajectories.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    (one,) = people.load(tmp_path)
    assert (one.grades, one.right, one.question) == ((-1.0,), False, "1")
    assert one.case.label is None
    assert one.case.metadata == {}


def test_summaries_bound_the_prompt_where_the_full_history_grows() -> None:
    fillers = [f"Passage {n} tells of {' '.join(NAMES)} at length. " * 8 for n in range(12)]
    made = context.path(fillers, 0, many=True)
    short = context.Path30(made.steps[:8], {place: code for place, code in made.planted.items() if place < 8})
    walks = {}
    for name, make in context.arms().items():
        judge, model = make()
        walks[name] = asyncio.run(context.walk(judge, model, short, tokens_of))
    full, last, summed, cut = walks.values()
    assert full[7].judged > 2 * summed[7].judged
    assert [moment.recall for moment in full] == [1.0] * 8
    assert summed[7].recall == 1
    assert last[7].recall == 2 / 8
    assert cut[7].recall < 1
    assert summed[7].summed > 0 == full[7].summed == last[7].summed == cut[7].summed


def test_tables_name_what_is_not_known() -> None:
    unknown = people.agreement(FOUND[3:], {"d": (1.0,)})
    assert "–" in report.people_table({"judge": unknown}, 0.5)
    assert report.kept(unknown["mean"].best)["value"] is None
