"""The comparison with peers is fair: one schedule of faults for all, counts that are true, failures that are told."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adjudge.models.mock import MockReply
from benchmarks.peers.arms import ADJUDGE, PEERS, STORMED, Arm
from benchmarks.peers.runs import Load, run
from benchmarks.peers.server import Steps
from benchmarks.peers.storm import SHARES, Storm

CASES = 2000


def about(number: int, mark: str = "0") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"[case-{mark}-{number}] Who wrote it?"}]}


def asked(arm: Arm, tries: int = 2) -> Storm:
    storm = Storm(arm.reply.text, arm.reply.scores, seed=3, cases=CASES)
    for number in range(CASES):
        for _ in range(tries):
            storm(about(number))
    return storm


def test_every_arm_meets_the_same_faults_in_the_shares_that_are_named() -> None:
    ours, theirs = asked(STORMED), asked(PEERS[-1])
    assert (ours.served, ours.last) == (theirs.served, theirs.last)
    served = Counter(ours.served)
    total = served.total()
    malformed = total - sum(served[kind] for kind in ("429", "500", "400", "good"))
    found = {"429": served["429"] / total, "malformed": malformed / total, "500": served["500"] / total}
    assert found == pytest.approx(SHARES, abs=0.02)
    assert (ours.refused_tries, served["400"]) == (2, 2)


def test_a_malformed_verdict_is_no_verdict_and_the_warm_up_is_fair() -> None:
    reply = PEERS[0].reply
    storm = Storm(reply.text, reply.scores, seed=3, cases=CASES)
    texts = {answer for number in range(CASES) if isinstance(answer := storm(about(number)), str)}
    assert len(texts) == 5
    for text in texts - {reply.text}:
        assert not text.startswith("{") or not text.endswith("}") or reply.scores not in json.loads(text)
    assert {storm(about(number, "warm")) for number in range(100)} == {reply.text}


def test_the_mock_asks_for_as_many_tool_calls_as_it_is_told() -> None:
    steps, body = Steps("verdict", 2), about(1)
    for number in range(2):
        answer = steps(body)
        assert isinstance(answer, MockReply)
        assert json.loads(json.dumps(answer.body))["choices"][0]["message"]["tool_calls"][0]["id"] == f"call-{number}"
        body["messages"].append({"role": "tool", "content": "found"})
    assert steps(body) == "The facts settle it."
    assert steps({**body, "response_format": {"type": "json_schema"}}) == "verdict"


def test_a_run_counts_what_arrived(tmp_path: Path) -> None:
    one = run(ADJUDGE, Load(8, in_flight=4), peers=tmp_path, seed=0)
    assert not one.error
    assert (one.figures["judged"], one.figures["requests"], one.figures["errors"]) == (8, 8, {})
    assert one.figures["connections"] <= 4


def test_an_arm_that_cannot_run_says_why(tmp_path: Path) -> None:
    assert "make that environment first" in run(PEERS[0], Load(8, in_flight=4), peers=tmp_path, seed=0).error
    assert "No module named" in run(Arm("x", "nobody"), Load(8, in_flight=4), peers=tmp_path, seed=0).error
