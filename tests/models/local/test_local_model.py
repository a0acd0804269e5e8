from __future__ import annotations

import asyncio
import gc
import math
import os
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adjudge.errors import ModelError
from adjudge.models.base import Reply, Sampling, Scored
from adjudge.models.local import LocalModel
from adjudge.models.local.template import Template
from adjudge.types.messages import system, user

T = TypeVar("T")
Opener = Callable[..., LocalModel]
GREEDY = Sampling(max_tokens=12)
EVIDENCE = "the judge reads the evidence. " * 6
TOOLS = [{"type": "function", "function": {"name": "f", "description": "", "parameters": {}}}]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    return list(await asyncio.gather(*work))


@pytest.fixture(scope="module")
def reference(weights: Path) -> Any:
    from transformers import AutoModelForCausalLM

    from adjudge.models.local.quiet import quiet

    with quiet():
        return AutoModelForCausalLM.from_pretrained(weights, local_files_only=True).eval()


def prompt_ids(template: Template, tokenizer: Any, text: str) -> list[int]:
    rendered = template.render([user(text)], generation_prompt=True)
    return list(tokenizer(rendered, add_special_tokens=False)["input_ids"])


def full_forward(reference: Any, prompt: list[int], continuation: list[int]) -> list[float]:
    """Log-probabilities out of one plain pass without cache, padding or batch."""
    import torch

    with torch.no_grad():
        logprobs = reference(torch.tensor([prompt + continuation])).logits[0].log_softmax(1)
    return [float(logprobs[len(prompt) + i - 1, token]) for i, token in enumerate(continuation)]


# Scoring


CONTINUATIONS = ["A", "the better answer", "x" * 40, "evidence and names the judge " * 3, "é🙂"]


def test_scores_equal_a_plain_full_pass(model: LocalModel, reference: Any, template: Template, tokenizer: Any) -> None:
    scored = run(model.score([user("Which is better?")], CONTINUATIONS))
    prompt = prompt_ids(template, tokenizer, "Which is better?")
    for text, logprobs in zip(CONTINUATIONS, scored.logprobs, strict=True):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert logprobs == pytest.approx(full_forward(reference, prompt, ids), abs=1e-4)
    assert scored.usage.tokens_in == len(prompt) + sum(map(len, scored.logprobs))
    assert scored.usage.tokens_out == 0


def test_scores_do_not_depend_on_what_is_scored_beside_them(open_local: Opener) -> None:
    questions = [f"{'why ' * number}{number}?" for number in range(20)]
    alone = [run(open_local().score([user(questions[i])], CONTINUATIONS[: 1 + i % 5])) for i in range(0, 20, 4)]
    model = open_local()
    calls = [model.score([user(question)], CONTINUATIONS[: 1 + i % 5]) for i, question in enumerate(questions)]
    beside = run(together(*calls))
    for one, other in zip(alone, beside[::4], strict=True):
        for left, right in zip(one.logprobs, other.logprobs, strict=True):
            assert left == pytest.approx(right, abs=1e-4)


def test_long_continuations_are_scored_piece_by_piece(
    model: LocalModel, reference: Any, template: Template, tokenizer: Any
) -> None:
    long = ["z" * (250 + i) for i in range(10)]  # more tokens together than one pass takes
    scored = run(model.score([user("Q")], long))
    prompt = prompt_ids(template, tokenizer, "Q")
    for text, logprobs in zip(long, scored.logprobs, strict=True):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert logprobs == pytest.approx(full_forward(reference, prompt, ids), abs=1e-4)


