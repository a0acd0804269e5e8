"""What the DPO benchmark trains on: labels that are turned on purpose, and who gets to know of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from adjudge.judge import Judge
from adjudge.models import ScriptedModel
from adjudge.models.scripted import Request, Script
from adjudge.selection import candidates_of
from adjudge.types import Case
from benchmarks.dpo.arms import ARMS, Judged, arms, judge_pool
from benchmarks.dpo.pool import Pair, draw, load

SHOWN = re.compile(r"<<<response ([A-Z]) [0-9a-f]{16}\n(.*?)\n[0-9a-f]{16}>>>", re.DOTALL)


def pair(number: int) -> Pair:
    """A pair whose better response is the longer one in every other case."""
    good, bad = f"good {number}", f"bad {number}"
    texts = [good + " and long" * (number % 2), bad + " and long" * (1 - number % 2)]
    row = candidates_of(Case(id=str(number), prompt=f"Question {number}?", responses=texts, label="A"))
    right = row.given[0, 1]
    assert right is not None
    return Pair(row, right, f"Question {number}?")


PAIRS = [pair(number) for number in range(40)]


def by_goodness(request: Request) -> Script:
    """Right for all but every fifth pair, whose number it cannot stand."""
    shown = dict(SHOWN.findall(str(request.messages[-1]["content"])))
    scores = {}
    for name, text in shown.items():
        number = int(re.findall(r"\d+", text)[0])
        scores[name] = 8 if text.startswith("good") != (number % 5 == 0) else 2
    return json.dumps({"rationale": "", "citations": [], "scores": scores, "confidence": 0.5 + number / 100})


def judged(pool: list[Pair]) -> Judged:
    return judge_pool(Judge.load("direct", model=ScriptedModel(by_goodness)), pool)


def test_a_turned_label_turns_what_is_chosen_and_nothing_else() -> None:
    one = PAIRS[3]
    other = one.flip()
    assert not one.turned
    assert other.turned
    assert other.flip() == one
    assert (other.row()["chosen"], other.row()["rejected"]) == (one.row()["rejected"], one.row()["chosen"])
    assert other.row()["prompt"] == one.row()["prompt"]
    assert other.candidates.case.digest() == one.candidates.case.digest()  # a judge sees no difference
    assert other.lead == -one.lead


def test_a_pool_has_its_share_of_turned_labels_and_depends_on_the_seed() -> None:
    pools = [draw(PAIRS, size=20, noise=0.3, seed=seed) for seed in (0, 0, 1)]
    assert [sum(pair.turned for pair in pool) for pool in pools] == [6, 6, 6]
    assert pools[0] == pools[1] != pools[2]


def test_the_judge_keeps_what_it_agrees_with_most_confident_first() -> None:
    pool = draw(PAIRS, size=40, noise=0.3, seed=0)
    found = judged(pool)
    assert found.scored == 40
    assert found.right == 32  # it is wrong on every fifth, whatever the labels say
    kept = {pair.candidates.case.id for _, pair in found.agreed}
    assert kept == {pair.candidates.case.id for pair in pool if pair.turned == (int(pair.candidates.case.id) % 5 == 0)}
    assert [confidence for confidence, _ in found.agreed] == sorted((c for c, _ in found.agreed), reverse=True)


def test_arms_are_of_equal_size_and_only_one_knows_the_truth() -> None:
    pool = draw(PAIRS, size=40, noise=0.3, seed=0)
    found = arms(pool, judged(pool), 12, seed=0)
    assert tuple(found) == ARMS
    assert {name: len(pairs) for name, pairs in found.items()} == dict.fromkeys(ARMS, 12) | {"all": 40}
    assert not any(pair.turned for pair in found["clean"])
    assert min(pair.lead for pair in found["longer"]) >= 0 >= max(pair.lead for pair in found["shorter"])
    assert any(pair.turned for pair in found["random"])


class Letters:
    """A tokenizer of one token a character."""

    def apply_chat_template(self, messages: Any, *, add_generation_prompt: bool, return_dict: bool) -> Any:
        text = "".join(f"[{message['role']}] {message['content']} " for message in messages)
        return {"input_ids": [ord(sign) for sign in text + "[assistant] " * add_generation_prompt]}


def test_no_conversation_is_trained_on_and_held_out() -> None:
    data = Path(__file__).parents[2].parent / "shared" / "data"
    if not (data / "hh_rlhf_harmless_test").exists():
        pytest.skip("the data set is not there")
    split = load(data, Letters(), most=300, held_out=60)
    assert len(split.held_out) >= 60
    assert len(split.train) > 100
    assert not {pair.group for pair in split.train} & {pair.group for pair in split.held_out}
    assert not any(pair.turned for pair in (*split.train, *split.held_out))
