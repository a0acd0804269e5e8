"""What Prometheus sees."""

from __future__ import annotations

from adjudge.serving.gate import Gate
from adjudge.serving.metrics import Metrics
from adjudge.types import Position, ToolCalled
from tests.serving.served import ONE, PAIR, Failing, direct, rubric, running, until


def test_requests_judgements_calls_and_times_are_counted() -> None:
    with running(direct(), rubric()) as server:
        server.post("/v1/judgements", {"graph": "direct", "case": PAIR})
        server.post("/v1/judgements", {"graph": "rubric", "case": ONE})
        server.post("/v1/rank", {"graph": "direct", "case": {"prompt": "?", "responses": ["worth 1", "worth 2"]}})
        server.post("/v1/rewards", {"graph": "rubric", "cases": [ONE]})
        server.post("/v1/judgements", {"case": PAIR})
        server.get("/some/path/that/nobody/knows")
        until(lambda: server.count("adjudge_requests_total") >= 6)
        text = server.get("/metrics").text
    lines = set(text.splitlines())
    assert {
        'adjudge_requests_total{method="POST",route="/v1/judgements",status="200"} 2.0',
        'adjudge_requests_total{method="POST",route="/v1/judgements",status="422"} 1.0',
        'adjudge_requests_total{method="POST",route="/v1/rank",status="200"} 1.0',
        'adjudge_requests_total{method="GET",route="other",status="404"} 1.0',
        'adjudge_judgements_total{graph="direct",outcome="verdict"} 1.0',
        'adjudge_judgements_total{graph="direct",outcome="ranking"} 1.0',
        'adjudge_judgements_total{graph="rubric",outcome="verdict"} 1.0',
        'adjudge_judgements_total{graph="rubric",outcome="ranking"} 1.0',
        'adjudge_model_calls_total{graph="direct"} 4.0',
        'adjudge_request_seconds_count{route="/v1/judgements"} 3.0',
        "adjudge_running_judgements 0.0",
        "adjudge_waiting_requests 0.0",
        "adjudge_open_requests 0.0",
    } <= lines
    assert 'adjudge_tokens_total{direction="in",graph="direct"}' in text
    assert "process_resident_memory_bytes" in text
    assert "nobody" not in text


def test_tools_that_a_model_invents_are_counted_together() -> None:
    gate = Gate(1, 1)
    metrics = Metrics(gate)
    at = Position("case", "node")
    for tool in ("corpus", "made_up_1", "made_up_2"):
        metrics.heard("mine", ToolCalled(at, tool, "{}", None, recorded=False), ["corpus"])
    metrics.heard("mine", ToolCalled(at, "corpus", "{}", "broken", recorded=False), ["corpus"])
    metrics.heard("mine", ToolCalled(at, "corpus", "{}", None, recorded=True), ["corpus"])
    text = bytes(metrics.reply().body).decode()
    assert {line for line in text.splitlines() if line.startswith("adjudge_tool_calls_total")} == {
        'adjudge_tool_calls_total{graph="mine",outcome="ok",tool="corpus"} 1.0',
        'adjudge_tool_calls_total{graph="mine",outcome="error",tool="corpus"} 1.0',
        'adjudge_tool_calls_total{graph="mine",outcome="ok",tool="unknown"} 2.0',
    }


def test_failures_are_counted_by_their_reason() -> None:
    with running(rubric(Failing(None))) as server:
        server.post("/v1/judgements", {"case": ONE})
        server.post("/v1/rewards", {"cases": [ONE]})
        assert server.count('adjudge_judgements_total{graph="rubric",outcome="model_failure"}') == 2
        assert server.count("adjudge_judgements_total") == 2
