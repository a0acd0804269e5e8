"""Real groups before a judge: people's word stays outside, each look is paid once, and a failure ranks nothing."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from adjudge import Case, Judge, ScriptedModel
from adjudge.errors import ModelError
from adjudge.models.scripted import Request, Script
from adjudge.types import Response
from benchmarks.groups.measures import Points, measured, order, summary, unscored
from benchmarks.groups.people import Group, answers, dialogues, feedback
from benchmarks.groups.record import Members, Record, record, subsets
from benchmarks.groups.replay import CONTROLS, METHODS, Recorded, ranked
from benchmarks.groups.tables import page

SHOWN = re.compile(r"<<<response(?: ([A-Z]+))? \S*\n(?:quality )?(-?\d+)")
JUDGED = [method for method in METHODS if method != "knockout"]  # which finds a winner, and little else


def verdict(request: Request, scored: Callable[[str, float], float]) -> Script:
    shown = {name or "A": float(value) for name, value in SHOWN.findall(str(request.messages[-1]["content"]))}
    scores = {name: scored(name, value) for name, value in shown.items()}
    own = {"score": scores["A"]} if len(scores) == 1 else {"scores": scores}
    return json.dumps({"rationale": "", "citations": [], **own, "confidence": 0.9})


def honest(request: Request) -> Script:
    return verdict(request, lambda _, value: value)


def opposite(request: Request) -> Script:
    return verdict(request, lambda _, value: 11 - value)


def first(request: Request) -> Script:
    return verdict(request, lambda name, _: 9 if name == "A" else 2)


def out_of_order(request: Request) -> Script:
    raise ModelError("away", kind="unavailable")


def group(*qualities: int, wanted: Sequence[float] | None = None) -> Group:
    scores = qualities if wanted is None else wanted
    better = tuple(tuple(0.5 + 0.5 * ((one > other) - (one < other)) for other in scores) for one in scores)
    case = Case(id=f"g{qualities}", prompt="Which?", responses=tuple(Response(text=f"quality {q}") for q in qualities))
    return Group(case, better)


def recorded(script: Callable[[Request], Script], *groups: Group) -> list[Record]:
    judge = Judge.load("direct", model=ScriptedModel(script))
    return [asyncio.run(record(judge, one, single=True, sways=True)) for one in groups]


def points_of(records: Sequence[Record], size: int) -> dict[str, Points]:
    return asyncio.run(measured(records, size))


def scores_of(said: Record, members: Members, method: str) -> tuple[float, ...]:
    scores = asyncio.run(ranked(said, members, method)).scores
    assert scores is not None
    return scores


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(("script", "kendall", "best"), [(honest, 1, 1), (opposite, -1, 0)])
def test_who_says_what_people_say_is_right_and_who_says_the_opposite_is_wrong(
    script: Callable[[Request], Script], kendall: float, best: float, size: int
) -> None:
    every = points_of(recorded(script, group(3, 9, 5, 7)), size)
    for method in JUDGED:
        assert {point.kendall for point in every[method].points} == {kendall}, method
        assert {point.best for point in every[method].points} == {best}, method
    assert {point.best for point in every["knockout"].points} == {best}


def test_a_judge_that_prefers_the_first_knows_nothing_once_both_orders_are_asked() -> None:
    records = recorded(first, group(3, 9, 5))
    (point,) = points_of(records, 3)["all_pairs"].points
    assert (point.kendall, point.best) == pytest.approx((0, 1 / 3))
    said = order(records)
    assert (said["pairs"], said["consistent"][0], said["first wins"][0]) == (3, 0.0, 1.0)


def test_what_came_to_no_verdict_ranks_nothing_and_earns_nothing() -> None:
    records = recorded(out_of_order, group(3, 9, 5))
    every = points_of(records, 3)
    counted = unscored(records)
    assert counted["unscored"] == counted["looks"] > 0
    for method in METHODS:
        (point,) = every[method].points
        assert (point.order, point.kendall, point.best) == (None, 0.0, 0.0), method
    assert all(point.order is not None for control in CONTROLS for point in every[control].points)


def test_subsets_that_people_tie_are_left_out_and_counted() -> None:
    every = points_of(recorded(honest, group(3, 9, 5, wanted=(1, 1, 0))), 2)
    assert (len(every["all_pairs"].points), every["all_pairs"].tied) == (2, 1)


def test_responses_that_say_the_same_share_a_score() -> None:
    (said,) = recorded(honest, group(3, 9, 3))
    assert said.same == {0: 0, 1: 1, 2: 0}
    for method in METHODS:
        scores = scores_of(said, (0, 1, 2), method)
        assert scores[0] == scores[2] < scores[1], method
    assert scores_of(said, (0, 2), "all_pairs") == (0, 0)


def test_a_subset_sees_what_the_whole_group_was_told() -> None:
    (said,) = recorded(honest, group(3, 9, 5, 7))
    field = Recorded(said, (3, 1))
    (told,) = asyncio.run(field.compare([(1, 0)]))
    assert told is not None
    assert (told.shown, told.scores, told.winner, field.looked) == ((1, 0), (9.0, 7.0), 1, 1)
    with pytest.raises(KeyError):
        asyncio.run(field.compare([(0, 0)]))


def test_a_blind_method_is_asked_for_one_order_only() -> None:
    asked: list[Request] = []

    def counted(request: Request) -> Script:
        asked.append(request)
        return honest(request)

    judge = Judge.load("direct", model=ScriptedModel(counted), orders="one")
    one = group(3, 9, 5)
    said = asyncio.run(record(judge, one, single=False, sways=False))
    assert len(asked) == 3 + 1
    for members in subsets(one):
        scores = scores_of(said, members, "all_pairs")
        places = range(len(members))
        assert sorted(places, key=scores.__getitem__) == sorted(places, key=lambda p: (3, 9, 5)[members[p]])


def test_the_judge_sees_nothing_of_what_people_said() -> None:
    asked: list[Request] = []

    def watching(request: Request) -> Script:
        asked.append(request)
        return honest(request)

    recorded(watching, group(3, 9, 5, wanted=(0.125, 0.25, 0.375)))
    assert asked
    assert not any(value in str(request.messages) for request in asked for value in ("0.125", "0.25", "0.375"))


def test_numbers_become_a_page() -> None:
    records = recorded(honest, group(3, 9, 5), group(2, 4, 8))
    sizes: dict[str, Any] = {}
    for size in (2, 3):
        every = points_of(records, size)
        pairs, longer = every["all_pairs"], every["longer wins"]
        sizes[str(size)] = {name: summary(points, longer, pairs) for name, points in every.items()}
    row = sizes["3"]["all_pairs"]
    assert (row["subsets"], row["groups"], row["scored"], row["same best"]) == (2, 2, 1.0, 1.0)
    assert row["kendall"][0] == 1.0
    assert row["looks"] == 6
    told = {"name": "made up", "graph": "direct", "decide": "generate", "groups": 2, "failed": unscored(records)}
    text = page([told | {"order": order(records), "sizes": sizes}])
    assert "| direct, generate | all_pairs / " in text
    assert "| +1.00, +50 | +1.00, +67 |" in text
    assert json.dumps(sizes)


def test_people_compare_answers_in_pairs(tmp_path: Path) -> None:
    row = {"question": "Who?", "preference": [1, 0, 2, 1, 1, 2]}
    rows = [
        row | {f"prediction {number}": f"answer {number}" for number in (1, 2, 3, 4)},
        {"question": "When?", "preference": [0] * 6} | {f"prediction {number}": f"{number}" for number in (1, 2, 3, 4)},
    ]
    (tmp_path / "dev_feedback.json").write_text(json.dumps(rows))
    pool = feedback(tmp_path)
    (one,) = pool.groups
    wanted = dict(zip([r.text for r in one.case.responses], one.wanted(range(4)), strict=True))
    assert wanted == {"answer 1": 1.5, "answer 2": 2.0, "answer 3": 0.5, "answer 4": 2.0}
    assert (pool.tied, one.case.label, one.case.metadata) == (1, None, {})
    assert all(one.better[i][j] + one.better[j][i] == 1 for i, j in permutations(range(4), 2))


def test_people_rate_replies(tmp_path: Path) -> None:
    rows = [
        {
            "source": "Hi.",
            "context": "a fact",
            "system_id": str(k),
            "system_output": f"reply {k}",
            "scores": {"overall": k},
        }
        for k in (1, 2, 3)
    ]
    (tmp_path / "topical_chat.json").write_text(json.dumps(rows))
    (one,) = dialogues(tmp_path).groups
    assert {r.text: s for r, s in zip(one.case.responses, one.wanted(range(3)), strict=True)} == {
        "reply 1": 0,
        "reply 2": 1,
        "reply 3": 2,
    }


def test_people_call_trajectories_right_or_wrong_and_the_judge_sees_their_ends(tmp_path: Path) -> None:
    rows = [
        {
            "query_index": 7,
            "sample_index": place,
            "question": "Who?",
            "final_label": label,
            "messages": [
                {"role": "user", "content": "Who?"},
                {"role": "assistant", "content": f"looking {place}"},
                {"role": "assistant", "content": f"It is {place}."},
            ],
            "step_labels": {"1": 1, "2": label},
        }
        for place, label in enumerate((1, -1, 1))
    ]
    (tmp_path / "trajectories.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (one,) = answers(tmp_path).groups
    texts = [response.render() for response in one.case.responses]
    assert sorted(texts) == ["It is 0.", "It is 1.", "It is 2."]
    assert one.wanted(range(3))[texts.index("It is 1.")] == 0
