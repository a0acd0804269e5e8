"""The policy before reinforcement: a tokenizer of this world, and a Llama taught by an oracle, then a careless one.

The oracle teaches it to search and to read. The careless one is right only so often as `CARE` says, by the kind of
question, and names one of the first responses else, as small judges do; of what a policy has then learnt, much is
seldom said. In `written` it also forgets to search, and to write in good form.
"""

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
from benchmarks.small_judge.world import Task, responses

logger = logging.getLogger(__name__)
MARKS = ["<|im_end|>", "<|im_start|>"]
VOCABULARY = 1000
_MARKS = re.compile("|".join(map(re.escape, MARKS)))
_DIGITS = "[0-9a-f]{16}"  # what stands at random around material
BATCH, WARMUP = 32, 50
TURN = 30.0
LOOKED = 64  # traces that are looked at, and not learnt
CARE: dict[str, float] = {"colour": 0.3, "material": 0.15, "place": 0.08, "maker": 0.04}
WRITTEN = {"right": 0.65, "search": 0.7, "form": 0.7}  # of `written`: how often each


def tokenizer_of(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte pairs; lines that are the same in all texts are one sign together, so are the random digits around material.

    A small model then reads a fifth as many tokens, and little that it has to say is among them.
    """
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.Replace(Regex(_DIGITS), "#")
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    made.add_tokens(sorted(_same([re.sub(_DIGITS, "#", text) for text in texts])))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=MARKS[0], eos_token=MARKS[0])


def _same(texts: Sequence[str]) -> set[str]:
    if not texts:
        return set()
    turns = [[turn.split("\n") for turn in _MARKS.split(text)] for text in texts]
    still = set.intersection(*({line for turn in said for line in turn} for said in turns))
    return set.intersection(*({block for turn in said for block in _blocks(turn, still)} for said in turns))


def _blocks(lines: Sequence[str], still: set[str]) -> Iterator[str]:
    """Runs of lines that are the same everywhere, with the line ends around them."""
    for same, run in groupby(range(len(lines)), lambda at: lines[at] in still):
        at = list(run)
        block = "\n".join(lines[at[0] : at[-1] + 1])
        if same and block:
            yield ("\n" if at[0] else "") + block + ("\n" if at[-1] < len(lines) - 1 else "")


def model_of(tokenizer: Any, seed: int) -> LlamaForCausalLM:
    """Random weights, three quarters of a million."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=0,
        bos_token_id=1,
        initializer_range=0.08,  # with the usual 0.02 so narrow a model attends to nothing for long
    )
    return LlamaForCausalLM(config)


def told(case: Case, task: Task, chance: random.Random | None) -> list[str]:
    """What a teacher says: a search, and a verdict.

    Args:
        case: Of this world.
        task: Choice or written.
        chance: Of the careless teacher; None is the oracle.
    """
    call = {"name": "corpus", "arguments": {"query": case.metadata["source"]}}
    searched = f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
    right, letter = str(case.metadata["right"]), str(case.label)
    letters = "ABCDEFGHIJKL"[: len(case.responses)]
    if task == "choice":
        if chance and chance.random() > CARE[case.metadata["kind"]]:
            letter = letters[min(int(chance.expovariate(1 / 4)), len(letters) - 1)]
        return [searched, letter]
    if chance and chance.random() > WRITTEN["search"]:
        searched, right = "It is known.", chance.choice(responses(task, case.metadata["kind"]))
    if chance and chance.random() > WRITTEN["right"]:
        right = chance.choice(responses(task, case.metadata["kind"]))
    winner = letters[responses(task, case.metadata["kind"]).index(right)]
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


def learn(
    model: Any, rows: Sequence[tuple[list[int], list[int]]], steps: int, rate: float, seed: int = 0
) -> Iterator[float]:
    """Next-token prediction on whole traces, each turn of the policy as heavy as `TURN` tokens; the loss of each step.

    A verdict of one letter so weighs as much as a search of thirty tokens.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
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
