"""Pairs from groups: the best response, what stands against it, and when a ranking is no preference."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from adjudge import Journal, Judge, ScriptedModel
from adjudge.errors import ModelError
from adjudge.models.scripted import Request
from adjudge.selection import Dropped, Preference, Rule, Selection
from adjudge.selection.rule import Rejected
from adjudge.types import Case, Response, Strategy

Judging = Callable[..., Judge]
PAIRWISE: tuple[Strategy, ...] = ("all_pairs", "knockout", "adaptive")
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def group(*names: str, **more: Any) -> Case:
    return Case(**{"id": "g", "prompt": "?", "responses": [f"[{name}] said" for name in names], **more})


def texts(item: Preference | Dropped) -> tuple[str, str] | str:
    """What was chosen and rejected, or the reason."""
    if isinstance(item, Dropped):
        return item.reason
    responses = item.candidates.case.responses
    return responses[item.chosen].text[1:-6], responses[item.rejected].text[1:-6]


def only(judge: Judge, case: Case, rule: Rule = Rule(), **more: Any) -> tuple[str, str] | str:  # noqa: B008 - frozen
    (item,) = Selection(judge, [case], rule, **more)
    return texts(item)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_best_stands_against_the_worst(judging: Judging, by_number: Any, strategy: Strategy) -> None:
    found = only(judging(by_number), group("3", "8", "1", "5"), strategy=strategy)
    worst = ("1", "3", "5") if strategy == "knockout" else ("1",)  # a bracket finds a winner, and little else
    assert found in [("8", other) for other in worst]


@pytest.mark.parametrize("rejected", get_args(Rejected))
def test_what_stands_against_the_best_can_be_chosen(judging: Judging, by_number: Any, rejected: Rejected) -> None:
    found = {
        only(judging(by_number), group("3", "8", "1", "5"), Rule(rejected=rejected, seed=seed), strategy="all_pairs")
        for seed in range(20)
    }
    expected = {"worst": {"1"}, "second": {"5"}, "random": {"1", "3", "5"}}[rejected]
    assert found == {("8", other) for other in expected}


@pytest.mark.parametrize("strategy", PAIRWISE)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_of_a_judge_that_always_prefers_the_first_no_pair_survives(
    judging: Judging, strategy: Strategy, count: int
) -> None:
    judge = judging(lambda names: [9.0, 1.0])
    found = only(judge, group(*map(str, range(count))), strategy=strategy)
    assert found in ("orders_disagree", "tie", "intransitive")


@pytest.mark.parametrize("strategy", PAIRWISE)
@pytest.mark.parametrize("order", list(itertools.permutations("012")))
def test_of_a_judge_that_goes_in_a_circle_no_pair_survives(
    judging: Judging, strategy: Strategy, order: tuple[str, ...]
) -> None:
    """0 beats 1 beats 2 beats 0: whoever a strategy puts first is beaten by somebody."""

    def says(names: tuple[str, ...]) -> list[float]:
        one, other = map(int, names)
        return [8.0, 2.0] if (one + 1) % 3 == other else [2.0, 8.0]

    assert only(judging(says), group(*order), strategy=strategy) in ("tie", "intransitive")


@pytest.mark.parametrize("strategy", PAIRWISE)
def test_responses_that_tie_everywhere_leave_nothing(judging: Judging, strategy: Strategy) -> None:
    assert only(judging(lambda names: [5.0] * len(names)), group(*"123456"), strategy=strategy) == "tie"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_group_that_nobody_could_judge_is_unscored(judging: Judging, strategy: Strategy) -> None:
    away = ModelError("away", kind="rejected")
    found = only(judging(lambda names: away), group("1", "2", "3"), strategy=strategy, patience=0)
    assert found == "unscored:model_failure"


def test_an_order_that_fails_drops_the_pair(judging: Judging) -> None:
    away = ModelError("away", kind="rejected")

    def says(names: tuple[str, ...]) -> Any:
        return away if names == ("1", "9") else [float(name) for name in names]

    found = only(judging(says), group("9", "4", "1"), strategy="all_pairs", patience=0)
    assert found == "unscored:model_failure"


def test_incomplete_and_equal_responses_take_no_part(judging: Judging, by_number: Any) -> None:
    responses = (
        Response(text="[9] said", complete=False),
        Response(text="[7] said"),
        Response(text=""),
        Response(text="[2] said"),
        Response(text="[7] said"),
        Response(text="[2] said"),
    )
    case = Case(id="g", prompt="?", responses=responses)
    judge = judging(by_number)
    selection = Selection(judge, [case], strategy="all_pairs")
    assert [texts(item) for item in selection] == [("7", "2")]
    assert selection.batch.usage.model_calls == 2  # two different responses, two orders


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_group_of_which_two_are_left_is_a_pair(judging: Judging, by_number: Any, strategy: Strategy) -> None:
    cut = Response(text="[9] cut", complete=False)
    case = group("3", "8").model_copy(update={"responses": (Response(text="[3] said"), cut, Response(text="[8] said"))})
    assert only(judging(by_number), case, strategy=strategy) == ("8", "3")


def test_a_pair_that_the_strategy_did_not_need_is_judged_in_both_orders(judging: Judging, by_number: Any) -> None:
    """A listwise ranking compares no pair, so the pair is looked at again."""
    selection = Selection(judging(by_number), [group("3", "8", "1")], strategy="listwise")
    (item,) = selection
    assert isinstance(item, Preference)
    assert {look.shown for look in item.looks} == {"".join(pair) for pair in _both(item)}


@pytest.mark.parametrize("strategy", ["listwise", "knockout", "adaptive"])
def test_evidence_is_gathered_once_for_a_group_also_when_its_pair_is_looked_at_again(
    judging: Judging, tmp_path: Path, strategy: Strategy
) -> None:
    def says(names: tuple[str, ...]) -> list[float]:
        return [float(name) for name in names]

    gathered: list[str] = []

    def reply(request: Request) -> str:
        if request.may_call:
            gathered.append(request.text)
            return "There is nothing to look up."
        last = request.messages[-1]["content"]
        names = re.findall(r"^\[(\d)\]", str(last), re.MULTILINE)
        return json.dumps({"scores": dict(zip("ABCDEF", says(tuple(names)), strict=False)), "confidence": 0.9})

    with Journal(tmp_path / "journal.sqlite") as journal:
        judge = Judge.load("evidence", model=ScriptedModel(reply), corpus=[{"text": "x"}], journal=journal)
        (item,) = Selection(judge, [group("3", "8", "1", "5")], strategy=strategy)
    assert texts(item)[0] == "8"
    assert len(gathered) == 1


def _both(item: Preference) -> list[tuple[str, str]]:
    one, other = (chr(ord("A") + index) for index in (item.chosen, item.rejected))
    return [(one, other), (other, one)]


def test_thresholds_hold_for_the_pair_of_a_group(judging: Judging, by_number: Any) -> None:
    case = group("4", "5", "6")
    assert only(judging(by_number), case, Rule(min_margin=3), strategy="all_pairs") == "small_margin"
    assert only(judging(by_number), case, Rule(min_confidence=0.95), strategy="all_pairs") == "low_confidence"


def test_the_label_of_a_group_counts_for_the_pair_that_was_taken(judging: Judging, by_number: Any) -> None:
    judge = judging(by_number)
    assert only(judge, group("1", "9", "5", label="A"), strategy="all_pairs") == "contradicts_label"
    assert only(judge, group("1", "9", "5", label="B"), strategy="all_pairs") == ("9", "1")
    assert only(judge, group("1", "9", "5", label="C"), strategy="all_pairs") == ("9", "1")  # says nothing of 9 and 1
    ignored = only(judge, group("1", "9", "5", label="A"), Rule(on_label="ignore"), strategy="all_pairs")
    assert ignored == ("9", "1")


def test_a_noisy_judge_never_leaves_a_pair_that_one_of_its_orders_contradicts(judging: Judging) -> None:
    random.seed(3)

    def says(names: tuple[str, ...]) -> list[float]:
        return [min(10.0, max(1.0, float(name) + random.gauss(0, 3))) for name in names]

    cases = [group(*map(str, range(2, 9)), id=f"g{n}", prompt=f"{n}?") for n in range(12)]
    for item in Selection(judging(says), cases, strategy="all_pairs"):
        if isinstance(item, Preference):
            winner = chr(ord("A") + item.chosen)
            assert [look.winner for look in item.looks] == [winner, winner]


def test_pairs_and_groups_may_be_mixed_and_come_in_order(judging: Judging, by_number: Any) -> None:
    cases = [group("1", "2", id="a", prompt="a"), group("1", "2", "3", id="b"), group("5", "4", id="c", prompt="c")]
    items = list(Selection(judging(by_number), cases, strategy="all_pairs"))
    assert [texts(item) for item in items] == [("2", "1"), ("3", "1"), ("5", "4")]
