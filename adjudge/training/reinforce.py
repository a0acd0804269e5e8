"""The trainer of GRPO as a recipe asks for it: rollouts through the judge's graph, rewards, TRL's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig

from adjudge.errors import ConfigError
from adjudge.training.batches import at_once_of, rows_of_a_process
from adjudge.training.grpo.monitor import HackingMonitor
from adjudge.training.grpo.trainer import JudgeGRPOTrainer
from adjudge.training.optimizer import MasterAdamW
from adjudge.training.pairs import in_pairs
from adjudge.training.prepared import Prepared
from adjudge.training.rollouts.trl import REST, VERDICT, Rollouts, reward_functions


def trainer_for(
    prepared: Prepared, model: Any, folder: Path, *, rollouts: Rollouts | None = None, optimizer: Any = None
) -> JudgeGRPOTrainer:
    """A trainer that is ready to begin.

    Args:
        prepared: The recipe.
        model: The policy; changed in place.
        folder: For checkpoints.
        rollouts: Where they come from; the recipe's graph by default.
        optimizer: The recipe's by default.
    """
    recipe, settings = prepared.recipe, prepared.recipe.grpo
    cases = {**prepared.cases.train, **prepared.cases.held_out}
    verdict, rest = reward_functions(prepared.mixed)
    verdict.__name__, rest.__name__ = VERDICT, REST
    held_out = in_pairs(prepared.cases.held_out.values(), recipe.seed)[: settings.evaluate_cases]
    if optimizer is None and recipe.policy.dtype == "bfloat16" and recipe.vllm is None:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = MasterAdamW(trained, lr=settings.learning_rate, weight_decay=0.0)
    return JudgeGRPOTrainer(
        model,
        [verdict, rest],
        config(prepared, folder),
        Dataset.from_list([{"prompt": case.id} for case in in_pairs(prepared.cases.train.values(), recipe.seed)]),
        eval_dataset=Dataset.from_list([{"prompt": case.id} for case in held_out]),
        processing_class=prepared.tokenizer,
        callbacks=_callbacks(prepared),
        optimizers=(optimizer, None),
        rollout_func=rollouts or Rollouts(prepared.plan(), cases, prepared.tokenizer, settings.temperature),
        groups=settings.groups,
    )


def _callbacks(prepared: Prepared) -> list[TrainerCallback]:
    monitor = prepared.recipe.monitor
    return [] if monitor is None else [HackingMonitor(monitor)]


def config(prepared: Prepared, folder: Path) -> GRPOConfig:
    """TRL's settings for a recipe; what stands under `trainer` in it goes before all."""
    import torch

    recipe, settings = prepared.recipe, prepared.recipe.grpo
    on_cpu = not torch.cuda.is_available()
    rows = rows_of_a_process(settings.prompts * settings.generations)
    at_once = at_once_of(rows, settings.at_once)
    own: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": settings.steps,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": rows // at_once,
        "num_generations": settings.generations,
        "per_device_eval_batch_size": settings.generations,
        "num_generations_eval": 1,
        "max_completion_length": None,
        "shuffle_dataset": False,  # drawn with the seed before, both orders of a pair side by side
        "temperature": settings.temperature,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": 2,
        "beta": settings.beta,
        "epsilon": settings.epsilon,
        "loss_type": "grpo",
        "reward_weights": [_weight(prepared), 1.0],
        "logging_steps": 1,
        "save_steps": settings.save_every if recipe.monitor is None else settings.evaluate_every,
        "save_total_limit": 2 if recipe.monitor is None else None,  # the best may lie far back
        "eval_strategy": "steps",
        "eval_steps": settings.evaluate_every,
        "seed": recipe.seed,
        "use_cpu": on_cpu,
        "bf16": not on_cpu,
        "activation_checkpointing": not on_cpu,
        "remove_unused_columns": False,
        "report_to": list(recipe.report_to) or "none",
    }
    if recipe.vllm is not None:
        own |= {
            "use_vllm": True,
            "vllm_mode": recipe.vllm.mode,
            "vllm_gpu_memory_utilization": recipe.vllm.gpu_memory_utilization,
            "vllm_tensor_parallel_size": recipe.vllm.tensor_parallel_size,
            "vllm_max_model_length": recipe.vllm.max_model_length,
            "vllm_server_base_url": recipe.vllm.server_base_url,
        }
    return GRPOConfig(**{**own, **recipe.trainer})


def _weight(prepared: Prepared) -> float:
    names = [reward.name for reward in prepared.mixed.rewards]
    if VERDICT not in names:
        raise ConfigError("a recipe needs the reward `verdict`", key="rewards", found=names)
    return prepared.mixed.weights[names.index(VERDICT)]
