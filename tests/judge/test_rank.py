"""Ranking a group: evidence once, comparisons as the strategy asks, failures never a score."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from adjudge.errors import CaseError, ConfigError, ModelError
from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request, Script
from adjudge.types import Case, Ranking, RankResult, Response, Strategy, Unscored, Verdict

SHOWN = re.compile(r"<<<response(?: ([A-Z]+))? \S*\n(?:quality )?(-?\d+)")
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def shown(request: Request) -> dict[str, float]:
    """Letters as shown, with the quality that their texts state; a single response has no letter."""
    last = str(request.messages[-1]["content"])
    return {name or "A": float(quality) for name, quality in SHOWN.findall(last)}


def verdict(scores: dict[str, float], **more: Any) -> str:
    own = {"score": next(iter(scores.values()))} if len(scores) == 1 else {"scores": scores}
    return json.dumps({**more, "rationale": "By quality.", "citations": [], **own, "confidence": 0.9})


def by_quality(request: Request) -> Script:
    return verdict(shown(request))


def judged_by(script: Callable[[Request], Script], graph: str = "direct", **more: Any) -> Judge:
    return Judge.load(graph, model=ScriptedModel(script), **more)


def group(*qualities: int | str, **more: Any) -> Case:
    texts = [f"quality {q}" if isinstance(q, int) else q for q in qualities]
    return Case(id="g", prompt="Which is best?", responses=texts, **more)


def ranking(result: RankResult) -> Ranking:
    assert isinstance(result.outcome, Ranking)
    return result.outcome


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_finds_the_order_of_an_honest_judge(strategy: Strategy) -> None:
    outcome = ranking(judged_by(by_quality).rank(group(3, 9, 5, 7), strategy=strategy))
    assert outcome.winner == outcome.ranking[0] == "B"
    if strategy != "knockout":
        assert outcome.ranking == ("B", "D", "C", "A")


def test_all_pairs_is_the_published_mean_over_both_orders() -> None:
    def first_gets_two_more(request: Request) -> Script:
        scores = shown(request)
        return verdict({name: score + 2 * (name == "A") for name, score in scores.items()})

    result = judged_by(first_gets_two_more).rank(group(2, 4, 6))
    assert ranking(result).scores == (3.0, 5.0, 7.0)  # each is shown first in half of its comparisons: + 1
    assert len(result.comparisons) == 6
    assert sorted(c.shown for c in result.comparisons) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]


def test_a_comparison_names_responses_by_the_letters_of_the_group() -> None:
    result = judged_by(by_quality).rank(group(2, 4, 6))
    last = next(c for c in result.comparisons if c.shown == (2, 1))
    assert isinstance(last.outcome, Verdict)
    assert last.outcome.winner == "C"
    assert last.outcome.scores == (6.0, 4.0)
    assert last.outcome.rationale == "[Shown as A, B: responses C, B.] By quality."


def test_evidence_is_gathered_once_for_all_comparisons(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps({"id": "d", "title": "Best", "text": "Which is best? The quality is 9."}))
    searched = {"id": "1", "type": "function", "function": {"name": "corpus", "arguments": '{"query": "best"}'}}

    def script(request: Request) -> Script:
        if not request.may_call:
            return by_quality(request)
        if any(message["role"] == "tool" for message in request.messages):
            return "The item settles it."
        return {"role": "assistant", "content": "", "tool_calls": [searched]}

    model = ScriptedModel(lambda request: _message(script(request)))
    result = Judge.load("evidence", model=model, corpus=corpus).rank(group(3, 9, 5))
    assert ranking(result).winner == "B"
    assert result.usage.tool_calls == 1
    assert len(result.evidence) == 1
    assert result.usage.model_calls == 2 + 6  # the gatherer's two turns, and three pairs in both orders


def _message(reply: Script) -> Script:
    from adjudge.models.base import Choice

    return Choice(reply, "tool_calls") if isinstance(reply, dict) and "role" in reply else reply  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("responses", "scores", "names", "winner", "calls"),
    [
        ([Response(text="quality 4", complete=False), "quality 2", "quality 6"], (None, 2, 6), ("C", "B"), "C", 2),
        (["", "quality 2", "  \n"], (None, None, None), ("B",), "B", 0),  # the published code divides by zero here
        (["quality 3", "quality 3", "quality 5"], (3, 3, 5), ("C", "A", "B"), "C", 2),  # the same text is asked once
        (["quality 3", "quality 3"], (None, None), ("A", "B"), "tie", 0),
        (["quality 3"], (None,), ("A",), "A", 0),
        (["quality 3", "quality 4"], (3, 4), ("B", "A"), "B", 2),
    ],
)
def test_incomplete_and_identical_responses(
    responses: list[Any], scores: tuple[float | None, ...], names: tuple[str, ...], winner: str, calls: int
) -> None:
    result = judged_by(by_quality).rank(Case(id="g", prompt="?", responses=responses))
    outcome = ranking(result)
    assert (outcome.scores, outcome.ranking, outcome.winner) == (scores, names, winner)
    assert result.usage.model_calls == calls


def test_a_group_without_a_complete_response_is_unscored_and_costs_nothing() -> None:
    result = judged_by(by_quality).rank(Case(id="g", prompt="?", responses=["", Response(text="x", complete=False)]))
    assert isinstance(result.outcome, Unscored)
    assert result.outcome.reason == "bad_case"
    assert result.usage.model_calls == 0


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(CaseError, match="at least one of its responses"):
        judged_by(by_quality).rank(Case(id="g", prompt="?"))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_outage_is_no_score(strategy: Strategy) -> None:
    def away(request: Request) -> Script:
        return ModelError("the server is away", retryable=True)

    outcome = judged_by(away).rank(group(1, 2, 3), strategy=strategy).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "model_failure"
    assert outcome.transient


def test_a_response_whose_comparisons_all_fail_has_no_score_and_the_others_have() -> None:
    def not_seven(request: Request) -> Script:
        return "I would rather not." if 7.0 in shown(request).values() else by_quality(request)

    outcome = ranking(judged_by(not_seven, settings=["nodes.judge.repair=0"]).rank(group(3, 7, 5)))
    assert outcome.scores == (3.0, None, 5.0)
    assert outcome.ranking == ("C", "A")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_judge_that_always_prefers_the_first_ranks_nobody_above_another(strategy: Strategy) -> None:
    def first(request: Request) -> Script:
        names = list(shown(request))
        return verdict({name: 9.0 if name == "A" else 1.0 for name in names})

    outcome = ranking(judged_by(first).rank(group(1, 2, 3, 4), strategy=strategy))
    if strategy in ("all_pairs", "pointwise"):
        assert len(set(outcome.scores)) == 1
        assert outcome.winner == "tie"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_responses_that_tie_everywhere(strategy: Strategy) -> None:
    def same(request: Request) -> Script:
        return verdict(dict.fromkeys(shown(request), 5.0))

    outcome = ranking(judged_by(same).rank(group(1, 2, 3, 4), strategy=strategy))
    assert all(score is not None for score in outcome.scores)
    assert sorted(outcome.ranking) == ["A", "B", "C", "D"]


def test_a_judge_that_is_intransitive_still_yields_a_ranking() -> None:
    beats = {(1, 2), (2, 3), (3, 1)}

    def circle(request: Request) -> Script:
        names = shown(request)
        (a, one), (b, other) = names.items()
        return verdict({a: 8.0, b: 2.0} if (one, other) in beats else {a: 2.0, b: 8.0})

    for strategy in ("all_pairs", "knockout", "adaptive"):
        assert sorted(ranking(judged_by(circle).rank(group(1, 2, 3), strategy=strategy)).ranking) == ["A", "B", "C"]


def test_a_hundred_responses_within_a_budget() -> None:
    def hundredths(request: Request) -> Script:
        return verdict({name: score / 10 for name, score in shown(request).items()})

    result = judged_by(hundredths, scale={"min": 0, "max": 10}).rank(
        group(*range(1, 101)), strategy="adaptive", budget=60
    )
    assert len(result.comparisons) <= 60
    assert isinstance(result.outcome, Ranking)


def test_a_pairwise_graph_with_labels_ranks_by_its_winners() -> None:
    def winner(request: Request) -> Script:
        names = shown(request)
        best = max(names, key=lambda name: names[name])
        return json.dumps({"rationale": "", "citations": [], "winner": best, "confidence": 1})

    judge = Judge.load("direct", model=ScriptedModel(winner), scale={"labels": ["A", "B", "tie"]})
    assert ranking(judge.rank(group(3, 9, 5))).ranking == ("B", "C", "A")


def test_with_one_order_each_pair_is_asked_once_in_a_drawn_order() -> None:
    result = judged_by(by_quality, orders="one").rank(group(1, 2, 3, 4, 5, 6))
    assert len(result.comparisons) == 15
    assert len({c.shown[0] < c.shown[1] for c in result.comparisons}) == 2
    assert ranking(result).ranking == ("F", "E", "D", "C", "B", "A")


def test_a_second_ranking_with_a_journal_calls_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(by_quality)
    with Judge.load("direct", model=model, journal=tmp_path / "j.sqlite") as judge:
        first, calls = judge.rank(group(1, 2, 3)), len(model.requests)
        assert judge.rank(group(1, 2, 3)).outcome == first.outcome
        assert len(model.requests) == calls


def test_the_judge_sees_neither_label_nor_the_names_of_models() -> None:
    model = ScriptedModel(by_quality)
    case = Case(prompt="?", responses=[Response(text="quality 1", model="SECRET-1"), "quality 2"], label="SECRET-2")
    Judge.load("direct", model=model).rank(case)
    assert not any("SECRET" in request.text for request in model.requests)


def test_a_graph_that_is_not_cut_before_its_judge_is_refused() -> None:
    answer = {
        "name": "answers",
        "mode": "answer",
        "models": {"default": "auto"},
        "nodes": {"answer": {"agent": "answerer"}},
        "edges": {"start": "answer", "answer": "end"},
    }
    with pytest.raises(ConfigError, match=r"cannot rank a group|a judge cannot"):
        Judge(answer, models={"default": ScriptedModel(by_quality)}).rank(group(1, 2))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"strategy": "all_pair"}, "did you mean 'all_pairs'"),
        ({"budget": 0}, "at least 1"),
        ({"confidence": 1.5}, "between 0 and 1"),
        ({"goal": "worst"}, "allowed: ranking, best"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        judged_by(by_quality).rank(group(1, 2), **wrong)


def test_grouped_writes_principles_of_its_own_before_it_scores() -> None:
    def with_principles(request: Request) -> Script:
        assert "principles" in request.text
        own = [{"name": "truth", "weight": 0.7}, {"name": "brevity", "weight": 0.3}]
        return verdict(shown(request), principles=own)

    result = judged_by(with_principles, "grouped").rank(group(3, 9, 5))
    assert ranking(result).ranking == ("B", "C", "A")
    outcome = result.comparisons[0].outcome
    assert isinstance(outcome, Verdict)
    assert [(item.name, item.weight) for item in outcome.principles] == [("truth", 0.7), ("brevity", 0.3)]


@pytest.mark.parametrize("principles", [None, [], [{"name": "x"}], [{"name": "x", "weight": 0}], "truth"])
def test_a_verdict_of_grouped_without_usable_principles_is_no_verdict(principles: object) -> None:
    def script(request: Request) -> Script:
        return verdict(shown(request), **({} if principles is None else {"principles": principles}))

    outcome = judged_by(script, "grouped", settings=["nodes.judge.repair=0"]).rank(group(3, 9)).outcome
    assert isinstance(outcome, Unscored)
    assert outcome.reason == "parse_failure"
