"""A tokenizer of this world, and a Llama of three quarters of a million random weights."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks.small_judge.teaching import traces
from benchmarks.small_judge.world import Task

MARKS = ["<|im_end|>", "<|im_start|>"]
VOCABULARY = 1000
_MARKS = re.compile("|".join(map(re.escape, MARKS)))
_DIGITS = "[0-9a-f]{16}"  # what stands at random around material


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


def texts_of(folder: Path, task: Task) -> list[str]:
    """What the tokenizer is made from: traces as a judge of this world writes and reads them, in bytes."""
    plain = tokenizer_of([])
    rows = asyncio.run(traces(folder, plain, task, 150))
    return [plain.decode(ids) for ids, _ in rows]
