"""The adapter that ships gives the same verdicts behind vLLM as in process; on two cores it takes long.

ADJUDGE_VLLM_PYTHON=/path/to/python pytest -m vllm tests/with_vllm/test_trained_adapter.py
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from adjudge import Case, Judge, JudgeResult, Verdict
from adjudge.models import ModelSpec
from adjudge.models.local.source import SHIPPED
from tests.training.articles import pairs

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        not os.environ.get("ADJUDGE_VLLM_PYTHON"), reason="ADJUDGE_VLLM_PYTHON does not name a Python that has vLLM"
    ),
]
CASES = 100


async def judged(model: ModelSpec, cases: Sequence[Case], corpus: Path) -> list[JudgeResult]:
    judge = Judge.load("compact", corpus=corpus, model=model, settings=["limits.seconds=3600"])  # whatever is busy
    try:
        return [result async for result in judge.batch(cases, concurrency=8) if isinstance(result, JudgeResult)]
    finally:
        await judge.aclose()


def test_the_adapter_behind_vllm_gives_the_verdicts_of_the_model_in_process(tmp_path: Path) -> None:
    cases, corpus = pairs(tmp_path, CASES), tmp_path / "corpus.jsonl"
    assert len(cases) == CASES
    lora = {"compact": str(SHIPPED / "compact")}
    local = asyncio.run(judged(ModelSpec(provider="local", adapter="compact", max_tokens=64), cases, corpus))
    served = asyncio.run(judged(ModelSpec(provider="vllm", lora=lora, adapter="compact", max_tokens=64), cases, corpus))
    assert [one.id for one in local] == [one.id for one in served] == [case.id for case in cases]
    winners = [
        [one.outcome.winner if isinstance(one.outcome, Verdict) else None for one in results]
        for results in (local, served)
    ]
    assert sum(one is not None and one == other for one, other in zip(*winners, strict=True)) >= 0.95 * CASES
