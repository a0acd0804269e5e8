"""The trust report as one HTML file that loads nothing: verdicts first, then the numbers behind them, drawn."""

from __future__ import annotations

from adjudge.errors import MissingPackage
from adjudge.evaluation.check.finding import Finding, Line, Trust, TrustReport
from adjudge.evaluation.check.page import cell, interval_of, value_of
from adjudge.evaluation.report.html import rendered
from adjudge.evaluation.report.tables import Axis, Cell, Table

_CLASSES: dict[Trust, str] = {
    "trust": "yes",
    "trust with care": "care",
    "do not trust": "no",
    "not measured": "none",
}


def to_html(report: TrustReport) -> str:
    """The page as text.

    Raises:
        MissingPackage: jinja2 or matplotlib is not installed.
    """
    try:
        from adjudge.evaluation.report.plots import calibration
    except ImportError as error:
        install = 'pip install "adjudge[eval]"'
        raise MissingPackage("matplotlib", needed_for="the plots of a report", install=install) from error
    values = {
        "report": report,
        "classes": _CLASSES,
        "tables": {one.probe: _tables(one) for one in report.findings},
        "plots": {
            one.probe: calibration(one.reliability, f"r{place}")
            for place, one in enumerate(report.findings)
            if one.reliability
        },
    }
    return rendered("trust.html.j2", values)


def _tables(finding: Finding) -> list[Table]:
    """Shares and other numbers apart, since they are drawn on different axes; then the details."""
    shares = [line for line in finding.lines if line.percent]
    others = [line for line in finding.lines if not line.percent]
    ends = [abs(end) for line in others for end in (line.estimate.low, line.estimate.high, line.estimate.value) if end]
    most = max([1.0, *ends])
    signed = any((line.estimate.low or 0) < 0 or (line.estimate.value or 0) < 0 for line in others)
    made = [
        _lines(shares, Axis(1, 0.0, 1.0, None)),
        _lines(others, Axis(1, -most if signed else 0.0, most, 0.0 if signed else None)),
        _details(finding),
    ]
    return [table for table in made if table.rows]


def _lines(lines: list[Line], axis: Axis) -> Table:
    rows = tuple(
        (
            Cell(line.name),
            Cell(value_of(line), interval_of(line), line.estimate if line.estimate.value is not None else None),
            Cell(f"{line.estimate.n:,}"),
        )
        for line in lines
    )
    return Table("", ("", "value, with its 95 % interval", "asked"), rows, axis=axis)


def _details(finding: Finding) -> Table:
    columns = tuple(finding.rows[0]) if finding.rows else ()
    return Table("", columns, tuple(tuple(Cell(cell(row[name])) for name in columns) for row in finding.rows))
