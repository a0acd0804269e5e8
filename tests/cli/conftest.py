from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adjudge.cli.app import app


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command line in an empty folder, with none of the variables that it reads."""
    monkeypatch.chdir(tmp_path)
    for name in ("ADJUDGE_MODEL", "ADJUDGE_BASE_URL", "ADJUDGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(app, arguments, input=input, catch_exceptions=False)

    return run