def test_a_prefix_that_begins_like_an_earlier_one_is_continued_and_scores_the_same(open_local: Opener) -> None:
    fresh = run(open_local().score([user(EVIDENCE + "third")], CONTINUATIONS))
    model = open_local()
    first = run(model.score([user(EVIDENCE + "first and longer than the other")], ["A"]))
    again = run(model.score([user(EVIDENCE + "third")], CONTINUATIONS))
    same = run(model.score([user(EVIDENCE + "third")], CONTINUATIONS))
    assert first.usage.tokens_cached == fresh.usage.tokens_cached == 0
    prompt = same.usage.tokens_cached
    assert 30 < again.usage.tokens_cached < prompt
    assert prompt == fresh.usage.tokens_in - sum(map(len, fresh.logprobs))
    for scored in (again, same):
        for left, right in zip(scored.logprobs, fresh.logprobs, strict=True):
            assert left == pytest.approx(right, abs=1e-4)


def test_a_prefix_shorter_than_an_earlier_one_is_scored_the_same(open_local: Opener) -> None:
    model = open_local()
    run(model.complete([*range(10, 60)], GREEDY))
    shorter = run(model.complete([*range(10, 40)], GREEDY))
    assert shorter.usage.tokens_cached == 29  # the last token is read again: it gives the logits
    assert shorter.choices[0].token_ids == run(open_local().complete([*range(10, 40)], GREEDY)).choices[0].token_ids


def test_equal_prefixes_that_wait_together_are_read_once(model: LocalModel) -> None:
    scored = run(together(*(model.score([user(EVIDENCE)], ["A", "B"]) for _ in range(4))))
    assert sorted(one.usage.tokens_cached > 0 for one in scored) == [False, True, True, True]
    assert len({one.logprobs for one in scored}) == 1


def test_an_empty_continuation_is_refused_and_the_others_of_the_batch_are_scored(model: LocalModel) -> None:
    async def both() -> list[Scored | BaseException]:
        calls = (model.score([user("Q")], ["A", ""]), model.score([user("Q")], ["A"]))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    bad, good = run(both())
    assert isinstance(bad, ModelError)
    assert bad.kind == "rejected"
    assert "continuation 1 is empty" in str(bad)
    assert isinstance(good, Scored)


def test_nothing_to_score_gives_no_scores(model: LocalModel) -> None:
    assert run(model.score([user("Q")], [])).logprobs == ()


def test_special_tokens_in_a_continuation_are_only_text(model: LocalModel) -> None:
    (logprobs,) = run(model.score([user("Q")], ["<|im_end|>"])).logprobs
    assert len(logprobs) > 1


# Too long


@pytest.mark.parametrize("length", [600, 100_000, 1_000_000])
def test_a_prompt_beyond_the_context_names_both_lengths(model: LocalModel, length: int) -> None:
    for call in (model.chat([user("z" * length)]), model.score([user("z" * length)], ["A"])):
        with pytest.raises(ModelError, match=r"\d+ .*context of 512 tokens") as raised:
            run(call)
        assert raised.value.kind == "too_long"


def test_a_reply_beyond_the_context_is_refused_when_scored_and_cut_when_written(model: LocalModel) -> None:
    with pytest.raises(ModelError, match=r"prompt of \d+ and a reply of 300 tokens .*512") as raised:
        run(model.score([user("z" * 300)], ["z" * 300]))
    assert raised.value.kind == "too_long"
    ids = [*range(10, 260), *range(10, 260)]
    reply = run(model.complete(ids, Sampling(max_tokens=100, temperature=1.0, seed=3)))
    assert len(reply.choices[0].token_ids) <= 12
    with pytest.raises(ModelError, match="512"):
        run(model.complete([*ids, *range(10, 22)]))


# Generating


def greedy_reference(reference: Any, prompt: list[int], tokens: int) -> list[int]:
    import torch

    with torch.no_grad():
        out = reference.generate(
            torch.tensor([prompt]), attention_mask=torch.ones((1, len(prompt))), do_sample=False, max_new_tokens=tokens
        )
    return list(out[0, len(prompt) :].tolist())


