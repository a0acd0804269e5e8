"""The small world is one that can be learnt and is not given away, and its report counts as it says."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any, get_args

import pytest

from adjudge import read_cases
from benchmarks.small_judge.arms import KS, pass_at
from benchmarks.small_judge.report import differences, plot, summary, table
from benchmarks.small_judge.small_policy import texts_of, tokenizer_of
from benchmarks.small_judge.teaching import traces
from benchmarks.small_judge.world import CHOICES, Task, write

TASKS = get_args(Task)


@pytest.mark.parametrize("task", TASKS)
def test_the_label_is_what_the_passage_says_and_held_out_things_are_not_trained_on(task: Task, tmp_path: Path) -> None:
    write(tmp_path, task)
    passages = {row["id"]: row["text"] for row in map(json.loads, (tmp_path / "corpus.jsonl").read_text().splitlines())}
    train, held_out = (list(read_cases(tmp_path / f"{name}.jsonl")) for name in ("train", "dev"))
    for case in [*train, *held_out]:
        value = case.responses[ord(str(case.label)) - ord("A")].text.removeprefix("It is ").rstrip(".")
        assert len(case.responses) == CHOICES[task]
        assert value in passages[str(case.metadata["source"])]
    assert not {case.metadata["source"] for case in train} & {case.metadata["source"] for case in held_out}


def test_the_oracle_is_right_and_the_careless_teacher_often_is_not(tmp_path: Path) -> None:
    write(tmp_path, "choice")
    tokenizer = tokenizer_of(texts_of(tmp_path, "choice"))
    labels = [str(case.label) for case in list(read_cases(tmp_path / "train.jsonl"))[:40]]

    def letters(chance: random.Random | None) -> list[str]:
        rows = asyncio.run(traces(tmp_path, tokenizer, "choice", 40, chance))
        assert all(len(ids) == len(mask) for ids, mask in rows)
        return [tokenizer.decode(ids[-1:]) for ids, _ in rows]

    assert letters(None) == labels
    right = sum(one == label for one, label in zip(letters(random.Random(0)), labels, strict=True))
    assert 0 < right < 30


@pytest.mark.parametrize(
    ("k", "hits", "expected"), [(1, 0, 0.0), (1, 8, 0.5), (16, 1, 1.0), (2, 15, 1.0), (2, 1, 1 / 8)]
)
def test_pass_at_k_is_the_chance_of_a_right_one_among_k(k: int, hits: int, expected: float) -> None:
    assert pass_at(k, 16, hits) == pytest.approx(expected)


def test_the_report_pairs_the_cases_of_an_arm_with_those_of_the_first(tmp_path: Path) -> None:
    runs = [_run("grpo", 0, [0, 4]), _run("other", 0, [4, 8]), _run("grpo", 1, [0, 4]), _run("other", 1, [4, 8])]
    before = _run("before", 0, [0, 0])
    gains = differences(runs, "grpo")
    assert gains == {"other": pytest.approx((0.25, 0.25, 0.25))}
    shown = table(summary(json.loads(json.dumps(runs)), before), gains)
    assert "| other | 50.0% (50% to 50%) |" in shown
    assert "+25.0 (+25.0 to +25.0)" in shown
    plot(runs, before, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def _run(name: str, seed: int, hits: list[int]) -> dict[str, Any]:
    step = {"groups/all_wrong": 0.5, "rewards/verdict/mean": 0.5, "malformed": 0.0, "tools/calls": 1.0}
    rates = {str(k): sum(pass_at(k, 16, hit) for hit in hits) / len(hits) for k in KS}
    history = [{**step, "advantages/seconds": 0.001, "step_time": 1.0}] * 30
    return {"name": name, "seed": seed, "accuracy": 0.5, "hits": hits, "samples": 16, "pass": rates, "history": history}
