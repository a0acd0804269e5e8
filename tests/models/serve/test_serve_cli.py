"""`adjudge models serve`, in a process of its own, with a stand-in for vLLM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adjudge.cli.app import app
from adjudge.config import parse_yaml
from adjudge.models import ModelSpec

Fake = Callable[[str], None]


def invoke(*words: str) -> Any:
    return CliRunner().invoke(app, ["models", "serve", *words], catch_exceptions=False)


def serving(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "adjudge", "models", "serve", "--port", "0", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, env={**os.environ, "COLUMNS": "200"}
    )


def lines_until(process: subprocess.Popen[str], end: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.strip().startswith(end):
            return lines
    raise AssertionError("\n".join(lines))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_prints_settings_that_load_and_stops_cleanly(
    fake_vllm: Fake, folder: Path, gone: Callable[[int], bool], number: int
) -> None:
    with serving(str(folder), "--logs", "--max-model-len", "400") as process:
        lines = lines_until(process, "export ")
        process.send_signal(number)
        assert process.wait(40) == 0
    pid = next(int(line.split()[1]) for line in lines if line.startswith("pid "))
    assert gone(pid)
    first = next(at for at, line in enumerate(lines) if line.strip() == "models:")
    last = next(at for at, line in enumerate(lines) if line.startswith("or in the shell"))
    text = "\n".join(line.removeprefix("  ") for line in lines[first:last])
    spec = ModelSpec.model_validate(parse_yaml(text, "printed").data["models"]["default"])
    assert (spec.provider, spec.model, spec.context) == ("server", "Qwen2.5-Tiny", 400)


def test_a_server_that_cannot_start_is_told_with_its_last_lines(fake_vllm: Fake, folder: Path) -> None:
    fake_vllm("die")
    result = invoke(str(folder), "--port", "0")
    assert result.exit_code == 2
    assert "not enough memory" in result.output


def test_the_command_can_be_shown_without_starting_it(
    fake_vllm: Fake, folder: Path, adapter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADJUDGE_API_KEY", "very-secret")
    made = adapter("one")
    words = ("--lora", f"one={made}", "--extra", "--seed 3", "--extra", "--reasoning-parser 'qwen 3'", "--print")
    result = invoke(str(folder), *words)
    assert result.exit_code == 0
    assert f"--lora-modules one={made} --seed 3 --reasoning-parser 'qwen 3'" in result.output
    assert 'VLLM_API_KEY="$ADJUDGE_API_KEY"' in result.output
    assert "very-secret" not in result.output
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True" in result.output


def test_a_graph_without_tools_needs_no_parser_and_one_with_tools_does(fake_vllm: Fake, folder: Path) -> None:
    assert "--tool-call-parser" not in invoke(str(folder), "--graph", "direct", "--print").output
    assert "--tool-call-parser hermes" in invoke(str(folder), "-g", "direct", "-g", "evidence", "--print").output
    unknown = invoke("google/gemma-2-9b-it", "--graph", "evidence", "--print")
    assert unknown.exit_code == 2
    assert "--tool-parser" in unknown.output
    assert "the graph 'evidence' has tools" in unknown.output
    assert invoke("google/gemma-2-9b-it", "--graph", "direct", "--print").exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--lora", "one"), "NAME=FOLDER"),
        (("--extra", "--flag 'open"), "cannot be read"),
        (("--extra", "--api-key k"), "ADJUDGE_API_KEY"),
        (("--host", "0.0.0.0"), "ADJUDGE_API_KEY"),
        (("--python", "/nowhere/python"), "no such Python"),
        (("--graph", "nowhere"), "nowhere"),
    ],
)
def test_wrong_options_end_with_a_message(fake_vllm: Fake, folder: Path, words: tuple[str, ...], told: str) -> None:
    result = invoke(str(folder), *words)
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
