"""`provider: vllm`: a server around a run, shared, watched, started again once, and gone afterwards."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adjudge import Case, Judge
from adjudge.errors import ConfigError, MissingPackage, ModelError
from adjudge.models import ModelSpec
from adjudge.models.mock import MockServer
from adjudge.models.serve import ServeSettings, VllmModel, load_adapter, serve, shared
from adjudge.models.serve.running import start
from adjudge.models.server import ServerModel
from adjudge.types.messages import user

Open = Callable[..., VllmModel]
HELLO, DIE = [user("hello")], [user("die now")]


async def told(model: VllmModel | ServerModel) -> dict[str, Any]:
    reply = await model.chat(HELLO)
    said: dict[str, Any] = json.loads(str(reply.choices[0].message["content"]))
    return said


def test_the_first_call_starts_the_server_and_closing_stops_it(open_vllm: Open, gone: Callable[[int], bool]) -> None:
    model = open_vllm()

    async def work() -> dict[str, Any]:
        said = await told(model)
        assert await told(model) == said
        await model.aclose()
        return said

    said = asyncio.run(work())
    assert said["model"] == "Qwen2.5-Tiny"
    assert gone(said["pid"])


def test_equal_settings_share_one_server_until_the_last_is_closed(open_vllm: Open, gone: Callable[[int], bool]) -> None:
    async def work() -> tuple[int, int, int]:
        one, two, other = open_vllm(), open_vllm(temperature=0.5), open_vllm(context=256)
        said = await asyncio.gather(*(told(model) for model in (one, two, one, two, other)))
        first = said[0]["pid"]
        assert [answer["pid"] for answer in said[:4]] == [first] * 4
        await one.aclose()
        again = (await told(two))["pid"]
        await two.aclose()
        await other.aclose()
        return first, again, said[4]["pid"]

    first, again, other = asyncio.run(work())
    assert first == again != other
    assert gone(first)
    assert gone(other)


def test_a_closed_model_starts_a_server_again_and_serves_several_loops(open_vllm: Open) -> None:
    model = open_vllm()
    first = asyncio.run(told(model))
    assert asyncio.run(told(model)) == first
    asyncio.run(model.aclose())
    assert asyncio.run(told(model))["pid"] != first["pid"]


def test_a_death_in_the_middle_is_told_with_the_last_words_and_mended_once(
    open_vllm: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_vllm()

    async def work() -> None:
        first = (await told(model))["pid"]
        with pytest.raises(ModelError, match="exit code 3") as caught:
            await model.chat(DIE)
        assert caught.value.kind == "unavailable"
        assert "EngineDeadError" in str(caught.value)
        second = (await told(model))["pid"]
        assert second != first
        with pytest.raises(ModelError, match="exit code 3"):
            await model.chat(DIE)
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(ModelError, match="started again in") as caught:
                await model.chat(HELLO)
            assert "EngineDeadError" in str(caught.value)
        assert time.monotonic() - began < 2.0
        ten_minutes_later = time.monotonic() + shared.RESTART_SECONDS
        monkeypatch.setattr("adjudge.models.serve.shared.time.monotonic", lambda: ten_minutes_later)
        assert (await told(model))["pid"] not in (first, second)

    asyncio.run(work())


def test_calls_in_flight_all_end_when_the_server_dies(open_vllm: Open) -> None:
    model = open_vllm()

    async def work() -> list[Any]:
        await told(model)
        calls = [model.chat(DIE if number == 5 else HELLO) for number in range(12)]
        return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)

    results = asyncio.run(work())
    assert isinstance(results[5], ModelError)
    assert all(not isinstance(result, BaseException) or isinstance(result, ModelError) for result in results)


def test_a_start_that_fails_is_told_with_its_reason_and_not_repeated(
    open_vllm: Open, fake_vllm: Callable[[str], None]
) -> None:
    fake_vllm("die")
    model = open_vllm()

    async def work() -> None:
        calls = [model.chat(HELLO) for _ in range(8)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, ModelError) for result in results)
        assert all("not enough memory" in str(result) for result in results)
        assert sum("did not start" in str(result) and "at the earliest" not in str(result) for result in results) == 1

    asyncio.run(work())


@pytest.mark.parametrize("given", ["soon", "0", "-3", "nan", "inf"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(given: str) -> None:
    assert shared.start_seconds({"ADJUDGE_VLLM_WAIT": "400"}) == 400.0
    assert shared.start_seconds({}) == 180.0
    with pytest.raises(ConfigError, match="ADJUDGE_VLLM_WAIT"):
        shared.start_seconds({"ADJUDGE_VLLM_WAIT": given})


def test_a_start_that_nobody_waits_for_is_given_up(open_vllm: Open, fake_vllm: Callable[[str], None]) -> None:
    fake_vllm("silent")
    model = open_vllm()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(model.chat(HELLO), 1.0)
        began = time.monotonic()
        await model.aclose()
        assert time.monotonic() - began < 10.0

    asyncio.run(work())


def test_a_server_that_does_not_answer_in_time_is_ended(
    fake_vllm: Callable[[str], None], folder: Path, gone: Callable[[int], bool]
) -> None:
    fake_vllm("silent")
    lines: list[str] = []
    with pytest.raises(ModelError, match=r"did not answer within 1\.5 s"):
        start(ServeSettings(model=str(folder)), seconds=1.5, on_line=lines.append)
    assert gone(int(lines[0].split()[1]))


def test_whoever_interrupts_a_start_leaves_nothing_behind(
    fake_vllm: Callable[[str], None], folder: Path, gone: Callable[[int], bool]
) -> None:
    fake_vllm("silent")
    lines: list[str] = []

    def interrupt(seconds: float) -> None:
        if lines:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(ServeSettings(model=str(folder)), on_line=lines.append, on_progress=interrupt)
    assert gone(int(lines[0].split()[1]))


def test_prompts_are_not_sent_to_a_server_that_is_not_ours(fake_vllm: Callable[[str], None], folder: Path) -> None:
    fake_vllm("foreign")
    with pytest.raises(ModelError, match="another server than ours"):
        start(ServeSettings(model=str(folder)))


def test_a_port_that_is_taken_is_told_before_anything_starts(fake_vllm: Callable[[str], None], folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="cannot listen") as caught:
            start(ServeSettings(model=str(folder), port=port))
        assert caught.value.key == "port"


def test_a_server_that_others_can_reach_needs_a_key(fake_vllm: Callable[[str], None], folder: Path) -> None:
    with pytest.raises(ConfigError, match="ADJUDGE_API_KEY"):
        start(ServeSettings(model=str(folder), host="0.0.0.0"))


def test_our_servers_ask_for_a_key_that_only_we_know(open_vllm: Open) -> None:
    model = open_vllm()

    async def work() -> None:
        served = await model.start()
        stranger = ServerModel(ModelSpec(provider="server", model=served.name, base_url=served.base_url, retries=0))
        with pytest.raises(ModelError) as caught:
            await stranger.chat(HELLO)
        assert caught.value.status == 401
        await stranger.aclose()

    asyncio.run(work())


def test_adapters_come_and_go_while_the_server_runs(open_vllm: Open, adapter: Callable[..., Path]) -> None:
    model = open_vllm(lora={"base": str(adapter("base"))}, adapter="base")

    async def work() -> None:
        assert (await told(model))["model"] == "base"
        await model.load_adapter("step-1", adapter("step-1"))
        with pytest.raises(ModelError, match="already been loaded"):
            await model.load_adapter("step-1", adapter("step-2"))
        await model.load_adapter("step-1", adapter("step-3"), replace=True)
        await model.unload_adapter("step-1")
        with pytest.raises(ModelError, match=r"'step-1'.*cannot be found") as caught:
            await model.unload_adapter("step-1")
        assert caught.value.kind == "rejected"

    asyncio.run(work())


def test_a_server_without_adapters_says_how_to_get_one_with(open_vllm: Open, adapter: Callable[..., Path]) -> None:
    model = open_vllm()

    async def work() -> None:
        with pytest.raises(ModelError, match=r"adjudge models serve --lora"):
            await model.load_adapter("step-1", adapter("step-1"))

    asyncio.run(work())


def test_an_adapter_of_a_dead_server_is_unavailable() -> None:
    async def work() -> None:
        async with MockServer(lambda _: "") as server:
            url = server.base_url
        with pytest.raises(ModelError, match=r"'one'.*nothing answers") as caught:
            await load_adapter(url, "one", "/adapters/one")
        assert caught.value.kind == "unavailable"

    asyncio.run(work())


def test_an_adapter_that_is_not_served_is_refused_at_load(open_vllm: Open, adapter: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="unknown adapter"):
        open_vllm(adapter="one")
    with pytest.raises(ConfigError, match="no LoRA adapter"):
        open_vllm(lora={"one": "/nowhere"})


def test_what_a_model_is_follows_from_its_weights_and_adapter(
    open_vllm: Open, folder: Path, adapter: Callable[..., Path]
) -> None:
    plain = open_vllm().info
    assert (plain.name, plain.provider, plain.context) == ("Qwen2.5-Tiny", "vllm", 512)
    assert {"tools", "score", "complete", "json_schema"} <= plain.abilities
    assert open_vllm(temperature=0.7).info.fingerprint == plain.fingerprint
    assert open_vllm(weights="mine").info.fingerprint != plain.fingerprint
    lora = {"one": str(adapter("one")), "two": str(adapter("two"))}
    adapted = {open_vllm(lora=lora, adapter=name).info.fingerprint for name in ("one", "two")}
    assert len({*adapted, plain.fingerprint}) == 3
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert open_vllm().info.fingerprint != plain.fingerprint


def test_a_family_without_a_tool_parser_cannot_call_tools(open_vllm: Open, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gemma2"}')
    assert "tools" not in open_vllm(model=str(tmp_path)).info.abilities
    named = ("--enable-auto-tool-choice", "--tool-call-parser", "pythonic")
    assert "tools" in open_vllm(model=str(tmp_path), serve_args=named).info.abilities


def test_a_missing_vllm_is_told_by_the_first_call(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("ADJUDGE_VLLM_PYTHON", raising=False)
    model = VllmModel(ModelSpec(provider="vllm", model=str(folder), context=77))

    async def work() -> None:
        with pytest.raises(MissingPackage):
            await model.chat(HELLO)
        await model.aclose()

    asyncio.run(work())


def test_a_judge_file_with_the_provider_judges_and_leaves_nothing(
    fake_vllm: Callable[[str], None], folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "served.yaml"
    file.write_text(
        f"""
