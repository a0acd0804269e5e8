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


def load_policy(recipe: Recipe, adapter: Path | str | None = None) -> Any:
    """The model that is trained, in train mode.

    Args:
        recipe: Says which, and whether by a LoRA.
        adapter: Folder of a LoRA to go on from; the recipe's by default.
    """
    settings = recipe.policy
    adapter = adapter or settings.adapter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft reads what transformers has deprecated
        model = AutoModelForCausalLM.from_pretrained(weights(recipe), dtype=getattr(torch, settings.dtype))
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
