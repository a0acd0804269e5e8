"""The policy's weights: loaded, wrapped in a LoRA, and kept."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from adjudge.errors import ConfigError
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
        # In bfloat16 on a CPU the backward pass of torch's fused attention takes longer than all matrices of the step.
        attention = "sdpa" if torch.cuda.is_available() else "eager"
        dtype = getattr(torch, settings.dtype)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation=attention)
        # On a CPU not in float32: casting to it and back costs half of the speed; see `optimizer`.
        in_float32 = torch.cuda.is_available()
        if adapter is not None:
            model = PeftModel.from_pretrained(model, str(adapter), is_trainable=True, autocast_adapter_dtype=in_float32)
            for config in model.peft_config.values():
                config.base_model_name_or_path = str(base)  # where it is here: at each checkpoint peft looks there
        elif settings.lora is not None:
            lora = LoraConfig(
                r=settings.lora.r,
                lora_alpha=settings.lora.alpha,
                lora_dropout=settings.lora.dropout,
                **_where(model, settings.lora.first_layer),
            )
            model = get_peft_model(model, lora, autocast_adapter_dtype=in_float32)
    model.get_output_embeddings().register_forward_pre_hook(_in_one_piece)
    return model.train()


def _where(model: Any, first: int) -> dict[str, Any]:
    """All linear maps of the layers from one on."""
    if not first:
        return {"target_modules": "all-linear"}
    layers = list(range(first, model.config.num_hidden_layers))
    if not layers:
        raise ConfigError("the policy has no such layer", key="policy.lora.first_layer", found=first)
    names = {name.rsplit(".", 1)[-1] for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    head = {name.rsplit(".", 1)[-1] for name, part in model.named_modules() if part is model.get_output_embeddings()}
    return {"target_modules": sorted(names - head), "layers_to_transform": layers}


def _in_one_piece(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Hidden states that are a slice would make torch copy the vocabulary's matrix for each row of the batch."""
    return (inputs[0].contiguous(), *inputs[1:])
