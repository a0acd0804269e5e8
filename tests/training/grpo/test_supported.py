"""Another TRL than the one whose private methods are overridden is refused, with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.training.grpo.supported import check_trl


class Trainer:
    """Takes what TRL's trainer takes."""

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> None: ...

    def _generate_and_score_completions(self, inputs: Any) -> None: ...

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: Any, batch_size: Any = None, **more: Any
    ) -> None: ...


class Renamed(Trainer):
    """One method takes something else."""

    def _calculate_rewards(self, inputs: Any, rollouts: Any) -> None: ...  # type: ignore[override]  # as a new TRL may


class Bare:
    """Nothing of it is left."""


@pytest.mark.parametrize("version", ["1.16.0", "1.16.3", "1.16", "1.16.0.dev0"])
def test_the_right_trl_passes(version: str) -> None:
    check_trl(Trainer, version)


@pytest.mark.parametrize("version", ["1.15.2", "1.17.0", "1.160.0", "2.16.0", "0.29.1", ""])
def test_another_version_is_refused(version: str) -> None:
    with pytest.raises(ConfigError, match=r'trl>=1.16,<1.17.*run: pip install "trl>=1.16,<1.17"'):
        check_trl(Trainer, version)


@pytest.mark.parametrize(
    ("trainer", "told"),
    [
        (Renamed, "_calculate_rewards of trl 1.16.0 does not take self, inputs, prompts.*self, inputs, rollouts"),
        (Bare, "_calculate_rewards.*no such method"),
    ],
)
def test_other_private_methods_are_refused(trainer: type, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_trl(trainer, "1.16.0")


def test_the_installed_trl_passes() -> None:
    trl = pytest.importorskip("trl")
    check_trl(trl.GRPOTrainer, trl.__version__)
