"""`decide: logprobs`: probabilities of the labels at the verdict token."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.judge import Judge
from adjudge.models import Choice, ScriptedModel, TokenLogprob
from adjudge.models.scripted import Request, label_choice
from adjudge.types import Case, JudgeResult, Unscored, Verdict
from adjudge.types.messages import assistant

PAIR = Case(id="c", prompt="?", responses=["the good one", "the bad one"])
ONE = Case(id="c", prompt="?", responses=["an answer"])
Reply = Choice | Callable[[Request], Choice]


def judged(reply: Reply, case: Case = PAIR, **changes: Any) -> JudgeResult:
    model = ScriptedModel(reply if callable(reply) and not isinstance(reply, Choice) else lambda _: reply)
    spec = {
        "name": "own",
        "mode": "pairwise",
        "nodes": {"judge": {"agent": "judge", "decide": "logprobs"}},
        "edges": {"start": "judge", "judge": "end"},
        "orders": "one",
        **changes,
    }
    return asyncio.run(Judge(spec, models={"default": model}).ajudge(case))


def at(key: str, value: object) -> dict[str, Any]:
    """An override by its dotted key."""
    return {key: value}


def verdict(result: JudgeResult) -> Verdict:
    assert isinstance(result.outcome, Verdict), result.outcome
    return result.outcome


def prefers_good(request: Request) -> Choice:
    good_first = request.text.index("the good one") < request.text.index("the bad one")
    return label_choice({"A": 0.6, "B": 0.2} if good_first else {"A": 0.2, "B": 0.6})


def test_probabilities_are_normalised_over_the_labels_and_laid_on_the_scale() -> None:
    result = verdict(judged(prefers_good, scale={"min": 1, "max": 5}))
    assert result.scores == pytest.approx((4.0, 2.0))  # 0.75 and 0.25 of the way from 1 to 5
    assert result.confidence == pytest.approx(0.75)
    assert (result.winner, result.ranking, result.rationale) == ("A", ("A", "B"), "")


def test_a_judge_that_always_says_a_is_averaged_to_a_tie() -> None:
    result = judged(label_choice({"A": 0.9, "B": 0.1}), orders="both")
    assert verdict(result).winner == "tie"
    assert result.order_consistent is False
    assert [vote.order for vote in result.votes] == [(0, 1), (1, 0)]


def test_spellings_of_a_label_add_up() -> None:
    result = verdict(judged(label_choice({"A": 0.2, " a": 0.2, "A\n": 0.1, "B": 0.5, "Both": 0.2})))
    assert result.scores[0] == pytest.approx(result.scores[1])


def test_two_tokens_that_read_alike_both_count() -> None:
    top = (("A", math.log(0.3)), ("A", math.log(0.3)), ("B", math.log(0.4)))
    choice = Choice(assistant("B"), logprobs=(TokenLogprob("B", top[2][1], top),))
    assert verdict(judged(choice)).confidence == pytest.approx(0.6)


def test_without_alternatives_the_sampled_token_is_all_there_is() -> None:
    choice = Choice(assistant("B"), logprobs=(TokenLogprob("B", -0.1),))
    assert verdict(judged(choice)).confidence == pytest.approx(1.0)


def test_equal_probabilities_are_a_tie() -> None:
    assert verdict(judged(label_choice({"A": 0.5, "B": 0.5}))).winner == "tie"


def test_a_tie_is_a_label_of_its_own_where_the_scale_has_one() -> None:
    labels = {"labels": ["A", "B", "tie"]}
    tied = verdict(judged(label_choice({"C": 0.8, "A": 0.1, "B": 0.1}), scale=labels))
    assert (tied.winner, tied.scores) == ("tie", ())
    assert tied.confidence == pytest.approx(0.8)


def test_a_tie_in_one_order_and_a_winner_in_the_other_do_not_break_the_judgement() -> None:
    def reply(request: Request) -> Choice:
        good_first = request.text.index("the good one") < request.text.index("the bad one")
        return label_choice({"A": 0.9, "B": 0.1}) if good_first else label_choice({"C": 0.8, "A": 0.1, "B": 0.1})

    result = judged(reply, orders="both", scale={"labels": ["A", "B", "tie"]})
    assert verdict(result).winner == "tie"
    assert verdict(result).ranking == ()


@pytest.mark.parametrize(
    "choice",
    [
        label_choice({"<think>": 0.9, "The": 0.1}),
        Choice(assistant("A")),
        Choice(assistant("A"), logprobs=(TokenLogprob("A", math.nan),)),
        Choice(assistant("A"), logprobs=(TokenLogprob("A", -math.inf),)),
    ],
)
def test_without_any_label_there_is_no_score(choice: Choice) -> None:
    outcome = judged(choice).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "parse_failure"


def test_digits_stand_for_themselves_and_the_score_is_their_mean() -> None:
    seen: list[str] = []

    def reply(request: Request) -> Choice:
        seen.append(request.text)
        return label_choice({"4": 0.5, "5": 0.25, "1": 0.25})

    result = verdict(judged(reply, ONE, mode="pointwise", scale={"min": 1, "max": 5}))
    assert result.scores == pytest.approx((3.5,))
    assert "a digit from 1 (worst) to 5 (best)" in seen[0]


def test_points_that_need_more_than_a_digit_get_letters() -> None:
    seen: list[str] = []

    def reply(request: Request) -> Choice:
        seen.append(request.text)
        return label_choice({"J": 1.0})

    assert verdict(judged(reply, ONE, mode="pointwise")).scores == pytest.approx((10.0,))
    assert "A for 1; B for 2" in seen[0]


def test_a_certain_model_does_not_leave_the_scale() -> None:
    top = (("5", 1e-16), ("4", -40.0))
    choice = Choice(assistant("5"), logprobs=(TokenLogprob("5", 1e-16, top),))
    score = verdict(judged(choice, ONE, mode="pointwise", scale={"min": 1, "max": 5})).scores[0]
    assert 4.99 < score <= 5.0


def test_labels_of_a_pointwise_judge_are_positions() -> None:
    result = verdict(
        judged(label_choice({"C": 0.9, "B": 0.1}), ONE, mode="pointwise", scale={"labels": ["bad", "ok", "good"]})
    )
    assert result.label == "good"
    assert result.scores == pytest.approx((1.9,))


def test_each_criterion_is_asked_for_by_itself() -> None:
    case = Case(prompt="?", responses=["x"], rubric=[{"name": "facts", "weight": 3}, {"name": "style"}])

    def reply(request: Request) -> Choice:
        return label_choice({"5": 1.0} if "facts" in request.text else {"1": 1.0})

    result = judged(reply, case, mode="pointwise", scale={"min": 1, "max": 5})
    assert [criterion.score for criterion in verdict(result).criteria] == pytest.approx([5.0, 1.0])
    assert verdict(result).scores == pytest.approx((4.0,))
    assert result.usage.model_calls == 2


def test_steps_are_graded_one_by_one_and_the_first_below_the_middle_is_wrong() -> None:
    case = Case(prompt="?", trajectory={"steps": [{"thought": "fine"}, {"thought": "bad"}, {"thought": "bad"}]})

    def reply(request: Request) -> Choice:
        return label_choice({"5": 1.0} if "How right is step 0" in request.text else {"1": 1.0})

    result = verdict(judged(reply, case, mode="step", scale={"min": 1, "max": 5}))
    assert result.scores == pytest.approx((5.0, 1.0, 1.0))
    assert result.first_wrong_step == 1


@pytest.mark.parametrize("scale", [{"min": 0, "max": 100}, {"min": 0, "max": 0.5}])
def test_a_scale_that_one_token_cannot_tell_is_refused_at_load(scale: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="at most 20 points"):
        judged(label_choice({"1": 1.0}), ONE, mode="pointwise", scale=scale)


def test_more_responses_than_a_model_reports_labels_for_have_no_verdict() -> None:
    case = Case(prompt="?", responses=[str(number) for number in range(25)])
    outcome = judged(label_choice({"A": 1.0}), case, mode="listwise").outcome
    assert isinstance(outcome, Unscored)
    assert "more than the 20" in outcome.detail


def test_a_model_without_logprobs_is_refused_at_load() -> None:
    model = ScriptedModel(abilities=["chat"])
    with pytest.raises(ConfigError, match="logprobs") as caught:
        Judge.load("direct", model=model, **at("nodes.judge.decide", "logprobs"))
    assert caught.value.key == "nodes.judge.decide"
    assert caught.value.allowed == ("generate",)
