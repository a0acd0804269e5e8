"""Selecting pairs: what survives, what is dropped and why, and that no judge can know the label."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adjudge import Judge, ScriptedModel
from adjudge.errors import CaseError, ConfigError, ModelError
from adjudge.journal import Journal
from adjudge.models.scripted import Request
from adjudge.selection import Dropped, Preference, Rule, Selection, read_pairs
from adjudge.types import Case, Response, Step, Trajectory

Judging = Callable[..., Judge]


def pairs(*texts: tuple[str, str], **more: Any) -> list[Case]:
    return [
        Case(id=f"p{n}", prompt=f"question {n}", responses=[f"[{a}] said", f"[{b}] said"], **more)
        for n, (a, b) in enumerate(texts)
    ]


def chosen(item: Preference | Dropped) -> str:
    """The text that was chosen, or the reason."""
    if isinstance(item, Dropped):
        return item.reason
    return item.candidates.case.responses[item.chosen].text


def test_the_better_response_is_chosen_where_both_orders_agree(judging: Judging, by_number: Any) -> None:
    selection = Selection(judging(by_number), pairs(("8", "3"), ("2", "9"), ("5", "5.0")))
    items = list(selection)
    assert [chosen(item) for item in items] == ["[8] said", "[9] said", "tie"]
    assert isinstance(items[0], Preference)
    assert (items[0].score_chosen, items[0].score_rejected, items[0].confidence) == (8, 3, 0.9)
    assert selection.batch.usage.model_calls == 6
    assert selection.summary.to_dict()["dropped"] == {"tie": 1}
    assert selection.complete


@pytest.mark.parametrize("place", [0, 1])
def test_of_a_judge_that_always_prefers_one_place_no_pair_survives(judging: Judging, place: int) -> None:
    scores = [9.0, 1.0] if place == 0 else [1.0, 9.0]
    selection = Selection(judging(lambda names: scores), pairs(*((str(n), str(n + 1)) for n in range(20))))
    assert {chosen(item) for item in selection} == {"orders_disagree"}


def test_a_judge_that_ties_everywhere_leaves_nothing(judging: Judging) -> None:
    selection = Selection(judging(lambda names: [5.0, 5.0]), pairs(("1", "2"), ("3", "4")))
    assert {chosen(item) for item in selection} == {"tie"}


def test_no_failure_is_a_preference(judging: Judging) -> None:
    away = ModelError("the server is away", kind="rejected")
    first = itertools.count()

    def one_order_fails(names: tuple[str, ...]) -> Any:
        return away if next(first) % 2 else [9.0, 1.0]

    for says in (lambda names: away, one_order_fails):
        selection = Selection(judging(says), pairs(("1", "2"), ("3", "4")), patience=0)
        assert {chosen(item) for item in selection} == {"unscored:model_failure"}
    unreadable = judging(lambda names: {"scores": "none"}, **{"nodes.judge.repair": 0})
    assert {chosen(item) for item in Selection(unreadable, pairs(("1", "2")))} == {"unscored:parse_failure"}


def test_what_needs_no_judgement_gets_none(judging: Judging, by_number: Any) -> None:
    cut = Case(id="cut", prompt="?", responses=[Response(text="[1]"), Response(text="[2]", complete=False)])
    rows: list[Case | ConfigError] = [
        *pairs(("1", "2")),
        Case(id="again", prompt="question 0", responses=["[2] said", "[1] said"], label="A"),  # the other way round
        Case(id="same", prompt="?", responses=["[3]", "[3]"]),
        cut,
        Case(id="empty", prompt="!", responses=["[1]", "  "]),
        Case(id="none", prompt="?"),
        Case(id="one", prompt="?", responses=["[1]"]),
        Case(id="p0", prompt="another prompt", responses=["[1]", "[2]"]),  # an id that is taken
        CaseError("this is not JSON", file="pairs.jsonl", line=9),
        Case(id="last", prompt="last", responses=["[3] said", "[4] said"]),
    ]
    selection = Selection(judging(by_number), rows)
    assert [chosen(item) for item in selection] == [
        "[2] said",
        "duplicate",
        "identical",
        "incomplete",
        "incomplete",
        "bad_case",
        "bad_case",
        "bad_case",
        "bad_case",
        "[4] said",
    ]
    assert selection.batch.usage.model_calls == 4
    assert selection.summary.rows == 10


def test_a_duplicate_says_where_the_first_stands_and_that_its_label_is_another(
    judging: Judging, by_number: Any
) -> None:
    one, other = (Case(id=x, prompt="?", responses=["[1]", "[2]"], label=x) for x in "AB")
    _, second = list(Selection(judging(by_number), [one, other], Rule(on_label="ignore")))
    assert isinstance(second, Dropped)
    assert second.reason == "duplicate"
    assert "row:1" in second.detail
    assert "another label" in second.detail


def test_labels_drop_what_the_judge_sees_differently_or_are_overruled(judging: Judging, by_number: Any) -> None:
    rows = [*pairs(("8", "3"), label="A"), *pairs(("8.0", "3.0"), label="B")]
    rows[1] = rows[1].model_copy(update={"id": "wrong"})
    agree = Selection(judging(by_number), rows)
    assert [chosen(item) for item in agree] == ["[8] said", "contradicts_label"]
    ignore = Selection(judging(by_number), rows, Rule(on_label="ignore"))
    assert [chosen(item) for item in ignore] == ["[8] said", "[8.0] said"]
    for selection in (agree, ignore):
        assert selection.summary.to_dict()["labels"] == {"agree": 1, "contradict": 1}


def test_a_judge_is_asked_the_same_whichever_response_was_chosen(tmp_path: Path) -> None:
    asked = []
    for chosen_text, rejected_text in (("[one] a", "[two] b"), ("[two] b", "[one] a")):
        path = tmp_path / "pairs.jsonl"
        row = {"prompt": "?", "chosen": chosen_text, "rejected": rejected_text}
        path.write_text(json.dumps(row))
        model = ScriptedModel(lambda request: '{"scores": {"A": 9, "B": 1}}')
        list(Selection(Judge.load("direct", model=model), read_pairs([path])))
        asked.append([(request.text, request.sampling.seed) for request in model.requests])
    assert asked[0] == asked[1]
    assert len(asked[0]) == 2


def test_order_free_methods_judge_once_and_the_summary_says_so() -> None:
    model = ScriptedModel(scores=lambda prefix, text: -len(text) / 10, embedded=True)
    selection = Selection(Judge.load("direct", model=model), pairs(("longer name", "short")))
    (item,) = selection
    assert chosen(item) == "[short] said"
    assert isinstance(item, Preference)
    assert len(item.looks) == 1
    assert "agree trivially" in selection.summary.to_dict()["orders"]


def test_a_judge_of_one_order_is_refused_at_once(judging: Judging, by_number: Any) -> None:
    with pytest.raises(ConfigError, match="orders=both"):
        Selection(judging(by_number, orders="one"), [])


def test_a_pointwise_graph_scores_the_responses_by_themselves(judging: Judging) -> None:
    judge = judging(lambda names: [float(names[0])], graph="rubric")
    selection = Selection(judge, pairs(("2", "4"), ("3", "3.0")), Rule(min_margin=1))
    items = list(selection)
    assert [chosen(item) for item in items] == ["[4] said", "tie"]
    assert selection.summary.free
    both = judging(lambda names: [float(name) for name in names], graph="rubric", orders="both")
    compared = Selection(both, pairs(("2", "4")), strategy="all_pairs")  # the same graph, made to compare
    assert [chosen(item) for item in compared] == ["[4] said"]
    assert not compared.summary.free


def test_a_graph_of_ones_own_that_casts_no_votes_is_asked_in_both_orders() -> None:
    from adjudge import Report, Run, Verdict, Work

    async def longer(work: Work, run: Run) -> Report:
        lengths = [len(response.text) for response in work.case.responses]
        return Report(
            outcome=Verdict(scores=tuple(map(float, lengths)), winner="A" if lengths[0] > lengths[1] else "B")
        )

    async def first(work: Work, run: Run) -> Report:
        return Report(outcome=Verdict(scores=(2.0, 1.0), winner="A"))

    spec = {
        "name": "own",
        "mode": "pairwise",
        "scale": {"min": 0, "max": 100},
        "nodes": {"measure": {"agent": "own"}},
        "edges": {"start": "measure", "measure": "end"},
    }
    for agent, expected in ((longer, "[longest] said"), (first, "orders_disagree")):
        judge = Judge(spec, agents={"own": agent}, models={"default": ScriptedModel()})
        assert [chosen(item) for item in Selection(judge, pairs(("x", "longest")))] == [expected]


def test_going_on_judges_nothing_again_and_another_rule_neither(
    tmp_path: Path, by_number: Any, judging: Judging
) -> None:
    rows = pairs(*((str(n % 9 + 1), f"{n % 7 + 1}.{n}") for n in range(12)))

    def run(count: int, rule: Rule) -> tuple[list[str], int]:
        with Journal(tmp_path / "journal.sqlite") as journal:
            judge = judging(by_number)
            judge.journal = journal
            selection = Selection(judge, rows[:count], rule)
            found = [chosen(item) for item in selection]
            model = judge.models["default"]
            assert isinstance(model, ScriptedModel)
            return found, len(model.requests)

    some, calls = run(5, Rule())
    assert calls == 10
    every, calls = run(12, Rule())
    assert calls == 14
    assert every[:5] == some
    strict, calls = run(12, Rule(min_margin=3))
    assert calls == 0
    assert strict.count("small_margin") > 0


def test_a_selection_that_is_stopped_is_not_complete(judging: Judging, by_number: Any) -> None:
    async def go() -> Selection:
        selection = Selection(judging(by_number), pairs(*((str(n), str(n + 1)) for n in range(50))), concurrency=1)
        seen = 0
        async for judged, _ in selection.selected():
            seen += judged is not None
            if seen == 3:
                selection.batch.stop()
        assert selection.summary.rows < 50
        return selection

    assert not asyncio.run(go()).complete


def test_trajectories_are_judged_and_kept_as_they_are(judging: Judging) -> None:
    steps = Trajectory(steps=(Step(thought="[9] look", tool="search", arguments={"q": "x"}, observation="found"),))
    case = Case(id="t", prompt="?", responses=[Response(text="done", trajectory=steps), Response(text="[1] no")])

    def says(names: tuple[str, ...]) -> list[float]:
        return [float(name) for name in names]

    def reply(request: Request) -> str:
        first = request.text.index("[9] look") < request.text.index("[1] no")
        return json.dumps({"scores": {"A": 9 if first else 1, "B": 1 if first else 9}})

    (item,) = Selection(Judge.load("direct", model=ScriptedModel(reply)), [case])
    assert isinstance(item, Preference)
    written = item.candidates.completions[item.chosen]
    assert [message["role"] for message in written if not isinstance(message, str)] == [
        "assistant",
        "tool",
        "assistant",
    ]