def test_a_batch_writes_what_transformers_writes_for_each_prompt_alone(
    model: LocalModel, reference: Any, template: Template, tokenizer: Any
) -> None:
    questions = ["Q", "the judge " * 9, EVIDENCE, "names", "which answer is better and why"]
    replies = run(together(*(model.chat([user(question)], sampling=GREEDY) for question in questions)))
    for question, reply in zip(questions, replies, strict=True):
        prompt = prompt_ids(template, tokenizer, question)
        assert reply.prompt_ids == tuple(prompt)
        assert list(reply.choices[0].token_ids) == greedy_reference(reference, prompt, 12)


def test_a_seed_gives_the_same_replies_whatever_else_runs(open_local: Opener) -> None:
    sampling = Sampling(temperature=1.0, top_p=0.95, max_tokens=16, seed=11)
    alone = run(open_local().chat([user("Q")], sampling=sampling, n=3))
    model = open_local()
    others = [model.chat([user(f"other {i} " * i)], sampling=Sampling(1.3, 1.0, 3 + i), n=2) for i in range(5)]
    beside = run(together(*others, model.chat([user("Q")], sampling=sampling, n=3), *[]))[-1]
    assert [choice.token_ids for choice in beside.choices] == [choice.token_ids for choice in alone.choices]
    assert len({choice.token_ids for choice in alone.choices}) == 3
    other = run(model.chat([user("Q")], sampling=sampling._replace(seed=12), n=3))
    assert {choice.token_ids for choice in other.choices}.isdisjoint(choice.token_ids for choice in alone.choices)


def test_without_a_seed_replies_differ(model: LocalModel) -> None:
    sampling = Sampling(temperature=1.5, max_tokens=16)
    replies = run(together(*(model.chat([user("Q")], sampling=sampling) for _ in range(4))))
    assert len({reply.choices[0].token_ids for reply in replies}) == 4


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.6, 1.0), (1.0, 0.7)])
def test_samples_follow_the_softmax(model: LocalModel, reference: Any, temperature: float, top_p: float) -> None:
    import torch

    prompt, draws = list(range(20, 40)), 4000
    reply = run(model.complete(prompt, Sampling(temperature, top_p, max_tokens=1, seed=5), n=draws))
    with torch.no_grad():
        expected = (reference(torch.tensor([prompt])).logits[0, -1] / temperature).softmax(0)
    ordered, order = expected.sort(descending=True)
    kept = order[(ordered.cumsum(0) - ordered) < top_p]
    allowed = torch.zeros_like(expected)
    allowed[kept] = expected[kept] / expected[kept].sum()
    counted = torch.zeros_like(expected)
    for choice in reply.choices:
        counted[choice.token_ids[0]] += 1 / draws
    assert float(counted[allowed == 0].sum()) == 0
    # Total variation of 4000 draws over about 320 tokens: 0.05 to 0.12 where the law is right.
    assert float((counted - allowed).abs().sum() / 2) < 0.13
    uniform = torch.full_like(expected, 1 / len(expected))
    assert float((uniform - allowed).abs().sum() / 2) > 0.3  # so the bound above does tell


def test_logprobs_are_those_of_the_model_before_temperature(
    model: LocalModel, reference: Any, template: Template, tokenizer: Any
) -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=8, seed=1, top_logprobs=3)
    (choice,) = run(model.chat([user("Q")], sampling=sampling)).choices
    expected = full_forward(reference, prompt_ids(template, tokenizer, "Q"), list(choice.token_ids))
    assert [token.logprob for token in choice.logprobs] == pytest.approx(expected, abs=1e-4)
    assert tuple(token.token_id for token in choice.logprobs) == choice.token_ids
    for token in choice.logprobs:
        assert len(token.top) == 3
        assert [value for _, value in token.top] == sorted((value for _, value in token.top), reverse=True)
        assert token.top[0][1] >= token.logprob - 1e-6
        assert token.token == tokenizer.decode([token.token_id])


def test_chat_gives_logprobs_only_when_asked_and_complete_always(model: LocalModel) -> None:
    assert run(model.chat([user("Q")], sampling=GREEDY)).choices[0].logprobs == ()
    (choice,) = run(model.complete([20, 21], GREEDY)).choices
    assert len(choice.logprobs) == len(choice.token_ids)
    assert choice.logprobs[0].top == ()


