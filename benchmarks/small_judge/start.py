"""The policy before reinforcement: a byte-pair tokenizer of this world, and a Llama taught by an oracle's traces."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from adjudge import Case, Judge, read_cases
from adjudge.run import Recorder
from adjudge.training.rollouts.attempts import POLICY, policy_settings
from adjudge.training.rollouts.policy import Policy
from adjudge.training.warm_start.oracle import Oracle
from benchmarks.small_judge.world import Task

logger = logging.getLogger(__name__)
MARKS = ["<|im_end|>", "<|im_start|>"]
VOCABULARY = 1000
LONG = 20  # characters of a line that is one sign
_LINES = re.compile("|".join(map(re.escape, ["\n", *MARKS])))
BATCH, RATE, WARMUP = 32, 1e-3, 50
TURN = 30.0
LOOKED = 64  # traces that are looked at, and not learnt


def tokenizer_of(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte pairs; what is the same in all texts, line by line, and the random digits around material are one sign each.

    A small model then reads a third as many tokens, and nothing that it has to say is among them.
    """
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.Replace(Regex("[0-9a-f]{16}"), "#")
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    lines = [{line for line in _LINES.split(text) if len(line) > LONG} for text in texts]
    made.add_tokens(sorted(set.intersection(*lines)) if lines else [])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=MARKS[0], eos_token=MARKS[0])


def model_of(tokenizer: Any, seed: int) -> LlamaForCausalLM:
    """Random weights, about a million."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=0,
        bos_token_id=1,
    )
    return LlamaForCausalLM(config)


def said(case: Case, task: Task) -> list[str]:
    """What the oracle says: the search, and the verdict."""
    call = {"name": "corpus", "arguments": {"query": case.metadata["source"]}}
    verdict = str(case.label)
    if task == "written":
        told = {"rationale": case.metadata["right"], "citations": ["E1"], "winner": verdict, "confidence": 1}
        verdict = json.dumps(told)
    return [f"<tool_call>\n{json.dumps(call)}\n</tool_call>", verdict]


async def traces(folder: Path, tokenizer: Any, task: Task, most: int) -> list[tuple[list[int], list[int]]]:
    """Token ids and the mask of the policy's own tokens, of the oracle's traces of training cases."""
    judge = Judge.load(
        folder / "graph.yaml",
        corpus=folder / "corpus.jsonl",
        model={POLICY: Policy(Oracle((), tokenizer), tokenizer)},
        **policy_settings(["gather", "judge"], 200),
    )
    found = []
    for case in list(read_cases(folder / "train.jsonl"))[:most]:
        recorder = Recorder([POLICY])
        policy = Policy(Oracle(said(case, task), tokenizer), tokenizer)
        await judge.attempt(case, seed=0, recorder=recorder, models={POLICY: policy})
        [sequence] = recorder.sequences()
        found.append((list(sequence.ids), list(sequence.mask)))
    return found


def learn(model: Any, rows: Sequence[tuple[list[int], list[int]]], steps: int, seed: int) -> Iterator[float]:
    """Next-token prediction on whole traces, each turn of the policy as heavy as `TURN` tokens; the loss of each step.

    A verdict of one letter so weighs as much as a search of thirty tokens.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARMUP))
    chance = random.Random(seed)
    model.train()
    for _ in range(steps):
        batch = chance.sample(rows, BATCH)
        longest = max(len(ids) for ids, _ in batch)
        ids = torch.tensor([[*one, *[0] * (longest - len(one))] for one, _ in batch])
        weights = torch.tensor([[*_weights(mask), *[0.0] * (longest - len(mask))] for _, mask in batch])
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        loss = (losses * weights[:, 1:]).sum() / weights[:, 1:].sum()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        yield loss.item()


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


def _weights(mask: Sequence[int]) -> list[float]:
    turns = [(own, len(list(group))) for own, group in groupby(mask)]
    return [1.0 + (TURN / count if own else 0.0) for own, count in turns for _ in range(count)]


def texts_of(folder: Path, task: Task) -> list[str]:
    """What the tokenizer is made from: traces as a judge of this world writes and reads them, in bytes."""
    plain = tokenizer_of([])
    rows = asyncio.run(traces(folder, plain, task, 150))
    return [plain.decode(ids) for ids, _ in rows]