name: served
mode: pairwise
models:
  default: {{provider: vllm, model: {folder}, retries: 0, serve_args: [--seed, "3"]}}
nodes:
  judge: {{agent: judge, decide: generate, repair: 0}}
edges: {{start: judge, judge: end}}
"""
    )
    with Judge.load(file) as judge:
        result = judge(Case(prompt="Which?", responses=("one", "two")))
        assert result.outcome.type == "unscored"  # the stand-in writes no verdict
        assert result.outcome.reason == "parse_failure"
        assert any(server._served for server in shared._servers.values())
    assert not any(server._served for server in shared._servers.values())


def test_a_judgement_during_which_vllm_dies_is_unscored_with_its_last_words(
    fake_vllm: Callable[[str], None], folder: Path
) -> None:
    spec = ModelSpec(provider="vllm", model=str(folder), retries=0)
    with Judge.load("direct", model=spec, settings=["orders=one", "nodes.judge.decide=generate"]) as judge:
        dying = judge(Case(prompt="die now", responses=("one", "two")))
        after = judge(Case(prompt="Which?", responses=("one", "two")))
    assert dying.outcome.type == "unscored"
    assert dying.outcome.reason == "model_failure"
    assert "EngineDeadError" in dying.outcome.detail
    assert after.outcome.type == "unscored"
    assert after.outcome.reason == "parse_failure"


def test_a_server_lasts_as_long_as_its_block(
    fake_vllm: Callable[[str], None], folder: Path, gone: Callable[[int], bool]
) -> None:
    async def pid(url: str) -> int:
        model = ServerModel(ModelSpec(provider="server", model="m", base_url=url))
        said = await told(model)
        await model.aclose()
        return int(said["pid"])

    with serve(ServeSettings(model=str(folder))) as served:
        answered = asyncio.run(pid(served.base_url))
    assert gone(answered)
