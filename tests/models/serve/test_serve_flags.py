"""The command line and the environment of a vLLM server, without starting one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adjudge.errors import ConfigError, MissingPackage
from adjudge.models import ModelSpec, open_model, parse_model
from adjudge.models.local import embedded
from adjudge.models.serve import Interpreter, ServeSettings, command, environment, find_interpreter
from adjudge.models.serve.families import tool_parser
from adjudge.models.serve.flags import settings_of
from adjudge.models.serve.interpreter import OPTIONAL_FLAGS

GPU = Interpreter("/opt/vllm/bin/python", "0.32.0", False, frozenset(OPTIONAL_FLAGS))
OLD = GPU._replace(flags=frozenset())
CPU = GPU._replace(cpu=True)


def words(interpreter: Interpreter = GPU, **settings: Any) -> list[str]:
    return command(ServeSettings(**{"model": "Qwen/Qwen3-8B", **settings}), interpreter, 8123)


def after(flag: str, given: list[str]) -> str:
    return given[given.index(flag) + 1]


def test_what_judges_need_is_asked_for() -> None:
    given = words()
    assert given[:3] == ["/opt/vllm/bin/python", "-m", "vllm.entrypoints.openai.api_server"]
    assert after("--host", given) == "127.0.0.1"
    assert after("--port", given) == "8123"
    assert after("--tool-call-parser", given) == "hermes"
    assert after("--tool-strict-level", given) == "parameter"
    assert json.loads(after("--structured-outputs-config", given)) == {
        "backend": "xgrammar",
        "disable_any_whitespace": True,
    }
    assert after("--max-logprobs", given) == "20"
    assert after("--generation-config", given) == "vllm"
    assert {"--enable-auto-tool-choice", "--enable-prefix-caching", "--enable-prompt-tokens-details"} <= set(given)
    assert not {"--enforce-eager", "--enable-lora", "--max-model-len"} & set(given)


def test_flags_that_a_version_does_not_know_are_left_out() -> None:
    assert not set(OPTIONAL_FLAGS) & set(words(OLD))


def test_a_build_for_processors_gets_what_it_needs() -> None:
    given = words(CPU)
    assert {"--enforce-eager", "--dtype"} <= set(given)


def test_the_embedded_model_comes_with_our_chat_template(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "embedded_path", lambda: tmp_path)
    given = words(model="embedded")
    assert after("--model", given) == str(tmp_path)
    assert after("--served-model-name", given) == embedded.NAME
    assert "<tool_call>" in Path(after("--chat-template", given)).read_text("utf-8")
    assert after("--max-model-len", given) == str(embedded.CONTEXT)


def test_tensor_parallel_and_length_are_handed_on() -> None:
    given = words(tensor_parallel=4, max_model_len=4096)
    assert (after("--tensor-parallel-size", given), after("--max-model-len", given)) == ("4", "4096")


@pytest.mark.parametrize(("rank", "limit"), [(1, "8"), (8, "8"), (12, "16"), (64, "64"), (300, "320")])
def test_the_limit_on_ranks_is_the_next_that_vllm_takes(adapter: Callable[..., Path], rank: int, limit: str) -> None:
    made = adapter("one", rank)
    given = words(lora=(("one", str(made)),))
    assert after("--max-lora-rank", given) == limit
    assert given[given.index("--lora-modules") + 1 :] == [f"one={made}"]


@pytest.mark.parametrize("rank", [0, "12", None, 513])
def test_an_adapter_without_a_usable_rank_is_refused(adapter: Callable[..., Path], rank: object) -> None:
    with pytest.raises(ConfigError, match="rank"):
        words(lora=(("one", str(adapter("one", rank))),))


def test_a_folder_without_an_adapter_or_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no LoRA adapter"):
        words(lora=(("one", str(tmp_path)),))
    with pytest.raises(ConfigError, match=r"no config\.json"):
        words(model=str(tmp_path))


@pytest.mark.parametrize("flag", ["--api-key", "--api_key", "--port=1", "--host", "--model", "--lora-modules"])
def test_an_extra_flag_cannot_override_what_has_a_setting(flag: str) -> None:
    with pytest.raises(ConfigError, match="cannot be given as a further flag"):
        ServeSettings(model="m", extra=("--seed", "1", flag, "x"))


def test_extra_flags_come_last_and_no_shell_reads_them() -> None:
    assert words(extra=("--reasoning-parser", "$(touch x)"))[-2:] == ["--reasoning-parser", "$(touch x)"]


def test_no_telemetry_no_downloads_and_the_key_in_the_environment_only() -> None:
    inherited = {"PATH": "/bin", "ADJUDGE_API_KEY": "mine", "PYTHONPATH": "/here", "VIRTUAL_ENV": "/here"}
    settings = ServeSettings(model="m")
    given = environment(settings, GPU, "secret", inherited)
    assert given["VLLM_API_KEY"] == "secret"
    assert (given["HF_HUB_OFFLINE"], given["VLLM_NO_USAGE_STATS"], given["DO_NOT_TRACK"]) == ("1", "1", "1")
    assert given["PATH"] == "/bin"
    assert not {"ADJUDGE_API_KEY", "PYTHONPATH", "VIRTUAL_ENV"} & set(given)
    assert "secret" not in " ".join(command(settings, GPU, 1))


def test_downloads_are_allowed_on_request_and_adapters_open_their_endpoint() -> None:
    assert "HF_HUB_OFFLINE" not in environment(ServeSettings(model="m", online=True), GPU, None, {})
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in environment(ServeSettings(model="m"), GPU, None, {})
    adapting = ServeSettings(model="m", extra=("--enable-lora",))
    assert environment(adapting, GPU, None, {})["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"


@pytest.mark.parametrize(
    ("model", "parser"),
    [
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "hermes"),
        ("Qwen/Qwen2.5-7B-Instruct", "hermes"),
        ("Qwen/Qwen3-8B", "hermes"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_xml"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3_json"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4_pythonic"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes"),
        ("mistralai/Ministral-8B-Instruct-2410", "mistral"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek_v31"),
        ("openai/gpt-oss-20b", "openai"),
        ("google/gemma-2-9b-it", None),
    ],
)
def test_the_family_names_the_tool_parser(model: str, parser: str | None) -> None:
    assert tool_parser(model) == parser


def test_a_folder_with_any_name_is_known_by_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    assert tool_parser(str(tmp_path)) == "hermes"
    (tmp_path / "config.json").write_text("[]")
    assert tool_parser(str(tmp_path)) is None


def test_without_a_parser_no_tools_are_offered_unless_one_is_named() -> None:
    assert "--enable-auto-tool-choice" not in words(model="google/gemma-2-9b-it")
    assert "--enable-auto-tool-choice" not in words(tools=False)
    assert after("--tool-call-parser", words(model="google/gemma-2-9b-it", tool_parser="pythonic")) == "pythonic"


def test_the_spec_of_a_graph_file_becomes_settings() -> None:
    spec = ModelSpec(
        provider="vllm",
        model="Qwen/Qwen3-8B",
        context=4096,
        tensor_parallel=2,
        lora={"b": "/b", "a": "/a"},
        serve_args=("--seed", "7"),
    )
    settings = settings_of(spec)
    assert settings.lora == (("a", "/a"), ("b", "/b"))
    assert (settings.max_model_len, settings.tensor_parallel, settings.extra) == (4096, 2, ("--seed", "7"))
    assert settings_of(ModelSpec(provider="vllm")).model == "embedded"
    assert parse_model("vllm:Qwen/Qwen3-8B") == ModelSpec(provider="vllm", model="Qwen/Qwen3-8B")


@pytest.mark.parametrize(
    "fields",
    [
        {"provider": "server", "lora": {"a": "/a"}},
        {"provider": "local", "tensor_parallel": 2},
        {"provider": "server", "python": "/usr/bin/python"},
        {"provider": "vllm", "base_url": "http://127.0.0.1:8000/v1"},
        {"provider": "vllm", "api_key": "k"},
        {"provider": "vllm", "port": 0},
    ],
)
def test_fields_of_another_provider_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ModelSpec(**fields)


def test_where_a_server_runs_is_not_part_of_what_it_is() -> None:
    assert not {"python", "port"} & set(ModelSpec(provider="vllm", python="p", port=8000).model_dump())


def test_a_python_that_does_not_exist_is_refused_at_load() -> None:
    with pytest.raises(ConfigError, match="no such Python"):
        open_model(ModelSpec(provider="vllm", model="m", python="/nowhere/python"))


def test_a_python_without_vllm_is_a_missing_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ADJUDGE_VLLM_PYTHON", raising=False)
    (tmp_path / "vllm").mkdir()  # a folder of that name is no package
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingPackage, match=r"adjudge\[vllm\]"):
        find_interpreter()


def test_a_program_that_is_no_python_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    with pytest.raises(ConfigError, match="cannot be asked"):
        find_interpreter(str(program))


def test_the_interpreter_tells_what_its_vllm_knows(fake_vllm: Callable[[str], None]) -> None:
    found = find_interpreter()
    assert found.path == str(Path(sys.executable).absolute())
    assert found.flags == {"--tool-strict-level", "--enable-prompt-tokens-details"}
