"""Weights and tokenizer from a folder into memory, in the number format and on the device that suit the machine."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from adjudge.errors import ConfigError
from adjudge.models.local.packages import require
from adjudge.models.local.quiet import quiet
from adjudge.models.local.source import Source
from adjudge.models.local.template import TURN_END, Template

_CACHED_ATTENTION = {"full_attention", "sliding_attention"}
_FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16"}


class Loaded:
    """A model in memory, ready for the worker thread.

    Args:
        model: A causal language model of transformers (or peft around one), in eval mode.
        tokenizer: Its tokenizer.
        context: Most tokens of prompt and reply together; None where unknown.
    """

    def __init__(self, model: Any, tokenizer: Any, context: int | None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.context = context
        self.template = Template(tokenizer)
        self.vocabulary = int(model.get_input_embeddings().weight.shape[0])
        self.ends = _ends(model, tokenizer)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device(self.model.device)

    def decode(self, ids: list[int], *, special: bool = False) -> str:
        """The text of token ids; special tokens are left out unless asked for."""
        text = self.tokenizer.decode(ids, skip_special_tokens=not special, clean_up_tokenization_spaces=False)
        return str(text)


def load(source: Source) -> Loaded:
    """Load a model into memory; nothing is downloaded.

    Raises:
        ConfigError: The folder is not a model that transformers can load here.
        MissingPackage: `accelerate`, or for an adapter `peft`, is not installed.
    """
    path = source.path()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" or fast_in_bfloat16() else torch.float32
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype, local_files_only=True)
            if source.adapter is not None:
                model = _with_adapter(model, source.adapter)
    except (OSError, ValueError, KeyError) as error:
        problem = f"the weights in {str(path)!r} cannot be loaded: {error}"
        raise ConfigError(problem, key="model", hint="write the folder with `save_pretrained`") from error
    unknown = set(getattr(model.config.get_text_config(), "layer_types", None) or ()) - _CACHED_ATTENTION
    if unknown:
        problem = f"the model has layers of type {', '.join(sorted(unknown))}, which cannot be batched in this process"
        raise ConfigError(problem, key="model", allowed=sorted(_CACHED_ATTENTION), hint="serve it with vLLM")
    tokenizer.model_max_length = 1 << 60  # the length is checked by us; transformers would print a warning
    return Loaded(model.to(device=device, dtype=dtype).eval(), tokenizer, source.context)


def _with_adapter(model: Any, adapter: Path) -> Any:
    require("peft")
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft reads what transformers has deprecated
        # Not merged: in bfloat16 a merged update is rounded to the grid of the far larger weights, and partly lost.
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=False, autocast_adapter_dtype=False)


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(configured if isinstance(configured, list) else [configured])}
    ends.add(tokenizer.get_vocab().get(TURN_END))
    return frozenset(end for end in ends if end is not None)


def fast_in_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16; told by Linux only."""
    try:
        information = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return False
    return not _FAST_BFLOAT16.isdisjoint(information.split())
