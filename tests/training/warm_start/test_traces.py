"""The oracle of the closed world, and what supervised training makes of its traces."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch

from adjudge import Case
from adjudge.errors import ConfigError
from adjudge.models import ScriptedModel
from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start import held_out
from adjudge.training.warm_start.held_out import HeldOut, margins
from adjudge.training.warm_start.oracle import supports
from adjudge.training.warm_start.sft import IGNORED, Collator, example
from adjudge.training.warm_start.traces import Traced, taught_all, trace_all
from adjudge.types import Evidence
from adjudge.types.messages import assistant, tool_call
from tests.training.rollouts.small import case, model, plan, tokenizer

TOKENS = tokenizer()
TITLES = {"d1": "Middlemarch", "d2": "Emma"}


def traced(*cases: Case) -> Traced:
    return asyncio.run(trace_all(plan(TOKENS), cases, "corpus", TITLES, TOKENS))


def test_a_trace_is_a_search_that_finds_the_source_and_the_right_letter() -> None:
    found = traced(case("one", "A"), case("two", "B"))
    assert list(found.rows) == ["one", "two"]
    for name, letter in (("one", "A"), ("two", "B")):
        row = found.rows[name]
        own = TOKENS.decode([token for token, mask in zip(row.completion_ids, row.mask, strict=True) if mask])
        assert own.startswith('<tool_call>\n{"name": "corpus", "arguments": {"query": "Middlemarch')
        assert own.endswith(f"</tool_call><|im_end|>{letter}")


def test_the_oracle_sees_the_label_and_the_judge_does_not() -> None:
    read = TOKENS.decode(list(traced(case()).rows["c"].prompt_ids))
    assert "gold_tools" not in read
    assert "George Eliot" not in read


def test_a_case_whose_source_no_query_finds_is_counted_and_left_out() -> None:
    lost = case("lost").model_copy(update={"metadata": {**case().metadata, "source": "d9"}})
    found = traced(case("one"), lost)
    assert list(found.rows) == ["one"]
    assert found.without_query == 1


def test_an_unknown_tool_is_named() -> None:
    with pytest.raises(ConfigError, match="no such tool"):
        asyncio.run(trace_all(plan(TOKENS), [case()], "web", TITLES, TOKENS))


@pytest.mark.parametrize(
    ("source", "excerpt", "held"),
    [
        ("corpus.jsonl#d1#2", "Middlemarch is a novel by George Eliot.", True),
        ("corpus.jsonl#d1", "Middlemarch is a novel.", False),  # without the value that is right
        ("corpus.jsonl#d2", "Middlemarch is a novel by George Eliot.", False),  # of another document
        ("corpus.jsonl#d1", "George Eliot.", False),  # too little of the reference
    ],
)
def test_what_supports_a_label(source: str, excerpt: str, held: bool) -> None:
    reference = {"text": "The novel Middlemarch of 1871 is by George Eliot"}
    one = case().model_copy(update={"metadata": {**case().metadata, "reference": reference}})
    assert supports(one, [Evidence(title="t", source=source, excerpt=excerpt)]) is held


def row(mask: str) -> Row:
    ids = tuple(range(10, 10 + len(mask)))
    return Row((5, 6), ids, (0.0,) * len(ids), tuple(map(int, mask)))


def test_each_turn_weighs_the_same_and_only_own_tokens_have_labels() -> None:
    made = example(row("111001"))
    assert made["labels"] == [IGNORED, IGNORED, 10, 11, 12, IGNORED, IGNORED, 15]
    assert made["weights"] == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 1])


def test_padding_has_no_label_and_no_attention() -> None:
    batch = Collator(0)([example(row("11")), example(row("1101"))])
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 0, 0], [1] * 6]
    assert batch["labels"][0].tolist() == [IGNORED, IGNORED, 10, 11, IGNORED, IGNORED]
    assert batch["weights"][0, 4:].tolist() == [0.0, 0.0]


def test_margins_tell_how_much_likelier_the_right_letter_is() -> None:
    policy: Any = model(len(TOKENS)).eval()
    rows = []
    for length in (3, 9, 5):
        ids = torch.arange(5, 5 + length)[None]
        best = int(policy(ids).logits[0, -1, [40, 41]].argmax()) + 40
        rows.append(Row(tuple(ids[0].tolist()), (best,), (0.0,), (1,)))
    right = margins(policy, rows, [40, 41], at_once=2)
    wrong = margins(policy, [one._replace(completion_ids=(81 - one.completion_ids[0],)) for one in rows], [40, 41], 2)
    assert all(margin > 0 for margin in right)
    assert wrong == pytest.approx([-margin for margin in right], abs=1e-5)


def test_held_out_pairs_are_right_by_the_mean_of_both_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {1: 2.0, 2: -1.0, 3: 1.0, 4: -3.0}
    monkeypatch.setattr(held_out, "margins", lambda _, rows, *__: [found[len(row.prompt_ids)] for row in rows])
    rows = {
        name: Row((5,) * size, (40,), (0.0,), (1,)) for name, size in (("p/A", 1), ("p/B", 2), ("q/A", 3), ("q/B", 4))
    }
    measured = HeldOut(rows, {"p/A": "p", "p/B": "p", "q/A": "q", "q/B": "q"}, [40, 41], 1).measure(None)
    assert measured == {"held_out/accuracy": 0.5, "held_out/one_order": 0.5}


def test_a_teacher_is_learnt_in_the_policys_own_tokens_where_its_verdict_is_right() -> None:
    query = '{"query": "Middlemarch author"}'
    search = assistant("", [tool_call("x", "corpus", query)])
    found = asyncio.run(taught_all(plan(TOKENS), [case("one", "A")], ScriptedModel([search, "A"]), TOKENS))
    row = found.rows["one"]
    own = TOKENS.decode([token for token, mask in zip(row.completion_ids, row.mask, strict=True) if mask])
    assert own == f'<tool_call>\n{{"name": "corpus", "arguments": {query}}}\n</tool_call><|im_end|>A'
    assert "George Eliot, published in 1871" in TOKENS.decode(list(row.completion_ids))
    wrong = asyncio.run(taught_all(plan(TOKENS), [case("one", "A")], ScriptedModel([search, "B"]), TOKENS))
    assert (wrong.rows, wrong.unsupported) == ({}, 1)
