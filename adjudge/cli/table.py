"""Results as rows of a CSV file."""

from __future__ import annotations

import csv
import json
from typing import Any, TextIO

from adjudge.types import Answer, Case, JudgeResult, Unscored, Verdict

COLUMNS = (
    "id",
    "type",
    "winner",
    "scores",
    "verdict_label",
    "confidence",
    "reason",
    "detail",
    "label",
    "order_consistent",
    "citations",
    "rationale",
    "answer",
    "model_calls",
    "tool_calls",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "seconds",
    "money",
    "graph",
    "digest",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, "CSV Injection"


class Table:
    """Writes results as rows, the header first.

    Args:
        file: Opened with `newline=""`.
    """

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.DictWriter(file, COLUMNS, restval="")
        self._writer.writeheader()

    def add(self, case: Case | None, result: JudgeResult) -> None:
        """Write one result."""
        usage = result.usage.model_dump(include=set(COLUMNS) - {"id"})
        row: dict[str, Any] = {"id": result.id, "type": result.outcome.type, **usage}
        row |= {"graph": result.graph.name, "digest": result.graph.digest, "order_consistent": result.order_consistent}
        row |= _outcome(result) | {"label": None if case is None else case.label}
        self._writer.writerow({name: _cell(value) for name, value in row.items()})


def _outcome(result: JudgeResult) -> dict[str, Any]:
    outcome = result.outcome
    if isinstance(outcome, Unscored):
        return {"reason": outcome.reason, "detail": outcome.detail}
    if isinstance(outcome, Answer):
        return {"answer": outcome.text, "citations": " ".join(outcome.citations)}
    assert isinstance(outcome, Verdict)
    return {
        "winner": outcome.winner,
        "scores": " ".join(f"{score:g}" for score in outcome.scores),
        "verdict_label": outcome.label,
        "confidence": outcome.confidence,
        "citations": " ".join(outcome.citations),
        "rationale": outcome.rationale,
    }


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