def test_complete_continues_ids_as_chat_continues_their_text(model: LocalModel) -> None:
    chat = run(model.chat([system("S"), user("Q")], sampling=GREEDY))
    complete = run(model.complete(chat.prompt_ids, GREEDY))
    assert complete.choices[0].token_ids == chat.choices[0].token_ids
    assert complete.choices[0].message == chat.choices[0].message
    assert complete.prompt_ids == chat.prompt_ids


def test_each_request_ends_by_its_own_limit(model: LocalModel) -> None:
    lengths = (1, 3, 9, 2)
    calls = [model.chat([user("Q")], sampling=Sampling(1.0, 1.0, length, seed=9), n=2) for length in lengths]
    for length, reply in zip(lengths, run(together(*calls)), strict=True):
        assert reply.usage.tokens_out == sum(len(choice.token_ids) for choice in reply.choices)
        for choice in reply.choices:
            assert (len(choice.token_ids), choice.finish) == (length, "length") or choice.finish == "stop"


def test_the_end_of_turn_ends_a_reply_and_is_not_part_of_its_text(model: LocalModel) -> None:
    sampling = Sampling(temperature=3.0, max_tokens=400, seed=0)
    choices = run(model.chat([user("Q")], sampling=sampling, n=16)).choices
    ended = [choice for choice in choices if choice.finish == "stop"]
    assert ended
    for choice in ended:
        assert choice.token_ids[-1] == 2
        assert 2 not in choice.token_ids[:-1]
        assert "<|im_end|>" not in str(choice.message["content"])


def test_a_stop_string_ends_a_reply_before_it_even_inside_a_token(model: LocalModel) -> None:
    whole = run(model.chat([user("Q")], sampling=Sampling(max_tokens=30))).choices[0]
    text = str(whole.message["content"])
    stop = text[6:8]
    (choice,) = run(model.chat([user("Q")], sampling=Sampling(max_tokens=30, stop=("never there", stop)))).choices
    assert choice.finish == "stop"
    assert choice.message["content"] == text[: text.index(stop)]
    assert choice.token_ids == whole.token_ids[: len(choice.token_ids)]
    assert len(choice.token_ids) < len(whole.token_ids)


