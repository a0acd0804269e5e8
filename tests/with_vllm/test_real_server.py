"""A real vLLM, started by our own code, on the embedded model. About five minutes on two cores.

    ADJUDGE_VLLM_PYTHON=/path/to/python pytest -m vllm tests/with_vllm

What the server is said to do is looked for in what comes back, never in its status: it answers 200 to parameters that
it ignores.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import os
import re
import signal
import subprocess
import warnings
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adjudge import Case, Judge, JudgeResult
from adjudge.cases import read_cases
from adjudge.errors import ModelError
from adjudge.models import ModelSpec, Sampling
from adjudge.models.local import LocalModel
from adjudge.models.local.embedded import NAME
from adjudge.models.serve import ServeSettings, VllmModel, find_interpreter
from adjudge.models.serve.families import TOOL_PARSERS
from adjudge.models.serve.running import Served, start
from adjudge.models.server import ServerModel
from adjudge.types.messages import system, user

T = TypeVar("T")
Work = Callable[[ServerModel], Coroutine[Any, Any, T]]

PYTHON = os.environ.get("ADJUDGE_VLLM_PYTHON")
EXAMPLES = Path(__file__).parents[2] / "examples" / "cases"
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON, reason="ADJUDGE_VLLM_PYTHON does not name a Python that has vLLM"),
]

SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search the corpus for passages.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "k": {"type": "integer", "minimum": 1, "maximum": 9}},
            "required": ["query", "k"],
            "additionalProperties": False,
        },
    },
}
VERDICT = {
    "type": "object",
    "properties": {"winner": {"enum": ["A", "B", "tie"]}, "confident": {"type": "boolean"}},
    "required": ["winner", "confident"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    found = start(ServeSettings(model="embedded"), api_key="for-this-test", seconds=600)
    yield found
    if not found.process.alive:
        print(found.process.tail(100))
    found.process.stop()


def spec_of(served: Served, **fields: Any) -> ModelSpec:
    where = {"model": served.name, "base_url": served.base_url, "api_key": served.api_key}
    return ModelSpec(provider="server", **{**where, "max_tokens": 96, **fields})


def ask(served: Served, work: Work[T], **fields: Any) -> T:
    async def go() -> T:
        model = ServerModel(spec_of(served, **fields))
        try:
            return await work(model)
        finally:
            await model.aclose()

    return asyncio.run(go())


def test_tool_calls_keep_to_their_schema(served: Served) -> None:
    async def work(model: ServerModel) -> list[Any]:
        asked = [user("Search for the mother of Edward Stafford, 4th Baron Stafford.")]
        calls = (
            model.chat(
                asked,
                tools=[SEARCH],
                sampling=Sampling(temperature=0.8, seed=seed, max_tokens=96, tool_choice="required"),
            )
            for seed in range(6)
        )
        return [reply.choices[0] for reply in await asyncio.gather(*calls)]

    whole = [choice for choice in ask(served, work) if choice.finish != "length"]  # no grammar keeps to max_tokens
    assert len(whole) >= 3
    for choice in whole:
        assert choice.message["tool_calls"]
        for call in choice.message["tool_calls"]:
            assert call["function"]["name"] == "search"
            arguments = json.loads(call["function"]["arguments"])
            assert arguments.keys() == {"query", "k"}
            assert isinstance(arguments["query"], str)
            assert arguments["k"] in range(1, 10)


def test_structured_output_is_valid_for_every_choice(served: Served) -> None:
    async def work(model: ServerModel) -> list[str]:
        sampling = Sampling(temperature=1.0, seed=1, max_tokens=40, json_schema=VERDICT)
        reply = await model.chat([user("Which answer is better?")], sampling=sampling, n=4)
        return [str(choice.message["content"]) for choice in reply.choices]

    verdicts = [json.loads(text) for text in ask(served, work)]
    assert len(verdicts) == 4
    for verdict in verdicts:
        assert verdict.keys() == {"winner", "confident"}
        assert verdict["winner"] in ("A", "B", "tie")
        assert isinstance(verdict["confident"], bool)


def test_log_probabilities_come_with_twenty_alternatives(served: Served) -> None:
    async def work(model: ServerModel) -> Any:
        return await model.chat([user("Say A or B.")], sampling=Sampling(max_tokens=3, top_logprobs=20))

    choice = ask(served, work).choices[0]
    assert len(choice.logprobs) == 3
    for token in choice.logprobs:
        assert len(token.top) >= 20
        assert sum(math.exp(logprob) for _, logprob in token.top) <= 1.01
        assert token.logprob == max(logprob for _, logprob in token.top)  # greedy


def test_token_ids_go_in_and_come_out(served: Served) -> None:
    prompt = [1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47]

    async def work(model: ServerModel) -> Any:
        return await model.complete(prompt, Sampling(temperature=0.9, seed=3, max_tokens=6), n=3)

    reply = ask(served, work)
    assert reply.prompt_ids == tuple(prompt)
    assert len(reply.choices) == 3
    for choice in reply.choices:
        assert 1 <= len(choice.token_ids) == len(choice.logprobs) <= 6
        assert [token.token_id for token in choice.logprobs] == list(choice.token_ids)
    assert len({choice.token_ids for choice in reply.choices}) > 1


@pytest.mark.slow
def test_scores_equal_those_of_the_model_in_process(served: Served) -> None:
    prefix = [system("You answer questions."), user("What is the capital of France?")]
    continuations = ["Paris", "The capital of France is Paris.", "London, as everybody knows."]

    async def work(model: ServerModel) -> Any:
        return await model.score(prefix, continuations)

    async def locally() -> Any:
        model = LocalModel(ModelSpec(provider="local"))
        try:
            return await model.score(prefix, continuations)
        finally:
            await model.aclose()

    ours, theirs = asyncio.run(locally()).logprobs, ask(served, work).logprobs
    assert [len(row) for row in ours] == [len(row) for row in theirs]
    for here, there in zip(ours, theirs, strict=True):
        for a, b in zip(here, there, strict=True):
            assert a == pytest.approx(b, abs=0.3, rel=0.03)  # logits in bfloat16 have steps of 0.125


def test_a_stream_brings_the_same_reply(served: Served) -> None:
    async def work(model: ServerModel) -> tuple[Any, Any, list[str]]:
        pieces: list[str] = []
        sampling = Sampling(max_tokens=24, seed=5)
        whole = await model.chat([user("Name three colours.")], sampling=sampling)
        streamed = await model.chat([user("Name three colours.")], sampling=sampling, on_text=pieces.append)
        return whole, streamed, pieces

    whole, streamed, pieces = ask(served, work)
    assert streamed.choices == whole.choices
    assert "".join(pieces) == streamed.choices[0].message["content"]
    assert len(pieces) > 3
    assert streamed.usage._replace(tokens_cached=0) == whole.usage._replace(tokens_cached=0)


def test_a_common_beginning_is_served_from_the_cache(served: Served) -> None:
    task = "The task, its rubric and all the evidence stand before the responses. " * 40

    async def work(model: ServerModel) -> list[Any]:
        sampling = Sampling(max_tokens=2)
        return [await model.chat([system(task), user(f"Response {name}")], sampling=sampling) for name in "AB"]

    first, second = (reply.usage for reply in ask(served, work))
    assert first.tokens_cached < 0.1 * first.tokens_in
    assert second.tokens_cached > 0.7 * second.tokens_in  # whole blocks only, of 128 tokens on a processor


def test_thirty_two_calls_in_flight_are_all_answered(served: Served) -> None:
    async def work(model: ServerModel) -> list[Any]:
        calls = (model.chat([user(f"Count to {n}.")], sampling=Sampling(max_tokens=24)) for n in range(32))
        return await asyncio.gather(*calls)

    replies = ask(served, work)
    assert len(replies) == 32
    assert all(reply.usage.tokens_out > 0 for reply in replies)


def raw(served: Served, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A request without any of our checks."""
    host, port = re.findall(r"http://(.*):(\d+)/v1", served.base_url)[0]
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    headers = {"content-type": "application/json", "authorization": f"Bearer {served.api_key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps({"model": served.name, **body}), headers)
    answer = connection.getresponse()
    told: dict[str, Any] = json.loads(answer.read())
    connection.close()
    return answer.status, told


def test_what_the_server_ignores_in_silence_never_becomes_a_verdict(served: Served) -> None:
    messages = [user("Describe the sea in a long sentence.")]
    status, told = raw(served, {"messages": messages, "max_tokens": 16, "guided_choice": ["A", "B"]})
    assert status == 200
    assert told["choices"][0]["message"]["content"] not in ("A", "B")
    spec = spec_of(
        served, extra_body={"guided_choice": ["A", "B"], "structured_outputs": False, "response_format": None}
    )
    judged = judge_all("direct", spec, count=2, **{"nodes.judge.decide": "generate", "nodes.judge.repair": 0})
    for result in judged:
        assert_sound(result)


def test_log_probabilities_that_the_server_leaves_out_are_missed(served: Served) -> None:
    async def work(model: ServerModel) -> Any:
        return await model.chat([user("Say A.")], sampling=Sampling(max_tokens=2, top_logprobs=5))

    with pytest.raises(ModelError, match="log-probabilities were asked for") as caught:
        ask(served, work, extra_body={"logprobs": None, "top_logprobs": None})
    assert caught.value.kind == "malformed"


def judge_all(graph: str, model: Any, count: int, **overrides: Any) -> list[JudgeResult]:
    cases: list[Case] = list(read_cases(EXAMPLES / "cases.jsonl"))[:count]
    corpus = EXAMPLES / "corpus.jsonl" if graph == "evidence" else None

    async def go() -> list[JudgeResult]:
        judge = Judge.load(graph, model=model, corpus=corpus, **overrides)
        try:
            return await asyncio.gather(*(judge.ajudge(case) for case in cases))
        finally:
            await judge.aclose()

    return asyncio.run(go())


def assert_sound(result: JudgeResult) -> None:
    """A verdict on the scale that cites only evidence that exists, or a reason why there is none."""
    outcome = result.outcome
    assert outcome.type in ("verdict", "unscored")
    if outcome.type == "verdict":
        assert outcome.scores is not None
        assert all(1 <= score <= 10 for score in outcome.scores)
        known = {item.name for item in result.evidence}
        assert set(outcome.citations) <= known
    elif outcome.type == "unscored":
        assert outcome.reason in ("parse_failure", "order_conflict", "limit", "tool_failure")
    assert result.usage.tokens_in > 0


def test_the_whole_direct_graph_judges(served: Served) -> None:
    results = judge_all("direct", spec_of(served), count=4)
    for result in results:
        assert_sound(result)
    assert any(result.scored for result in results)
    assert sum(result.usage.tokens_cached for result in results) > 0


def test_the_whole_evidence_graph_gathers_and_judges(served: Served) -> None:
    results = judge_all("evidence", spec_of(served), count=3, **{"nodes.gather.seed_queries": True})
    for result in results:
        assert_sound(result)
        assert result.evidence
        assert result.usage.tool_calls >= 1


def random_adapter(folder: Path, seed: int = 0) -> Path:
    """A LoRA adapter of rank 4 for the embedded model, large enough to be noticed."""
    torch = pytest.importorskip("torch")
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    from adjudge.models.local.embedded import embedded_path
    from adjudge.models.local.quiet import quiet

    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # among peft and transformers
        model = transformers.AutoModelForCausalLM.from_pretrained(embedded_path())
        config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
        torch.manual_seed(seed)
        peft.get_peft_model(model, config).save_pretrained(folder)
    return folder


def test_every_parser_that_we_name_is_one_of_this_vllm() -> None:
    code = "import importlib.util; print(importlib.util.find_spec('vllm').origin)"
    told = subprocess.run([find_interpreter().path, "-c", code], capture_output=True, text=True, timeout=60)
    listed = (Path(told.stdout.strip()).parent / "tool_parsers" / "__init__.py").read_text("utf-8")
    assert {parser for _, parser in TOOL_PARSERS if f'"{parser}": (' not in listed} == set()


def test_adapters_are_swapped_and_a_death_in_the_middle_is_told_with_the_last_words(tmp_path: Path) -> None:
    lora = {"base": str(random_adapter(tmp_path / "base"))}
    other = random_adapter(tmp_path / "other", seed=1)
    asked, sampling = [user("Which?")], Sampling(max_tokens=2, top_logprobs=5)

    async def work() -> None:
        plain = VllmModel(ModelSpec(provider="vllm", retries=1, lora=lora))
        adapted = VllmModel(ModelSpec(provider="vllm", retries=1, lora=lora, adapter="base"))
        assert (plain.info.embedded, plain.info.name) == (True, NAME)
        served = await plain.start()
        assert await adapted.start() is served
        first = (await plain.chat(asked, sampling=sampling)).choices[0].logprobs
        second = (await adapted.chat(asked, sampling=sampling)).choices[0].logprobs
        assert first != second
        await plain.load_adapter("base", other, replace=True)
        third = (await adapted.chat(asked, sampling=sampling)).choices[0].logprobs
        assert third not in (first, second)
        await plain.unload_adapter("base")
        with pytest.raises(ModelError) as caught:
            await adapted.chat(asked)
        assert caught.value.status == 404
        if served.cpu:
            with pytest.raises(ModelError, match="dies of scoring"):
                await plain.score(asked, ["A"])
        await killed_in_a_call(plain, served)
        await plain.aclose()
        await adapted.aclose()
        assert not served.process.alive

    asyncio.run(work())


async def killed_in_a_call(model: VllmModel, served: Served) -> None:
    call = asyncio.create_task(model.chat([user("Tell a long story.")], sampling=Sampling(max_tokens=4000)))
    await asyncio.sleep(2.0)
    line = next(line for line in served.process.tail(200).splitlines() if "EngineCore pid=" in line)
    os.kill(int(re.findall(r"EngineCore pid=(\d+)", line)[0]), signal.SIGKILL)
    with pytest.raises(ModelError, match="has died") as caught:
        await call
    assert caught.value.kind == "unavailable"
    assert "Engine" in str(caught.value)
