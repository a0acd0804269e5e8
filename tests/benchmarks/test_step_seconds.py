"""What TRL's tool loop is given is the conversation that the graph has, word by word, in the order of our trainer."""

from __future__ import annotations

import json
import re
from pathlib import Path

from adjudge.judge.portal import shared_portal
from adjudge.training.pairs import in_pairs
from adjudge.training.warm_start.traces import trace_all
from benchmarks.step_seconds import TEMPLATE, Searching, conversations, prepared_for
from tests.training.articles import pairs

DIGITS = re.compile("[0-9a-f]{16}")  # of the marks around material


def test_both_loops_have_the_same_conversation(tmp_path: Path) -> None:
    pairs(tmp_path, 0)
    lines = (tmp_path / "train.jsonl").read_text("utf-8").splitlines(keepends=True)
    for name, kept in (("train", lines[:-2]), ("dev", lines[-2:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(kept), encoding="utf-8")
    prepared = prepared_for(tmp_path, 2, 2, 1)
    rows, tokenizer = conversations(prepared), prepared.tokenizer
    assert len(rows) > 20
    ordered = [case.id for case in in_pairs(prepared.cases.train.values(), prepared.recipe.seed)]
    assert [row["case"] for row in rows] == [name for name in ordered if name in {row["case"] for row in rows}]

    cases = [prepared.cases.train[row["case"]] for row in rows]
    titles = {name: document.title for name, document in prepared.cases.documents.items()}
    traced = shared_portal().call(lambda: trace_all(prepared.plan(), cases, "corpus", titles, tokenizer))
    environment = Searching(prepared.plan().judge.tools["corpus"])
    for row in rows[:20]:
        of_graph = traced.rows[row["case"]]
        opened = tokenizer.apply_chat_template(
            row["prompt"],
            chat_template=TEMPLATE,
            tokenize=False,
            add_generation_prompt=True,
            tools=[{"name": "corpus"}],
        )
        assert opened == tokenizer.decode(of_graph.prompt_ids)

        went_on = tokenizer.decode(of_graph.completion_ids)
        call, rest = went_on.split("<|im_end|>\n", 1)
        query = json.loads(call.removeprefix("<tool_call>\n").removesuffix("\n</tool_call>"))["arguments"]["query"]
        environment.reset(**row)
        told = {"role": "tool", "name": "corpus", "content": environment.corpus(query)}
        replied = tokenizer.apply_chat_template(
            [told], chat_template=TEMPLATE, tokenize=False, add_generation_prompt=True
        )
        assert DIGITS.sub("#", replied + row["label"]) == DIGITS.sub("#", rest)
