"""Scores of next steps from a recursive summary, before they run (PRInTS)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.agents.budget import tokens_of
from adjudge.agents.trajectory_summarizer import HEADINGS
from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel, TokenLogprob
from adjudge.models.scripted import Request, Script
from adjudge.types import Case, Ranking, Step, Trajectory, Unscored, Verdict
from adjudge.types.messages import assistant

CURRENT = re.compile(r"<<<current step \S+\n(.*?)\n\S+>>>", re.DOTALL)


def summarizing(request: Request) -> bool:
    return "confirmed_knowledge" in request.text


def summary(text: str = "x") -> str:
    return json.dumps(dict.fromkeys(HEADINGS, text))


def worth(request: Request) -> Script:
    """The number that the current step states."""
    if summarizing(request):
        return summary()
    step = CURRENT.findall(str(request.messages[-1]["content"]))[-1]
    number = float(re.findall(r"worth (-?[\d.]+)", step)[-1])
    return json.dumps({"dimensions": [{"name": "progress", "assessment": "some"}], "score": number})


def judged_by(script: Callable[[Request], Script] = worth, **more: Any) -> tuple[Judge, ScriptedModel]:
    model = ScriptedModel(script)
    return Judge.load("information_gain", model=model, **more), model


def steps(*observations: str | None) -> Trajectory:
    return Trajectory(
        steps=tuple(
            Step(thought=f"thought {number}, worth 1", tool="search", arguments={"query": "{a}}"}, observation=seen)
            for number, seen in enumerate(observations)
        )
    )


def case(*candidates: str, past: Trajectory | None = None) -> Case:
    return Case(id="s", prompt="Who?", trajectory=past, candidates=list(candidates))


def test_candidates_are_scored_alone_and_ranked() -> None:
    judge, _ = judged_by()
    outcome = judge(case("a, worth 1", "b, worth 3.5", "c, worth -4", past=steps("found"))).outcome
    assert isinstance(outcome, Verdict)
    assert outcome.scores == (1.0, 3.5, -4.0)
    assert (outcome.winner, outcome.ranking) == ("B", ("B", "A", "C"))


def test_the_summary_is_recursive_and_folds_in_the_result_of_the_step_before() -> None:
    judge, model = judged_by()
    judge(case("a, worth 1", past=steps("RESULT-0", "RESULT-1", "RESULT-2")))
    asked = [str(request.messages[-1]["content"]) for request in model.requests if summarizing(request)]
    assert len(asked) == 3
    assert ["RESULT-0" in text for text in asked] == [False, True, False]
    assert ["summary so far" in text for text in asked] == [False, True, True]
    assert not any("RESULT-2" in text for text in asked)  # the last result is what the step is judged from


def test_a_step_is_judged_from_summary_last_result_and_itself_alone() -> None:
    judge, model = judged_by()
    past = steps("RESULT-0", "RESULT-1")
    judge(case("a, worth 1", past=past))
    seen = str(model.requests[-1].messages[-1]["content"])
    assert "Confirmed knowledge: x" in seen
    assert "RESULT-1" in seen
    assert "RESULT-0" not in seen
    assert "thought 0" not in seen


@pytest.mark.parametrize(("history", "shown"), [("full", [True, True, True]), ("last", [False, True, True])])
def test_full_history_and_the_last_steps_stand_in_for_the_summary_as_controls(history: str, shown: list[bool]) -> None:
    judge, model = judged_by(settings=[f"nodes.judge.history={history}"])
    judge(case("a, worth 1", past=steps("R-0", "R-1", "R-2")))
    seen = str(model.requests[-1].messages[-1]["content"])
    assert [f"R-{number}" in seen for number in range(3)] == shown
    assert "Confirmed knowledge" not in seen


def test_summaries_that_are_known_are_not_made_again() -> None:
    judge, model = judged_by()
    first = judge.rank(case("a, worth 1", "b, worth 2", past=steps("R-0", "R-1")), strategy="pointwise")
    assert len(first.summaries) == 2
    model.requests.clear()
    longer = case("a, worth 1", "b, worth 2", past=steps("R-0", "R-1", "R-2"))
    second = judge.rank(longer.model_copy(update={"summaries": first.summaries}), strategy="pointwise")
    assert second.summaries[:2] == first.summaries
    assert sum(map(summarizing, model.requests)) == 1


@pytest.mark.parametrize("score", [4.1, -4.1, -40, "4", None, True, float("nan")])
def test_a_score_that_is_not_on_the_scale_is_unscored_and_never_the_lowest(score: object) -> None:
    def script(request: Request) -> Script:
        return json.dumps({"dimensions": [{"name": "progress", "assessment": "some"}], "score": score})

    outcome = judged_by(script, settings=["nodes.judge.repair=0"])[0](case("a", "b")).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "parse_failure"


def test_one_unreadable_candidate_does_not_cost_the_others_their_scores() -> None:
    def script(request: Request) -> Script:
        return "no idea" if "worth 2" in str(request.messages[-1]["content"]) else worth(request)

    judge, _ = judged_by(script, settings=["nodes.judge.repair=0"])
    outcome = judge.rank(case("a, worth 1", "b, worth 2", "c, worth 3"), strategy="pointwise").outcome
    assert isinstance(outcome, Ranking)
    assert outcome.scores == (1.0, None, 3.0)


def test_braces_in_a_reply_do_not_cut_it() -> None:
    def script(request: Request) -> Script:
        if summarizing(request):
            return "Think: {not json}.\n" + summary('called search({"q": {}}) }')
        return 'First {a draft}. {"dimensions": [{"name": "n", "assessment": "uses {\\"q\\": 1}"}], "score": 2.5} end }'

    result = judged_by(script)[0].rank(case("a", "b", past=steps("R")), strategy="pointwise")
    assert isinstance(result.outcome, Ranking)
    assert result.outcome.scores == (2.5, 2.5)
    assert 'called search({"q": {}}) }' in result.summaries[0]


def test_a_summary_without_its_headings_or_over_its_budget_is_sent_back() -> None:
    replies = iter([json.dumps({"confirmed_knowledge": "x"}), summary("word " * 2000), summary("short")])

    def script(request: Request) -> Script:
        return next(replies) if summarizing(request) else worth(request)

    result = judged_by(script)[0].rank(case("a, worth 1", "b, worth 2", past=steps("R")), strategy="pointwise")
    assert result.usage.repairs == 2
    assert "short" in result.summaries[0]


def test_a_trajectory_is_judged_step_by_step() -> None:
    def script(request: Request) -> Script:
        return worth(request)

    past = Trajectory(steps=tuple(Step(thought=f"worth {number}") for number in (3, 1, -2, 2)))
    outcome = judged_by(script)[0](case(past=past)).outcome
    assert isinstance(outcome, Verdict)
    assert outcome.scores == (3.0, 1.0, -2.0, 2.0)
    assert outcome.first_wrong_step == 2


def test_a_candidate_is_judged_before_its_result_is_known() -> None:
    judge, model = judged_by()
    done = Step(thought="a, worth 1", tool="search", observation="SECRET RESULT")
    judge(Case(id="s", prompt="?", candidates=[done, Step(thought="b, worth 2")]))
    assert not any("SECRET RESULT" in request.text for request in model.requests)


def test_prompts_stay_bounded_over_thirty_long_steps() -> None:
    judge, model = judged_by()
    long = steps(*["finding " * 5000] * 30)
    judge.rank(case("a, worth 1", "b, worth 2", past=long), strategy="pointwise")
    sizes = [len(request.text) for request in model.requests]
    assert max(sizes) < 20_000
    assert max(sizes[30:]) <= 1.05 * max(sizes[:4])


def test_a_reply_that_was_cut_off_is_not_read_by_a_score_within_its_dimensions() -> None:
    def script(request: Request) -> Script:
        return Choice(assistant('{"dimensions": [{"name": "progress", "score": 3}, {"name": "val'), finish="length")

    outcome = judged_by(script, settings=["nodes.judge.repair=0"])[0](case("a", "b")).outcome
    assert isinstance(outcome, Unscored)


def test_scores_stay_as_they_were_given() -> None:
    outcome = judged_by(settings=["scale.min=0", "scale.max=0.25"])[0](case("worth 0.25", "worth 0.2")).outcome
    assert isinstance(outcome, Verdict)
    assert outcome.scores == (0.25, 0.2)  # rounded to a decimal the first would lie beyond the scale


def test_a_bias_in_the_order_of_candidates_cannot_show_since_each_is_asked_for_once() -> None:
    judge, model = judged_by(orders="both")
    assert judge.rank(case("worth 1", "worth 3", "worth 2"), strategy="all_pairs").strategy == "pointwise"
    assert len(model.requests) == 3


def test_the_reasons_of_candidates_stand_under_their_own_letters() -> None:
    outcome = judged_by()[0](case("worth 1", "worth 3", "worth 2")).outcome
    assert isinstance(outcome, Verdict)
    assert [line[:2] for line in outcome.rationale.splitlines()] == ["A:", "B:", "C:"]


def test_what_belongs_to_the_task_is_shown_with_it() -> None:
    judge, model = judged_by()
    judge(case("worth 1", "worth 2").model_copy(update={"reference": "THE REFERENCE", "culture": "THE CULTURE"}))
    seen = str(model.requests[-1].messages[-1]["content"])
    assert "THE REFERENCE" in seen
    assert "THE CULTURE" in seen


def test_full_history_tells_that_a_result_is_missing() -> None:
    judge, model = judged_by(settings=["nodes.judge.history=full"])
    judge(case("worth 1", past=steps("R-0", None)))
    assert "(no result was recorded)" in str(model.requests[-1].messages[-1]["content"])


def test_a_summary_that_stays_too_long_is_cut_where_it_is_longest_and_marked() -> None:
    def script(request: Request) -> Script:
        told = dict.fromkeys(HEADINGS, "short") | {"uncertainty": "word " * 3000}
        return json.dumps(told) if summarizing(request) else worth(request)

    (made,) = judged_by(script)[0].rank(case("worth 1", "worth 2", past=steps("R")), strategy="pointwise").summaries
    assert 600 < tokens_of(made) <= 800
    assert made.count("short") == 5
    assert "word…\nPrevious" in made


def test_a_summary_that_cannot_be_read_leaves_those_before_it() -> None:
    def script(request: Request) -> Script:
        if summarizing(request):
            return "no" if "R-1" in request.text else summary()
        return worth(request)

    result = judged_by(script)[0].rank(case("worth 1", "worth 2", past=steps("R-0", "R-1", "R-2")))
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.detail == "the summary of step 2 cannot be read"
    assert len(result.summaries) == 2


def most_likely(name: str) -> Choice:
    return Choice(assistant(name), logprobs=(TokenLogprob(name, 0.0, ((name, 0.0),)),))


@pytest.mark.parametrize(("name", "score"), [("A", -4.0), ("E", 0.0), ("I", 4.0)])
def test_the_embedded_model_reads_a_cut_summary_and_its_letters_are_points(name: str, score: float) -> None:
    model = ScriptedModel(lambda request: most_likely(name), embedded=True)
    judge = Judge.load("information_gain", model=model)
    past = steps("R-0 " * 2000, "R-1 " * 2000, "R-2")
    result = judge.rank(case("the first", "the second", past=past), strategy="pointwise")
    assert isinstance(result.outcome, Ranking)
    assert result.outcome.scores == (score, score)
    assert result.usage.model_calls == 2
    assert all(tokens_of(made) <= 800 for made in result.summaries)
    seen = str(model.requests[-1].messages[-1]["content"])
    assert all(text in seen for text in ("thought 2", "R-1", "R-2", "the second"))
    assert "R-0" not in seen


def test_the_embedded_model_judges_a_trajectory_step_by_step() -> None:
    model = ScriptedModel(lambda request: most_likely("C"), embedded=True)
    outcome = Judge.load("information_gain", model=model)(case(past=steps("R-0", "R-1", "R-2"))).outcome
    assert isinstance(outcome, Verdict)
    assert outcome.scores == (-2.0,) * 3
    assert "R-2" not in "".join(request.text for request in model.requests)


def test_where_no_label_is_likely_the_embedded_model_has_no_score() -> None:
    model = ScriptedModel(lambda request: most_likely("Z"), embedded=True)
    outcome = Judge.load("information_gain", model=model)(case("a", "b")).outcome
    assert isinstance(outcome, Unscored)


def test_a_long_trajectory_reaches_the_limit_and_has_no_scores() -> None:
    judge, model = judged_by(settings=["limits.model_calls=9"])
    outcome = judge(case(past=steps(*["R"] * 30))).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "limit"
    assert len(model.requests) == 9


@given(st.lists(st.text(max_size=40), min_size=6, max_size=6))
@settings(max_examples=25, deadline=None)
def test_whatever_a_summary_says_it_keeps_its_budget_and_its_headings(texts: list[str]) -> None:
    long = dict(zip(HEADINGS, (text * 90 for text in texts), strict=True))

    def script(request: Request) -> Script:
        return (
            json.dumps(long)
            if summarizing(request)
            else json.dumps({"dimensions": [{"name": "progress", "assessment": "some"}], "score": 1})
        )

    judge, _ = judged_by(script, settings=["nodes.summarize.budget_tokens=120", "nodes.summarize.repair=0"])
    (made,) = judge.rank(case("a", "b", past=steps("R")), strategy="pointwise").summaries
    assert tokens_of(made) <= 120
    assert all(f"{title}:" in made for title in HEADINGS.values())
