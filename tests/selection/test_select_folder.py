"""The files of a selection: what TRL reads, what was dropped, and never half a file under its own name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adjudge import Judge
from adjudge.errors import ConfigError
from adjudge.selection import Rule, Selection, read_pairs
from adjudge.selection.folder import Folder
from adjudge.selection.forms import Form

USER = {"role": "user", "content": "What is 1 + 1?"}
ROWS: list[dict[str, Any]] = [
    {"id": "text", "prompt": "What is 1 + 1?", "chosen": "[2] two", "rejected": "[1] one"},
    {
        "id": "talk",
        "chosen": [USER, {"role": "assistant", "content": "[4] 2"}],
        "rejected": [USER, {"role": "assistant", "content": "[3] 3"}],
    },
    {"id": "wrong", "prompt": "And 2 + 2?", "chosen": "[1] one", "rejected": "[9] four"},
    {"id": "long", "chosen": "\n\nHuman: Hi\n\nAssistant: [5] Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: [4] No"},
    {"id": "broken", "prompt": "?"},
]


def written(judge: Judge, folder: Path, form: Form, rows: list[dict[str, Any]]) -> tuple[list[Any], list[Any], Any]:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    selection = Selection(judge, read_pairs([path]), Rule(), form=form)
    with Folder(folder / "run", form) as files:
        for item in selection:
            files.add(item)
        files.finish({"complete": selection.complete, **selection.to_dict()})
    lines = [(folder / "run" / name).read_text().splitlines() for name in ("selected.jsonl", "dropped.jsonl")]
    selected, dropped = ([json.loads(line) for line in one] for one in lines)
    return selected, dropped, json.loads((folder / "run" / "selection.json").read_text())


@pytest.fixture
def judge(judging: Callable[..., Judge], by_number: Any) -> Judge:
    return judging(by_number)


def test_pairs_are_written_as_messages(judge: Judge, tmp_path: Path) -> None:
    selected, dropped, summary = written(judge, tmp_path, "conversational", ROWS)
    assert [row["id"] for row in selected] == ["text", "talk", "long"]
    for row in selected:
        assert [message["role"] for message in row["prompt"]] == ["user"]
        assert [[m["role"] for m in row[key]] for key in ("chosen", "rejected")] == [["assistant"], ["assistant"]]
        assert row["score_chosen"] > row["score_rejected"]
    assert selected[2]["chosen"] == [{"role": "assistant", "content": "[5] Hello"}]
    assert [(row["id"], row["reason"]) for row in dropped[:1]] == [("wrong", "contradicts_label")]
    assert {look["shown"] for look in dropped[0]["orders"]} == {"AB", "BA"}
    assert dropped[0]["label"] in ("A", "B")
    assert dropped[1]["reason"] == "bad_case"
    assert "pairs.jsonl:5" in dropped[1]["detail"]
    assert summary["complete"] is True
    assert (summary["rows"], summary["selected"]) == (5, 3)


def test_pairs_are_written_as_text_where_they_have_one(judge: Judge, tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be brief."}
    talk = {"id": "system", "prompt": [system, USER], "chosen": "[2]", "rejected": "[1]"}
    selected, dropped, _ = written(judge, tmp_path, "string", [*ROWS, talk])
    assert [row["id"] for row in selected] == ["text", "talk", "long"]
    assert {key: selected[0][key] for key in ("prompt", "chosen", "rejected")} == {
        "prompt": "What is 1 + 1?",
        "chosen": "[2] two",
        "rejected": "[1] one",
    }
    assert selected[1]["prompt"] == "What is 1 + 1?"
    assert (dropped[-1]["reason"], "use the format conversational" in dropped[-1]["detail"]) == ("bad_case", True)


def test_a_transcript_is_written_as_the_text_that_it_was(judge: Judge, tmp_path: Path) -> None:
    row = {**ROWS[3], "id": "hh"}
    selected, _, _ = written(judge, tmp_path, "string", [row])
    assert selected[0]["prompt"] + selected[0]["chosen"] == row["chosen"]


def test_the_summary_shows_whether_length_was_chosen(judge: Judge, tmp_path: Path) -> None:
    rows = [
        {"id": f"{n}", "prompt": f"{n}?", "chosen": f"[{n % 5 + 2}] " + "long " * 9, "rejected": "[3.5] short"}
        for n in range(10)
    ]
    _, _, summary = written(judge, tmp_path, "string", rows)
    lengths = summary["lengths"]
    assert lengths["given"]["longer_chosen"] == 1.0
    assert lengths["given"]["pairs"] == 10
    assert lengths["selected"]["pairs"] == summary["selected"] == 6
    assert lengths["selected"]["mean_characters_chosen"] > lengths["selected"]["mean_characters_rejected"]
    assert summary["labels"] == {"agree": 6, "contradict": 4}
    assert summary["judge"]["name"] == "direct"


def test_the_summary_tells_what_its_files_are(judge: Judge, tmp_path: Path) -> None:
    _, _, summary = written(judge, tmp_path, "string", ROWS)
    for name, told in summary["files"].items():
        content = (tmp_path / "run" / name).read_bytes()
        assert told == {"rows": content.count(b"\n"), "sha256": hashlib.sha256(content).hexdigest()}


def test_what_ends_before_its_time_leaves_the_earlier_files_alone(judge: Judge, tmp_path: Path) -> None:
    written(judge, tmp_path, "string", ROWS)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(RuntimeError), Folder(tmp_path / "run", "string"):
        raise RuntimeError("killed")
    for name, content in before.items():
        assert (tmp_path / "run" / name).read_bytes() == content


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(ConfigError, match="cannot be written"), Folder(tmp_path / "run", "string"):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("form", ["string", "conversational"])
def test_trl_reads_what_is_written(judge: Judge, tmp_path: Path, form: Form) -> None:
    """Its own functions say what form a data set is in; the extra columns are none that a trainer gives a meaning."""
    datasets = pytest.importorskip("datasets")
    utils = pytest.importorskip("trl.data_utils")
    written(judge, tmp_path, form, ROWS)
    loaded = datasets.load_dataset(
        "json", data_files=str(tmp_path / "run" / "selected.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert utils.is_conversational(loaded[0]) is (form == "conversational")
    assert not {"margin", "images", "image", "tools", "messages", "completion", "label"} & set(loaded.column_names)
    assert {"prompt", "chosen", "rejected", "id"} <= set(loaded.column_names)
