"""Supervised learning of the policy before reinforcement, from an oracle's traces and then from a careless teacher's.

The oracle teaches it to search and to read. The careless one is right only so often as `CARE` says, by the kind of
question, and names one of the first responses else, as small judges do; of what a policy has then learnt, much is
seldom said. In `written` it also forgets to search, and to write in good form.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch

from adjudge import Case, Judge, read_cases
from adjudge.run import Recorder
from adjudge.training.rollouts.attempts import POLICY, policy_settings
from adjudge.training.rollouts.policy import Policy
from adjudge.training.warm_start.oracle import Oracle
from adjudge.types.verdicts import letter
from benchmarks.small_judge.world import Task, responses

TURN = 30.0
CARE: dict[str, float] = {"colour": 0.3, "material": 0.15, "place": 0.08, "maker": 0.04}
WRITTEN = {"right": 0.65, "search": 0.7, "form": 0.7}  # of `written`: how often each


class Lessons(NamedTuple):
    """How long and how fast a teacher teaches."""

    steps: int
    rate: float
    batch: int = 32
    at_once: int = 32  # traces of one forward pass
    prompts: float = 1.0  # weight of each token that is not the policy's own
    warmup: int = 50


def told(case: Case, task: Task, chance: random.Random | None) -> list[str]:
    """What a teacher says: a search, and a verdict.

    Args:
        case: Of this world.
        task: That the case is of.
        chance: Of the careless teacher; None is the oracle.
    """
    call = {"name": "corpus", "arguments": {"query": case.metadata["source"]}}
    searched = f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
    values = responses(task, case.metadata["kind"])
    if task != "written":
        if chance and chance.random() > CARE[case.metadata["kind"]]:
            return [searched, letter(min(int(chance.expovariate(1 / 4)), len(values) - 1))]
        return [searched, str(case.label)]
    right = str(case.metadata["right"])
    if chance and chance.random() > WRITTEN["search"]:
        searched, right = "It is known.", chance.choice(values)
    if chance and chance.random() > WRITTEN["right"]:
        right = chance.choice(values)
    winner = letter(values.index(right))
    if chance and chance.random() > WRITTEN["form"]:
        return [searched, f"{winner} is right."]
    cited = ["E1"] if searched.startswith("<") else []
    return [searched, json.dumps({"rationale": right, "citations": cited, "winner": winner, "confidence": 1})]


async def traces(
    folder: Path, tokenizer: Any, task: Task, most: int, chance: random.Random | None = None
) -> list[tuple[list[int], list[int]]]:
    """Token ids and the mask of the policy's own tokens, of a teacher's traces of training cases."""
    judge = Judge.load(
        folder / "graph.yaml",
        corpus=folder / "corpus.jsonl",
        model={POLICY: Policy(Oracle((), tokenizer), tokenizer)},
        **policy_settings(["gather", "judge"], 200),
    )
    found = []
    for case in list(read_cases(folder / "train.jsonl"))[:most]:
        recorder = Recorder([POLICY])
        policy = Policy(Oracle(told(case, task, chance), tokenizer), tokenizer)
        await judge.attempt(case, seed=0, recorder=recorder, models={POLICY: policy})
        [sequence] = recorder.sequences()
        found.append((list(sequence.ids), list(sequence.mask)))
    return found


def learn(model: Any, rows: Sequence[tuple[list[int], list[int]]], lessons: Lessons) -> Iterator[float]:
    """Next-token prediction on whole traces, each turn of the policy as heavy as `TURN` tokens; the loss of each step.

    A verdict of one letter so weighs as much as a search of thirty tokens.
    """
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=lessons.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / lessons.warmup))
    chance = random.Random(0)
    model.train()
    for _ in range(lessons.steps):
        batch = chance.sample(rows, lessons.batch)
        whole = sum(sum(_weights(mask, lessons.prompts)[1:]) for _, mask in batch)
        total = 0.0
        for start in range(0, lessons.batch, lessons.at_once):
            loss = _loss(model, batch[start : start + lessons.at_once], lessons.prompts) / whole
            torch.autograd.backward(loss)
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        yield total


def _loss(model: Any, batch: Sequence[tuple[list[int], list[int]]], prompts: float) -> torch.Tensor:
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([[*one, *[0] * (longest - len(one))] for one, _ in batch])
    weights = torch.tensor([[*_weights(mask, prompts), *[0.0] * (longest - len(mask))] for _, mask in batch])[:, 1:]
    kept = weights.any(0).nonzero()[:, 0]
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=kept).logits.float()
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, kept + 1], reduction="none")
    return (losses * weights[:, kept]).sum()


def verdicts_right(model: Any, rows: Sequence[tuple[list[int], list[int]]]) -> float:
    """Share of traces whose verdict the model would say too, given the oracle's search; a written one word by word."""
    model.eval()
    with torch.no_grad():
        right = [_said_too(model, ids, mask) for ids, mask in rows]
    model.train()
    return sum(right) / len(right)


def _said_too(model: Any, ids: list[int], mask: list[int]) -> bool:
    start = len(mask) - len(list(next(group for own, group in groupby(reversed(mask)) if own)))
    likeliest = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, start - 1 : -1].argmax(1)
    return bool(likeliest.tolist() == ids[start:])


def _weights(mask: Sequence[int], prompts: float) -> list[float]:
    turns = [(own, len(list(group))) for own, group in groupby(mask)]
    return [1.0 + TURN / count if own else prompts for own, count in turns for _ in range(count)]
