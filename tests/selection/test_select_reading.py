"""Files of pairs and groups: every form comes to the same candidates, and a bad row costs only itself."""

from __future__ import annotations

import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.selection import Candidates, candidates_of, read_pairs
from adjudge.types import Case

PAIR = {"prompt": "What is 1 + 1?", "chosen": "2", "rejected": "3"}
CASE = {"prompt": "What is 1 + 1?", "responses": ["2", "3"], "label": "A"}


def write(path: Path, *rows: Any) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")
    return path


def read(*paths: Path, **more: Any) -> tuple[list[Candidates], list[str]]:
    rows = list(read_pairs(paths, **more))
    return [row for row in rows if isinstance(row, Candidates)], [
        str(row) for row in rows if isinstance(row, ConfigError)
    ]


def preferred(row: Candidates) -> str:
    """The text of the response that was given as the better one."""
    winner = row.given[0, 1]
    assert winner is not None
    return row.case.responses[winner].text


def test_every_format_comes_to_the_same_candidates(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist([PAIR]), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("prompt,chosen,rejected\nWhat is 1 + 1?,2,3\n")
    (tmp_path / "b.csv").write_text("prompt,response_a,response_b,label\nWhat is 1 + 1?,2,3,A\n")
    (tmp_path / "a.yaml").write_text("- prompt: What is 1 + 1?\n  chosen: '2'\n  rejected: '3'\n")
    (tmp_path / "whole.json").write_text(json.dumps([PAIR], indent=1))
    (tmp_path / "cases.json").write_text(json.dumps({"cases": [CASE]}))
    paths = [
        write(tmp_path / "a.jsonl", PAIR),
        write(tmp_path / "lines.json", PAIR, PAIR),
        write(tmp_path / "a.jsonl.gz", PAIR),
        write(tmp_path / "c.jsonl", CASE),
        *(tmp_path / name for name in ("a.parquet", "a.csv", "b.csv", "a.yaml", "whole.json", "cases.json")),
    ]
    for path in paths:
        (row, *_), errors = read(path)
        assert not errors, path
        assert (row.case.prompt, preferred(row)) == ("What is 1 + 1?", "2"), path
        assert {response.text for response in row.case.responses} == {"2", "3"}, path
        assert row.place.endswith((f"{path.name}:1", f"{path.name}:2")), row.place


def test_a_bad_row_is_told_with_file_and_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = write(
        tmp_path / "pairs.jsonl",
        PAIR,
        {"prompt": "?", "chosen": "2"},
        {"prompt": "?", "chosen": ["2"], "rejected": ["3"]},
        {"question": "?", "responses": ["2", "3"]},
        {"prompt": "?", "responses": []},
        {"prompt": "?", "responses": ["2"]},
        {**CASE, "label": "C"},
        ["2", "3"],
        "{cut",
        {"prompt": "?", "chosen": "\ud800", "rejected": "3"},
        {**PAIR, "prompt": "And 2 + 2?"},
    )
    good, errors = read(path)
    assert [row.case.prompt for row in good] == ["What is 1 + 1?", "And 2 + 2?"]
    for line, told in {
        2: "rejected: this column is missing",
        3: "each message should have a role",
        4: "did you mean 'prompt'?",
        5: "two responses or more, found 0",
        6: "two responses or more, found 1",
        7: "this is no label of a pair",
        8: "a row should be a case, or have the columns prompt, chosen and rejected",
        9: "this is not JSON",
        10: "surrogate",
    }.items():
        assert f"pairs.jsonl:{line}: " in errors[line - 2]
        assert told in errors[line - 2]
    assert len(errors) == 9


def test_a_source_that_cannot_be_read_is_told_at_once_or_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_pairs([tmp_path / "none.jsonl"])
    with pytest.raises(ConfigError, match="no such file"):
        read_pairs([tmp_path / "none.parquet"])
    with pytest.raises(ConfigError, match="suffix"):
        read_pairs([write(tmp_path / "pairs.txt", PAIR)])
    broken = write(tmp_path / "broken.parquet", "PAR1")
    good, errors = read(broken, write(tmp_path / "empty.jsonl"), write(tmp_path / "a.jsonl", PAIR))
    assert len(good) == 1
    assert "broken.parquet" in errors[0]
    assert "no rows in this file" in errors[1]


def test_standard_input_holds_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(PAIR).encode())))
    (row,) = read_pairs(["-"])
    assert isinstance(row, Candidates)
    assert row.place == "<stdin>:1"


