"""The TRL that the trainer was written against: it overrides private methods, which any release may change."""

from __future__ import annotations

import inspect
import re

from adjudge.errors import ConfigError

VERSIONS = ">=1.16,<1.17"
_TAKES = {  # private method -> its parameters, or the first of them
    "_calculate_rewards": ("self", "inputs", "prompts", "completions", "completion_ids_list"),
    "_generate_and_score_completions": ("self", "inputs"),
    "_get_per_token_logps_and_entropies": (
        "self",
        "model",
        "input_ids",
        "attention_mask",
        "logits_to_keep",
        "batch_size",
    ),
}


def check_trl(trainer: type, version: str) -> None:
    """Refuse a TRL whose trainer is not the one that this package overrides.

    Args:
        trainer: TRL's `GRPOTrainer`.
        version: Of TRL, as `trl.__version__` says it.

    Raises:
        ConfigError: The version is another, or one of the private methods is gone or takes something else.
    """
    hint = f'run: pip install "trl{VERSIONS}"'
    if not re.match(r"1\.16(\.|$)", version):
        raise ConfigError(f"this trainer needs trl{VERSIONS}", found=version, hint=hint)
    for name, parameters in _TAKES.items():
        method = getattr(trainer, name, None)
        found = () if method is None else tuple(inspect.signature(method).parameters)
        if found[: len(parameters)] != parameters:
            problem = f"GRPOTrainer.{name} of trl {version} does not take {', '.join(parameters)}"
            raise ConfigError(problem, found=", ".join(found) or "no such method", hint=hint)
