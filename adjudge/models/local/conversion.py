"""Unpacking a GGUF file into a folder that transformers loads in under a second."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, modeling_gguf_pytorch_utils

from adjudge.models.local.quiet import quiet


def convert(gguf: Path, folder: Path) -> None:
    """Write the model and the tokenizer of a GGUF file into a folder, weights as bfloat16 safetensors.

    Args:
        gguf: The file; its tokenizer is in it.
        folder: An existing folder.
    """
    options: dict[str, Any] = {"dtype": torch.bfloat16, "local_files_only": True}
    if hasattr(transformers, "GgufConfig"):  # the versions that have it keep blocks packed, and then refuse to save
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    with quiet(), _without_bar():
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, **options)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


@contextlib.contextmanager
def _without_bar() -> Iterator[None]:
    # This module of transformers takes its bar from tqdm directly, so the switch for progress bars misses it.
    bar = modeling_gguf_pytorch_utils.tqdm
    modeling_gguf_pytorch_utils.tqdm = lambda items, **_: items
    try:
        yield
    finally:
        modeling_gguf_pytorch_utils.tqdm = bar
