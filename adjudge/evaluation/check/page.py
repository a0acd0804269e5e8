"""The trust report as one page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from adjudge.evaluation.check.finding import Finding, Line, TrustReport
from adjudge.evaluation.report.markdown import escape as escaped
from adjudge.evaluation.results import Estimate

_SIGNS = {"trust": "✔", "trust with care": "≈", "do not trust": "✘", "not measured": "–"}


def to_markdown(report: TrustReport) -> str:
    """The verdicts first, then the numbers behind them."""
    head = [
        f"# Can {escaped(report.subject)} be trusted? {report.trust.capitalize()}",
        "",
        f"{report.why.capitalize()}. Checked on {escaped(report.cases)}, seed {report.seed}, with adjudge "
        f"{report.version} on {report.created}. {report.usage.model_calls:,} model calls, "
        f"{report.usage.tokens_in + report.usage.tokens_out:,} tokens.",
        "",
        "| | question | verdict | why |",
        "|---|---|---|---|",
        *(
            f"| {_SIGNS[one.trust]} | {one.question} | **{one.trust}** | {escaped(one.why)} |"
            for one in report.findings
        ),
        "",
        "A verdict is as good as the bad end of its 95 % interval: few cases cannot earn trust.",
    ]
    return "\n".join([*head, *(line for one in report.findings for line in _details(one))]) + "\n"


def _details(finding: Finding) -> list[str]:
    if not finding.lines:
        return []
    table = ["", f"## {finding.question}", "", "| | value | 95 % interval | pairs |", "|---|---|---|---|"]
    table += [
        f"| {escaped(line.name)} | {value_of(line)} | {interval_of(line)} | {line.estimate.n} |"
        for line in finding.lines
    ]
    return [*table, *_rows(finding.rows)]


def _rows(rows: Sequence[dict[str, str | float | int | None]]) -> list[str]:
    if not rows:
        return []
    columns = list(rows[0])
    head = ["", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return [*head, *(f"| {' | '.join(cell(row[column]) for column in columns)} |" for row in rows)]


def cell(value: str | float | int | None) -> str:
    """One detail of a finding, safe in Markdown."""
    if value is None:
        return ""
    return f"{value:.0%}" if isinstance(value, float) else escaped(str(value))


def value_of(line: Line) -> str:
    """A number of a finding."""
    return "" if line.estimate.value is None else _number(line.estimate.value, line)


def interval_of(line: Line) -> str:
    """Its interval, or why there is none."""
    found: Estimate = line.estimate
    if found.low is None or found.high is None:
        return escaped(found.why)
    return f"{_number(found.low, line)} to {_number(found.high, line)}"


def _number(value: float, line: Line) -> str:
    return f"{value:.0%}" if line.percent else f"{value:.2f}"