def test_a_limit_counts_pairs_and_not_bad_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "{cut", PAIR, PAIR, PAIR)
    good, errors = read(path, limit=2)
    assert (len(good), len(errors)) == (2, 1)


def test_a_judge_sees_the_same_whichever_response_was_the_chosen_one(tmp_path: Path) -> None:
    """The order is drawn from the texts, so nothing but the label can tell."""
    swapped = {**PAIR, "chosen": PAIR["rejected"], "rejected": PAIR["chosen"]}
    for seed in range(8):
        (one,), _ = read(write(tmp_path / "one.jsonl", PAIR), seed=seed)
        (other,), _ = read(write(tmp_path / "other.jsonl", swapped), seed=seed)
        assert one.case.blind() == other.case.blind()
        assert preferred(one) == "2"
        assert preferred(other) == "3"
        assert one.case.label != other.case.label


def test_which_response_stands_first_is_even_and_depends_on_the_seed() -> None:
    rows = [Case(prompt=f"{n}?", responses=[f"good {n}", f"bad {n}"], label="A") for n in range(400)]
    first = [sum(candidates_of(row, seed=seed).case.label == "A" for row in rows) for seed in (0, 1)]
    assert all(150 < count < 250 for count in first)
    labels = [[candidates_of(row, seed=seed).case.label for row in rows] for seed in (0, 1)]
    assert labels[0] != labels[1]


@pytest.mark.parametrize(
    ("label", "better"),
    [
        ("B", [("b", "a"), ("b", "c"), ("b", "d")]),
        (["B", "D"], [("b", "a"), ("b", "c"), ("d", "a"), ("d", "c")]),
        ({"AB": "A", "CD": "tie"}, [("a", "b")]),
    ],
)
def test_the_label_of_a_group_follows_its_responses_to_their_new_places(
    label: Any, better: list[tuple[str, str]]
) -> None:
    case = Case(prompt="?", responses=["a", "b", "c", "d"], label=label)
    for seed in range(6):
        row = candidates_of(case, seed=seed)
        assert won(row) == set(better)
        assert won(candidates_of(row.case, seed=9)) == set(better)  # its label can be read again


def won(row: Candidates) -> set[tuple[str, str]]:
    """The texts of the better and the worse response of each pair that is labelled."""
    texts = [response.text for response in row.case.responses]
    return {(texts[w], texts[j if w == i else i]) for (i, j), w in row.given.items() if w is not None}


def test_a_label_that_cannot_be_read_counts_as_none_where_labels_are_ignored(tmp_path: Path) -> None:
    (row,), errors = read(write(tmp_path / "a.jsonl", {**CASE, "label": "good"}), strict=False)
    assert not errors
    assert (row.given, row.case.label) == ({}, None)


def test_what_helps_a_judge_or_a_trainer_is_kept_and_the_rest_is_not(tmp_path: Path) -> None:
    more = {"id": 7, "reference": "two", "tools": "[]", "score_chosen": 9, "messages": [{"x": 1}], "metadata": "raw"}
    (row,), errors = read(write(tmp_path / "a.jsonl", {**PAIR, **more}))
    assert not errors
    assert (row.case.id, row.case.reference, row.case.metadata, row.extra) == ("7", "two", {}, {"tools": "[]"})


def test_hh_transcripts_are_read(tmp_path: Path) -> None:
    talk = "\n\nHuman: Hi\n\nAssistant:"
    (row,), _ = read(write(tmp_path / "a.jsonl", {"chosen": talk + " Hello.", "rejected": talk + " Go away."}))
    assert row.case.prompt == [{"role": "user", "content": "Hi"}]
    assert preferred(row).strip() == "Hello."


def test_a_result_of_no_call_is_told_with_its_completion(tmp_path: Path) -> None:
    asked = {"role": "user", "content": "?"}
    orphan = {"role": "tool", "tool_call_id": "x", "content": "r"}
    row = {
        "prompt": [asked],
        "chosen": [{"role": "assistant", "content": "yes"}],
        "rejected": [orphan, {"role": "assistant", "content": "no"}],
    }
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(row))
    pairs, errors = read(path)
    assert pairs == []
    assert errors[0].startswith(f"{path}:1: rejected: this result belongs to no call that waits for one; found 'x'")


def test_files_of_bytes_that_mean_nothing_end_in_errors(tmp_path: Path) -> None:
    random.seed(1)
    for suffix in ("jsonl", "json", "csv", "yaml", "parquet", "jsonl.gz"):
        for number in range(5):
            path = tmp_path / f"{number}.{suffix}"
            path.write_bytes(random.randbytes(200))
            good, errors = read(path)
            assert not good
            assert errors
