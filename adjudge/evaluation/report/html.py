"""A report as one HTML file that loads nothing: tables, plots, and a browser of single cases.

    write_html(report, (case_view(…) for …), "report.html")

Everything in it may have been written by somebody hostile. Text is escaped by the template, the script builds its view
from text nodes alone, and a content security policy allows our own script and style by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adjudge.errors import MissingPackage
from adjudge.evaluation.report import tables
from adjudge.evaluation.report.data import PageData, page_data
from adjudge.evaluation.report.parts import CaseView
from adjudge.evaluation.report.text import visible
from adjudge.evaluation.report.views import LIMIT
from adjudge.evaluation.results import BenchmarkSummary, Estimate, EvalReport

if TYPE_CHECKING:
    from jinja2 import Environment

    from adjudge.evaluation.report.plots import Plot

_FOLDER = Path(__file__).parent
_SCRIPTS = ("page.js", "details.js", "browser.js")
WIDTH = 96  # of a bar, in CSS pixels
_INSTALL = 'pip install "adjudge[eval]"'


def write_html(report: EvalReport, cases: Iterable[CaseView], path: Path | str, *, limit: int = LIMIT) -> None:
    """Write a report with its single cases.

    Args:
        report: What was found.
        cases: Read once; only their compressed form is kept in memory.
        path: The file; one that is there is replaced.
        limit: Most characters of one text, as given to `case_view`; the page says so.

    Raises:
        MissingPackage: jinja2 or matplotlib is not installed.
        OSError: The file cannot be written.
    """
    Path(path).write_text(to_html(report, page_data(cases), limit=limit), encoding="utf-8", newline="\n")


def to_html(report: EvalReport, data: PageData, *, limit: int = LIMIT) -> str:
    """The page as text; see `write_html`."""
    script = "\n".join(_read(name) for name in _SCRIPTS)
    values = {
        "report": report,
        "data": data,
        "limit": limit,
        "overview": tables.overview(report) if len(report.benchmarks) > 1 else None,
        "plots": [_plots(benchmark, place) for place, benchmark in enumerate(report.benchmarks)],
    }
    return rendered("page.html.j2", values, script)


def rendered(template: str, values: Mapping[str, object], script: str = "") -> str:
    """A page of ours as text, with its style, its script and the policy that allows these alone.

    Raises:
        MissingPackage: jinja2 is not installed.
    """
    style = _read("page.css")
    frame = {"style": style, "script": script, "policy": _policy(script, style)}
    return _environment().get_template(template).render({**values, **frame})


def _policy(script: str, style: str) -> str:
    """The content security policy: our own script and style, and images that are in the page."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        f"base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingPackage("jinja2", needed_for="a report as HTML", install=_INSTALL) from error
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"tables_of": tables.tables_of, "bar_of": bar_of, "width": WIDTH}
    return environment


def _shown(value: object) -> object:
    """What every expression of the template passes through; markup of our own is no plain `str`."""
    return visible(value) if type(value) is str else value


def _plots(benchmark: BenchmarkSummary, place: int) -> list[Plot]:
    try:
        from adjudge.evaluation.report.plots import plots_of
    except ImportError as error:
        raise MissingPackage("matplotlib", needed_for="the plots of a report", install=_INSTALL) from error
    return list(plots_of(benchmark, f"p{place}"))


class Bar(NamedTuple):
    """Where the parts of a bar lie, from 0 to `WIDTH`; those that are not there are None."""

    value: float
    low: float | None
    high: float | None
    mark: float | None


def bar_of(estimate: Estimate, axis: tables.Axis) -> Bar:
    """A bar for an estimate that has a value."""

    def place(number: float | None) -> float | None:
        if number is None:
            return None
        share = (number - axis.low) / (axis.high - axis.low)
        return round(min(1.0, max(0.0, share)) * WIDTH, 1)

    return Bar(place(estimate.value) or 0.0, place(estimate.low), place(estimate.high), place(axis.mark))
