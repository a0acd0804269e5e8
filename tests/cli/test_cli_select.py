"""`adjudge select`: preference pairs that survive both orders, gone on with after anything."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from adjudge.journal import only_writer
from adjudge.models.mock import MockServer, Reply

Cli = Callable[..., Result]
_NAME = re.compile(r"^\[([0-9.]+)\]", re.MULTILINE)


def scored(body: Any) -> str:
    """A verdict whose scores are the numbers with which the responses begin."""
    text = "\n".join(str(message["content"]) for message in body["messages"])
    scores = {chr(ord("A") + place): float(name) for place, name in enumerate(_NAME.findall(text))}
    return json.dumps({"rationale": "It fits.", "citations": [], "scores": scores, "confidence": 0.8})


@pytest.fixture
def server(serving: Callable[[Reply], AbstractContextManager[MockServer]]) -> Iterator[MockServer]:
    with serving(scored) as mock:
        yield mock


def write(count: int, name: str = "pairs.jsonl") -> None:
    """Pairs of which every third has the wrong label."""
    pairs = ((f"[{n % 4 + 6}] good", f"[{n % 3 + 1}] bad") for n in range(count))
    rows = []
    for n, (good, bad) in enumerate(pairs):
        better, worse = (bad, good) if n % 3 == 0 else (good, bad)
        rows.append({"id": f"p{n}", "prompt": f"question {n}", "chosen": better, "rejected": worse})
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def arguments(server: MockServer, *more: str, source: str = "pairs.jsonl") -> list[str]:
    return ["select", source, "--out", "run", "-g", "direct", "-m", server.base_url, *more]


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("run", name).read_text().splitlines()]


def summary() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("run/selection.json").read_text())
    return found


def files() -> dict[str, bytes]:
    return {name: Path("run", name).read_bytes() for name in ("selected.jsonl", "dropped.jsonl", "selection.json")}


def test_pairs_are_selected_and_what_is_dropped_is_told(cli: Cli, server: MockServer) -> None:
    write(9)
    result = cli(*arguments(server))
    assert result.exit_code == 0, result.stderr
    assert [row["id"] for row in rows("selected.jsonl")] == ["p1", "p2", "p4", "p5", "p7", "p8"]
    assert [row["reason"] for row in rows("dropped.jsonl")] == ["contradicts_label"] * 3
    assert rows("selected.jsonl")[0]["chosen"] == [{"role": "assistant", "content": "[7] good"}]
    assert re.search(r"contradicts_label +3 +33.3%", result.stdout)
    assert "6 of 9 pairs that passed all other rules agree with their label" in result.stdout
    assert "the longer one was chosen" in result.stdout
    assert server.requests == 18
    told = summary()
    assert (told["complete"], told["selected"], told["dropped"]) == (True, 6, {"contradicts_label": 3})
    assert told["asked"] == {"sources": ["pairs.jsonl"], "limit": None, "format": "conversational"}


def test_the_same_command_goes_on_and_other_thresholds_judge_nothing_again(cli: Cli, server: MockServer) -> None:
    write(9)
    cli(*arguments(server, "--limit", "4"))
    assert (server.requests, summary()["rows"]) == (8, 4)
    whole = cli(*arguments(server))
    assert server.requests == 18
    assert "4 were in the run before" in whole.stdout
    before = files()
    cli(*arguments(server))
    assert (server.requests, files()) == (18, before)
    cli(*arguments(server, "--min-confidence", "0.9"))
    assert {row["reason"] for row in rows("dropped.jsonl")} == {"low_confidence"}
    cli(*arguments(server, "--min-margin", "6", "--on-label", "ignore", "--format", "string"))
    assert {row["reason"] for row in rows("dropped.jsonl")} == {"small_margin"}
    assert all(isinstance(row["chosen"], str) for row in rows("selected.jsonl"))
    assert server.requests == 18


def test_groups_give_the_best_and_what_stands_against_it(cli: Cli, server: MockServer) -> None:
    groups = ({"id": f"g{n}", "prompt": f"{n}?", "responses": ["[3] c", "[9] a", "[1] d", "[6] b"]} for n in range(3))
    Path("groups.jsonl").write_text("".join(json.dumps(row) + "\n" for row in groups))
    words = arguments(server, "--strategy", "all_pairs", "--format", "string", source="groups.jsonl")
    assert cli(*words).exit_code == 0
    assert [(row["chosen"], row["rejected"]) for row in rows("selected.jsonl")] == [("[9] a", "[1] d")] * 3
    assert server.requests == 36
    cli(*words, "--rejected", "second")
    assert {row["rejected"] for row in rows("selected.jsonl")} == {"[6] b"}
    assert server.requests == 36  # another choice of the pair compares nothing again


def test_a_bad_row_is_told_and_the_rest_goes_on(cli: Cli, server: MockServer) -> None:
    write(3)
    with Path("pairs.jsonl").open("a") as file:
        file.write('{"prompt": "?", "chosen": "x"}\n{"cut')
    result = cli(*arguments(server))
    assert result.exit_code == 2
    assert "pairs.jsonl:4: rejected: this column is missing" in result.stderr
    assert "pairs.jsonl:5" in result.stderr
    assert summary()["dropped"]["bad_case"] == 2
    assert summary()["selected"] == 2
    assert [row["place"] for row in rows("dropped.jsonl") if row["reason"] == "bad_case"] == [
        "pairs.jsonl:4",
        "pairs.jsonl:5",
    ]


def test_a_judge_that_always_prefers_the_first_leaves_no_pair(cli: Cli, server: MockServer) -> None:
    write(4)
    server.reply = lambda body: json.dumps({"scores": {"A": 9, "B": 2}})
    assert cli(*arguments(server)).exit_code == 0
    assert rows("selected.jsonl") == []
    assert summary()["dropped"] == {"orders_disagree": 4}
    assert [look["winner"] for look in rows("dropped.jsonl")[0]["orders"]] == ["A", "B"]


def test_a_verdict_that_nobody_can_read_is_no_preference(cli: Cli, server: MockServer) -> None:
    write(3)
    server.reply = lambda body: "cut {"
    failed = cli(*arguments(server, "--set", "nodes.judge.repair=0"))
    assert failed.exit_code == 1
    assert "3 unscored (parse_failure: 3)" in failed.stdout
    assert summary()["dropped"] == {"unscored:parse_failure": 3}


def test_another_judge_on_the_same_run_is_refused(cli: Cli, server: MockServer) -> None:
    groups = '{"prompt": "?", "responses": ["[3] c", "[9] a", "[1] d"]}\n'
    Path("groups.jsonl").write_text(groups)  # groups leave no judgement of their own, and still the judge is known
    cli(*arguments(server, "--strategy", "all_pairs", source="groups.jsonl"))
    refused = cli(*arguments(server, "--set", "limits.seconds=9", source="groups.jsonl"))
    assert refused.exit_code == 2
    assert "limits.seconds" in refused.stderr


def test_what_cannot_work_is_told_before_anything_is_judged(cli: Cli, server: MockServer) -> None:
    write(1)
    for more, told in (
        (("--set", "orders=one"), "orders=both"),
        (("--min-confidence", "2"), "min-confidence"),
        (("--on-label", "obey"), "obey"),
    ):
        result = cli(*arguments(server, *more))
        assert result.exit_code == 2
        assert told in result.stderr
    missing = cli(*arguments(server, source="none.jsonl"))
    assert missing.exit_code == 2
    assert "no such file" in missing.stderr
    with only_writer(Path("run/journal.sqlite")):
        assert "another batch is writing" in cli(*arguments(server)).stderr
    assert server.requests == 0


def test_standard_input_is_read(cli: Cli, server: MockServer) -> None:
    row = {"prompt": "?", "chosen": "[9] a", "rejected": "[2] b"}
    assert cli(*arguments(server, source="-"), input=json.dumps(row)).exit_code == 0
    assert len(rows("selected.jsonl")) == 1


def start(server: MockServer) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "adjudge", *arguments(server, "--concurrency", "4")]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(server: MockServer, requests: int) -> None:
    deadline = time.monotonic() + 60
    while server.requests < requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_first_signal_keeps_what_is_over_and_the_same_command_goes_on(cli: Cli, server: MockServer) -> None:
    write(100)
    server.latency = 0.05
    process = start(server)
    wait_for(server, 20)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "give the same command again" in err
    some = summary()
    assert not some["complete"]
    assert 0 < some["rows"] == len(rows("selected.jsonl")) + len(rows("dropped.jsonl")) < 100
    server.latency = 0.0
    assert cli(*arguments(server)).exit_code == 0
    assert server.requests == 200
    assert (summary()["complete"], summary()["rows"]) == (True, 100)


def test_the_second_signal_cuts_off_what_is_in_flight(cli: Cli, server: MockServer) -> None:
    write(40)
    server.latency = 30.0
    process = start(server)
    wait_for(server, 4)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert (summary()["complete"], summary()["rows"]) == (False, 0)
    server.latency = 0.0
    assert cli(*arguments(server)).exit_code == 0
    assert summary()["complete"]


def test_after_a_kill_no_half_file_stands_and_the_same_command_goes_on(cli: Cli, server: MockServer) -> None:
    write(100)
    server.latency = 0.05
    process = start(server)
    wait_for(server, 100)
    process.kill()
    process.communicate(timeout=60)
    assert not any(Path("run", name).exists() for name in ("selected.jsonl", "dropped.jsonl", "selection.json"))
    server.latency = 0.0
    assert cli(*arguments(server)).exit_code == 0
    assert 200 <= server.requests <= 200 + 8
    assert [row["id"] for row in rows("selected.jsonl")] == [f"p{n}" for n in range(100) if n % 3]
    assert not list(Path("run").glob("*.part"))
