"""`adjudge serve` as people start it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from adjudge.cli.app import _Commands
from adjudge.cli.serve import serve
from tests.serving.served import ONE
from tests.serving.test_shutdown import GOOD, program

app = typer.Typer(cls=_Commands)
app.callback()(lambda: None)
app.command("serve")(serve)


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "script.txt"
    path.write_text(f"{GOOD}\n" * 4, "utf-8")
    return f"scripted:{path}"


def invoked(*words: str, **environ: str) -> Result:
    runner = CliRunner(env={"ADJUDGE_TOKEN": "", "COLUMNS": "200", **environ})
    return runner.invoke(app, ["serve", *words], catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--host", "0.0.0.0"], "so a token is needed: set ADJUDGE_TOKEN or give --token"),
        (["--host", "0.0.0.0", "--token", "short"], "--token: a token has at least 8 characters"),
        (["--host", "no such host", "--token", "long-enough"], "this address is not known"),
        (["--graph", "nope"], "nope"),
        (["--graph", "rubric", "--graph", "rubric"], "two judges have the same name"),
    ],
)
def test_what_cannot_be_served_is_told(script: str, words: list[str], problem: str) -> None:
    result = invoked(*words, "--model", script)
    assert result.exit_code == 2
    assert problem in result.output
    assert "short" not in result.output.replace("short,", "")


def test_a_port_that_is_taken_is_told(script: str) -> None:
    with program("--model", script) as (_, url):
        result = invoked("--model", script, "--port", url.rpartition(":")[2])
    assert result.exit_code == 2
    assert "cannot listen on" in result.output


def test_it_says_where_it_is_and_keeps_the_token_to_itself(script: str) -> None:
    token = "a-token-of-some-length"
    with program("--model", script, ADJUDGE_TOKEN=token) as (process, url):
        case = {"case": ONE}
        assert httpx.post(f"{url}/v1/judgements", json=case, trust_env=False).status_code == 401
        headers = {"Authorization": f"Bearer {token}"}
        reply = httpx.post(f"{url}/v1/judgements", json=case, headers=headers, trust_env=False)
        assert reply.json()["judgement"]["scores"] == [4.0]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert token not in out + err
        assert "Traceback" not in err


def test_the_help_names_the_paths() -> None:
    text = invoked("--help").output
    assert "/v1/rewards" in text
    assert "--max-body" in text


def test_packages_that_are_missing_are_named() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from adjudge.serving import RemoteReward\n"
        "RemoteReward('http://127.0.0.1:1')\n"
        "from adjudge.errors import MissingPackage\n"
        "try:\n    from adjudge.serving import serve\n"
        "except MissingPackage as error: print(error)\n"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert 'pip install "adjudge[serve]"' in done.stdout
