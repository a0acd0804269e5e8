"""The world and the policy before reinforcement: taught by an oracle until it reads, then by a careless teacher."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoTokenizer

from adjudge.models.local import embedded_path
from adjudge.training.weights import load_policy
from benchmarks.small_judge.arms import Run, prepared_for
from benchmarks.small_judge.small_policy import model_of, texts_of, tokenizer_of
from benchmarks.small_judge.teaching import Lessons, learn, traces, verdicts_right
from benchmarks.small_judge.world import write

READS, LOOK, LOOKED = 0.9, 25, 64  # verdicts right where the oracle stops, steps between two looks, traces looked at
TRACES = 2000


class Teachers(NamedTuple):
    """What a policy learns before reinforcement."""

    oracle: Lessons  # its steps are the most
    careless: Lessons  # gentle, so that reading is not forgotten


SMALL = Teachers(Lessons(1500, 3e-3), Lessons(100, 5e-4))
_LARGE = Lessons(200, 3e-4, batch=16, at_once=4, prompts=0.0, warmup=5)
SMOLLM2 = Teachers(_LARGE, _LARGE._replace(steps=20, rate=1e-4))


def start(run: Run) -> Path:
    """Made once, and kept with the tokenizer or as a LoRA of SmolLM2."""
    folder, task = run.world, run.task
    policy = folder / "start"
    if policy.is_dir():
        return policy
    write(folder, task)
    large = task == "few"
    tokenizer: Any = AutoTokenizer.from_pretrained(embedded_path()) if large else tokenizer_of(texts_of(folder, task))
    model = load_policy(prepared_for(run, None).recipe) if large else model_of(tokenizer, 0)
    teachers = SMOLLM2 if large else SMALL
    rows = asyncio.run(traces(folder, tokenizer, task, TRACES))
    for step, loss in enumerate(learn(model, rows[LOOKED:], teachers.oracle), 1):
        if step % LOOK == 0:
            found = verdicts_right(model, rows[:LOOKED])
            logging.info("%s: taught %d steps, loss %.3f, %.0f %% of verdicts right", task, step, loss, 100 * found)
            if found > READS:
                break
    careless = asyncio.run(traces(folder, tokenizer, task, TRACES, random.Random(0)))
    for step, loss in enumerate(learn(model, careless, teachers.careless), 1):
        if step % LOOK == 0:
            logging.info("%s: by the careless teacher, %d steps, loss %.3f", task, step, loss)
    unfinished = folder / "start.part"
    if not large:
        tokenizer.save_pretrained(unfinished)
    model.save_pretrained(unfinished)
    return unfinished.rename(policy)
