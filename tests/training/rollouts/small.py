"""A policy of a few thousand weights whose tokens are bytes, and a world that it judges in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from adjudge import Case
from adjudge.judge import Judge
from adjudge.models import Choice, Reply, Sampling, TokenLogprob, TokenUsage
from adjudge.training.rollouts.attempts import POLICY, Plan, policy_settings
from adjudge.training.rollouts.policy import Policy
from adjudge.types.messages import assistant

CORPUS = [
    {"id": "d1", "title": "Middlemarch", "text": "Middlemarch is a novel by George Eliot, published in 1871."},
    {"id": "d2", "title": "Emma", "text": "Emma is a novel by Jane Austen, published in 1815."},
]


def case(name: str = "c", right: str = "A") -> Case:
    responses = ("By George Eliot.", "By Jane Austen.") if right == "A" else ("By Jane Austen.", "By George Eliot.")
    metadata = {
        "source": "d1",
        "gold_tools": ["corpus"],
        "right": "George Eliot",
        "reference": {"text": "Middlemarch is a novel by George Eliot."},
    }
    return Case(id=name, prompt="Who wrote Middlemarch?", responses=responses, label=right, metadata=metadata)


def tokenizer() -> PreTrainedTokenizerFast:
    """A token a byte, and the turn marks of ChatML."""
    marks = ["<|im_end|>", "<|im_start|>", "<unk>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.WordLevel({token: place for place, token in enumerate([*marks, *letters])}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), pre_tokenizers.Split("", "isolated")]
    )
    words.decoder = decoders.ByteLevel()
    words.add_special_tokens(marks[:2])
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token=marks[0], eos_token=marks[0], unk_token="<unk>")


def model(vocabulary: int, seed: int = 0) -> LlamaForCausalLM:
    """Random weights."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        pad_token_id=0,
        eos_token_id=0,
        bos_token_id=1,
    )
    return LlamaForCausalLM(config)


class Says:
    """A completer with a script; it keeps what it was asked."""

    def __init__(self, tokens: PreTrainedTokenizerFast, texts: Sequence[str], *, ends: bool = True) -> None:
        self.tokens = tokens
        self.texts = list(texts)
        self.ends = ends
        self.asked: list[tuple[int, ...]] = []
        self.samplings: list[Sampling] = []

    async def complete(self, token_ids: Sequence[int], sampling: Sampling = Sampling(), *, n: int = 1) -> Reply:
        self.asked.append(tuple(token_ids))
        self.samplings.append(sampling)
        text = self.texts.pop(0)
        ids = [*self.tokens(text, add_special_tokens=False)["input_ids"], *([0] if self.ends else [])]
        ids = ids[: sampling.max_tokens]
        told = tuple(TokenLogprob(self.tokens.decode([i]), -0.5, ((self.tokens.decode([i]), -0.5),), i) for i in ids)
        return Reply((Choice(assistant(text), "stop", told, tuple(ids)),), TokenUsage(len(token_ids), len(ids)))


def plan(tokens: PreTrainedTokenizerFast, *settings: str, max_tokens: int = 200, journal: str | None = None) -> Plan:
    """The graph `compact`, both of its agents the policy."""
    judge = Judge.load(
        "compact",
        corpus=CORPUS,
        model={POLICY: Policy(Says(tokens, ()), tokens)},
        journal=journal,
        settings=settings,
        **(policy_settings(["gather", "judge"], max_tokens) | {"orders": "given"}),
    )
    return Plan(judge, "last", 0, 0)


def call(query: str = "Middlemarch") -> str:
    return f'<tool_call>\n{{"name": "corpus", "arguments": {{"query": "{query}"}}}}\n</tool_call>'
