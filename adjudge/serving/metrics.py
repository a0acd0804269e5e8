"""What Prometheus may ask for at `/metrics`."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from adjudge.serving.gate import Gate
from adjudge.types import Event, Finished, JudgeResult, ModelCalled, RankResult, ToolCalled, Unscored

BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # seconds


class Metrics:
    """Counts of one server.

    Tokens and tool calls are those that were paid for: what came from the journal is not counted again.

    Args:
        gate: Whose state is shown.
    """

    def __init__(self, gate: Gate) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = self._counter("requests", "Requests.", "route", "method", "status")
        self._judgements = self._counter("judgements", "Judgements and rankings, by outcome.", "graph", "outcome")
        self._recorded = self._counter("recorded_judgements", "Those that the journal had.", "graph")
        self._retries = self._counter("retries", "Judgements tried again in an outage of a model.", "graph")
        self._calls = self._counter("model_calls", "Model calls.", "graph")
        self._tokens = self._counter("tokens", "Tokens of the models.", "graph", "direction")
        self._tools = self._counter("tool_calls", "Tool calls.", "graph", "tool", "outcome")
        self._seconds = Histogram(
            "adjudge_request_seconds",
            "Seconds from the head of a request to the end of its reply.",
            ["route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._gauge("running_judgements", "Judgements that run.").set_function(lambda: gate.running)
        self._gauge("waiting_requests", "Requests none of whose judgements has begun.").set_function(
            lambda: gate.waiting
        )
        self._gauge("open_requests", "Requests that were let in and are not answered yet.").set_function(
            lambda: gate.inside
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"adjudge_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"adjudge_{name}", text, registry=self._registry)

    def answered(self, route: str, method: str, status: str, seconds: float) -> None:
        """A request is over; the status of a client that hung up is `gone`."""
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route).observe(seconds)

    def judged(self, graph: str, result: JudgeResult | RankResult) -> None:
        """A judgement is over."""
        self._judgements.labels(graph, _outcome(result)).inc()

    def retried(self, graph: str) -> None:
        """A judgement is made again because a model was away."""
        self._retries.labels(graph).inc()

    def heard(self, graph: str, event: Event, tools: Collection[str] = ()) -> None:
        """Something happened in a judgement.

        Args:
            graph: Whose.
            event: What.
            tools: Those of the graph; a model may call others, which are counted together.
        """
        if isinstance(event, Finished) and event.recorded:
            self._recorded.labels(graph).inc()
        elif isinstance(event, ModelCalled) and not event.recorded:
            self._calls.labels(graph).inc()
            self._tokens.labels(graph, "in").inc(event.tokens_in)
            self._tokens.labels(graph, "out").inc(event.tokens_out)
        elif isinstance(event, ToolCalled) and not event.recorded:
            tool = event.tool if event.tool in tools else "unknown"
            self._tools.labels(graph, tool, "ok" if event.error is None else "error").inc()

    def reply(self) -> Response:
        """The page."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


def _outcome(result: JudgeResult | RankResult) -> str:
    """The kind of an outcome, or why there is none; for a ranking without a score, what its comparisons failed of."""
    if isinstance(result.outcome, Unscored):
        return result.outcome.reason
    if isinstance(result, RankResult) and not any(score is not None for score in result.outcome.scores):
        failed = [c.outcome.reason for c in result.comparisons if isinstance(c.outcome, Unscored)]
        return failed[0] if failed else result.outcome.type
    return result.outcome.type
