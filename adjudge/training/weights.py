"""The policy's weights: loaded, wrapped in a LoRA, and kept."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from adjudge.training.prepared import weights
from adjudge.training.recipe import Recipe


def load_policy(recipe: Recipe, begun: Path | None = None) -> Any:
    """The model that is trained, in train mode.

    Args:
        recipe: Says which, and whether by a LoRA.
        begun: Folder of a LoRA, or of whole weights, to go on from; the recipe's LoRA by default.
    """
    settings = recipe.policy
    adapter = begun or (None if settings.adapter is None else Path(settings.adapter))
    base: str | Path = weights(recipe)
    if adapter is not None and not (adapter / "adapter_config.json").is_file():
        base, adapter = adapter, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft reads what transformers has deprecated
        model = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, settings.dtype))
        if adapter is not None:
            # Not in float32: casting to it and back costs half of the speed; see `optimizer`.
            model = PeftModel.from_pretrained(model, str(adapter), is_trainable=True, autocast_adapter_dtype=False)
        elif settings.lora is not None:
            lora = LoraConfig(
                r=settings.lora.r,
                lora_alpha=settings.lora.alpha,
                lora_dropout=settings.lora.dropout,
                target_modules="all-linear",
            )
            model = get_peft_model(model, lora, autocast_adapter_dtype=False)
    return model.train()
