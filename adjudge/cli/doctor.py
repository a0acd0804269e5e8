"""`adjudge doctor`: what is installed, which model would judge, and what to do where none can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from adjudge.cli.health import Finding
    from adjudge.cli.screen import Screen


def doctor() -> None:
    """Check whether a judge can run here, and on which model. Exit code 0 if one can, else 2.

    \b
    adjudge doctor
    ADJUDGE_BASE_URL=http://127.0.0.1:8000/v1 adjudge doctor
    """
    from adjudge.cli import health
    from adjudge.cli.screen import Screen

    screen = Screen()
    _section(screen, "versions", health.versions())
    _section(screen, "extras", health.extras())
    _section(screen, "environment", health.variables())
    _section(screen, "machine", [health.gpu(), health.cache()])
    _section(screen, "embedded model", [health.embedded()])
    chosen = health.auto_model()
    _section(screen, "model of `auto`", [chosen])
    if not chosen.good:
        screen.error(f"no judge can run yet; {chosen.remedy}")
        raise typer.Exit(2)
    screen.line(("A judge can run here.", "bold green"), " Try: adjudge judge CASES --corpus CORPUS")


def _section(screen: Screen, title: str, findings: list[Finding]) -> None:
    screen.line((title, "bold"))
    for finding in findings:
        mark = ("ok  ", "green") if finding.good else ("--  ", "yellow")
        screen.line(mark, f"{finding.what}: {finding.state}", indent=2)
        if finding.remedy:
            screen.line(finding.remedy, indent=6)