@pytest.mark.parametrize(
    ("sampling", "n", "words"),
    [
        (Sampling(), 0, "n must be at least 1"),
        (Sampling(max_tokens=0), 1, "max_tokens must be at least 1"),
        (Sampling(temperature=-1.0), 1, "temperature"),
        (Sampling(top_p=0.0), 1, "top_p"),
        (Sampling(stop=("",)), 1, "stop string must not be empty"),
        (Sampling(json_schema={"type": "object"}), 1, "JSON schema"),
        (Sampling(tool_choice="required"), 1, "no tools"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    model: LocalModel, sampling: Sampling, n: int, words: str
) -> None:
    with pytest.raises(ModelError, match=words) as raised:
        run(model.chat([user("Q")], sampling=sampling, n=n))
    assert raised.value.kind == "rejected"


@pytest.mark.parametrize(("ids", "words"), [([], "at least one"), ([5, -1], "-1"), ([5, 10**6], "vocabulary: 0 to ")])
def test_ids_outside_the_vocabulary_are_refused(model: LocalModel, ids: list[int], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        run(model.complete(ids))


def test_a_required_call_begins_the_reply_and_its_absence_is_an_error(model: LocalModel) -> None:
    with pytest.raises(ModelError, match=r"tool call was required.*<tool_call>") as raised:
        run(model.chat([user("Q")], tools=TOOLS, sampling=Sampling(max_tokens=4, tool_choice="required")))
    assert raised.value.kind == "malformed"


# Life and death


def test_a_cancelled_task_leaves_the_others_their_replies(model: LocalModel) -> None:
    async def scene() -> Reply:
        sampling = Sampling(temperature=1.0, max_tokens=300, seed=1)
        victim = asyncio.ensure_future(model.chat([user("Q")], sampling=sampling, n=8))
        other = asyncio.ensure_future(model.chat([user("R")], sampling=GREEDY))
        await asyncio.sleep(0.05)
        victim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await victim
        return await other

    assert run(scene()).choices == run(model.chat([user("R")], sampling=GREEDY)).choices


def test_a_process_may_end_while_the_model_writes(weights: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from adjudge.models.base import ModelSpec, Sampling\n"
        "from adjudge.models.local import LocalModel\n"
        "model = LocalModel(ModelSpec(provider='local', model=sys.argv[1], context=10**6))\n"
        "async def main():\n"
        "    await model.complete([20], Sampling(max_tokens=1))\n"
        "    writing = asyncio.ensure_future(model.complete([20], Sampling(1.0, 1.0, 500), n=16))\n"
        "    await asyncio.sleep(0.02)\n"
        "    assert not writing.done()\n"
        "    sys.exit(3)\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(weights)], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")


def test_a_closed_model_frees_its_thread_and_can_be_used_again(open_local: Opener) -> None:
    before = threading.active_count()
    model = open_local()
    first = run(model.chat([user("Q")], sampling=GREEDY))
    assert "adjudge-model" in {thread.name for thread in threading.enumerate()}
    run(model.aclose())
    run(model.aclose())
    assert threading.active_count() <= before + 1  # at most asyncio's own
    assert run(model.chat([user("Q")], sampling=GREEDY)) == first


def test_a_model_nobody_holds_ends_its_thread(open_local: Opener, weights: Path) -> None:
    from adjudge.models.base import ModelSpec

    model = LocalModel(ModelSpec(provider="local", model=str(weights)))
    run(model.chat([user("Q")], sampling=GREEDY))
    threads = [thread for thread in threading.enumerate() if thread.name == "adjudge-model"]
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_several_event_loops_share_one_model(model: LocalModel) -> None:
    expected = run(model.chat([user("Q")], sampling=GREEDY)).choices
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda: replies.append(run(model.chat([user("Q")], sampling=GREEDY)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.choices for reply in replies] == [expected] * 4


def test_running_out_of_memory_is_unavailable_and_the_model_lives_on(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def explode(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with monkeypatch.context() as patch:
        patch.setattr("adjudge.models.local.runner.generate", explode)
        with pytest.raises(ModelError, match="out of memory") as raised:
            run(model.chat([user("Q")], sampling=GREEDY))
    assert raised.value.kind == "unavailable"
    assert run(model.chat([user("Q")], sampling=GREEDY)).choices


def test_an_adapter_changes_what_the_model_says(
    open_local: Opener, weights: Path, tmp_path: Path, build_model: Callable[..., Any], tokenizer: Any
) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():  # peft reads a deprecated attribute of transformers
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(build_model(len(tokenizer)), LoraConfig(r=4, target_modules="all-linear"))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.05)
    adapted.save_pretrained(tmp_path / "lora")
    plain, trained = open_local(), open_local(adapter=str(tmp_path / "lora"))
    assert trained.info.name == "tiny-llama+lora"
    assert trained.info.fingerprint != plain.info.fingerprint
    one = run(plain.score([user("Q")], ["the answer"])).logprobs[0]
    other = run(trained.score([user("Q")], ["the answer"])).logprobs[0]
    ids = tokenizer("the answer", add_special_tokens=False)["input_ids"]
    prompt = prompt_ids(Template(tokenizer), tokenizer, "Q")
    assert other == pytest.approx(full_forward(adapted.eval(), prompt, ids), abs=1e-3)
    assert max(math.fabs(left - right) for left, right in zip(one, other, strict=True)) > 0.05


def test_nothing_is_printed_while_loading_and_working(open_local: Opener, capfd: pytest.CaptureFixture[str]) -> None:
    model = open_local()
    run(model.chat([user("Q")], sampling=GREEDY))
    run(model.score([user("Q")], ["A"]))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
