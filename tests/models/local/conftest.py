"""A random Llama with a byte-level tokenizer: small enough to build and run in a blink."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.models.base import ModelSpec
from adjudge.models.local import LocalModel
from adjudge.models.local.template import Template

CONTEXT = 512  # tokens
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<file_sep>"]


def _tokenizer(special: list[str] = SPECIAL, end: str = "<|im_end|>") -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["the judge reads the evidence and names the better answer"] * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=end, pad_token=end, unk_token=special[0], bos_token=special[0]
    )


def _model(vocabulary: int, seed: int = 0) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,  # far from uniform, so that a wrong position or mask shows
        eos_token_id=2,
        pad_token_id=2,
        bos_token_id=0,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def build_tokenizer() -> Callable[..., Any]:
    return _tokenizer


@pytest.fixture(scope="session")
def build_model() -> Callable[..., Any]:
    return _model


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return _tokenizer()


@pytest.fixture(scope="session")
def template(tokenizer: Any) -> Template:
    return Template(tokenizer)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    from adjudge.models.local.quiet import quiet

    folder = tmp_path_factory.mktemp("weights") / "tiny-llama"
    with quiet():
        _model(len(tokenizer)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.models.local.loading.fast_in_bfloat16", lambda: False)


@pytest.fixture
def open_local(weights: Path, float32: None) -> Iterator[Callable[..., LocalModel]]:
    """Opens models on the tiny weights in float32."""
    opened: list[LocalModel] = []

    def open_model(**spec: Any) -> LocalModel:
        opened.append(LocalModel(ModelSpec(provider="local", **{"model": str(weights), **spec})))
        return opened[-1]

    yield open_model
    for model in opened:
        asyncio.run(model.aclose())


@pytest.fixture
def model(open_local: Callable[..., LocalModel]) -> LocalModel:
    return open_local()
