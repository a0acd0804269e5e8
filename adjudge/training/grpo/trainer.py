"""TRL's `GRPOTrainer` with advantages that learn from groups without a right answer.

    trainer = JudgeGRPOTrainer(model, [verdict, tool_use], config, rows, rollout_func=rollouts, groups=GroupSettings())
    trainer.train()

Everything but the advantages is TRL's: rollouts, the PPO loss, checkpoints, logging. For the loss of the paper set
`loss_type="grpo"`, `beta=0.0`, `epsilon=0.2`. Beside TRL's own, each log entry has (with `eval_` in evaluations)

    groups/all_wrong, groups/all_right, groups/mixed   shares of the groups with a verdict
    groups/left_out                                    share of the rollouts without one
    groups/twice_the_maximum                           share of the calibrated groups in which this was D
    confidence/mean, own_tokens/mean                   over the rollouts that have own tokens; over all
    advantages/seconds                                 what this file adds to a generation batch

and so they reach tensorboard or trackio as `report_to` says. Rollouts of one prompt must be one group of
`num_generations` rows; rollouts of several rows each do not fit TRL's trainer.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from adjudge.errors import ConfigError, MissingPackage
from adjudge.training.grpo.advantages import USES_CONFIDENCE, Advantages, negative_group_advantages
from adjudge.training.grpo.calibration import NO_DENOMINATOR, TWICE_THE_MAXIMUM, length_normalised_confidence
from adjudge.training.grpo.completions import RolloutFunction, trainable
from adjudge.training.grpo.settings import GroupSettings
from adjudge.training.grpo.supported import check_trl
from adjudge.training.resumed import InPlace
from adjudge.training.rewards import malformed_of

try:
    import trl
    from trl import GRPOTrainer
    from trl.models.utils import disable_gradient_checkpointing
except ImportError as error:
    raise MissingPackage("trl", needed_for="training with GRPO", install="pip install 'adjudge[train]'") from error

check_trl(GRPOTrainer, trl.__version__)

_PICTURES = (  # what a forward pass takes beside tokens, named as in TRL's batches
    "pixel_values",
    "image_grid_thw",
    "num_images",
    "pixel_attention_mask",
    "spatial_shapes",
    "num_tiles",
    "image_sizes",
    "token_type_ids",
    "mm_token_type_ids",
    "image_position_ids",
)


class JudgeGRPOTrainer(InPlace, GRPOTrainer):  # type: ignore[misc]  # trl is not typed here
    """GRPO in which the verdict decides about the group, and the other reward terms are added after.

    Confidence is taken over the policy's own tokens, from the log-probabilities that the rollouts hand on (`logprobs`
    of the rollout function, or vLLM's), else TRL's of the old policy, else from a forward pass of this trainer. The
    sampled ones must be of the temperature that is trained at.

    Args:
        args: As `GRPOTrainer` takes them, up to its callbacks.
        groups: The arm, alpha, and which reward term is the verdict.
        rollout_func: As TRL takes it; empty completions are made harmless (see `completions`).
        kwargs: As `GRPOTrainer` takes them.

    Raises:
        ConfigError: No single reward term has the name of the verdict, or the settings ask for a normalisation that
            the advantages would not follow.
    """

    def __init__(
        self,
        *args: Any,
        groups: GroupSettings | None = None,
        rollout_func: RolloutFunction | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        # Set here and not above, where TRL warns that this interface may change: `check_trl` answers that.
        self.rollout_func = None if rollout_func is None else trainable(rollout_func)
        self.groups = GroupSettings() if groups is None else groups
        self._verdict = self._place_of_verdict()
        self._malformed = torch.empty(0, dtype=torch.bool)  # of the last batch, of all processes: (B * G,)
        self._terms = torch.empty(0)  # rewards of the last batch, of all processes: (B * G, terms), NaN for None
        self._check_normalisation()

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Tensor:
        self._terms = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        broken = ["rollout" in one and bool(malformed_of(one["rollout"])) for one in inputs]
        self._malformed = self.accelerator.gather(torch.tensor(broken, device=self.accelerator.device))
        return self._terms

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        mode = "train" if self.model.training else "eval"
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        began = time.perf_counter()
        own = batch["completion_mask"] * batch.get("tool_mask", 1)
        confidence = self.accelerator.gather(self._confidence(batch, own))  # (B * G,) of all processes, as the rewards
        tokens = self.accelerator.gather(own.sum(dim=1))
        found = self._advantages(confidence, self.num_generations if mode == "train" else self.num_generations_eval)
        rows, first = len(own), self.accelerator.process_index * len(own)
        flat = found.values.flatten()
        batch["advantages"] = flat[first : first + rows]
        self._show_in_completions(flat.tolist())
        self._note(mode, found, confidence, tokens)
        self._metrics[mode]["advantages/seconds"].append(time.perf_counter() - began)
        return batch

    def _advantages(self, confidence: Tensor, generations: int) -> Advantages:
        weights = self.reward_weights.to(self._terms.device)
        verdicts = self._terms[:, self._verdict]
        other = (self._terms * weights).nansum(dim=1) - (verdicts * weights[self._verdict]).nan_to_num(nan=0.0)
        return negative_group_advantages(
            verdicts.view(-1, generations),
            other.view(-1, generations),
            confidence.view(-1, generations),
            surest=self._malformed.view(-1, generations),
            alpha=self.groups.alpha,
            arm=self.groups.arm,
            weight=float(weights[self._verdict]),
            seed=self._seed(),
        )

    def _seed(self) -> int:
        """Of this generation batch: the same on all processes, and after a resume."""
        accumulated = self.args.gradient_accumulation_steps
        return hash((self.args.seed, self.state.global_step, self._step % accumulated)) % 2**63

    def _confidence(self, batch: dict[str, Any], own: Tensor) -> Tensor:
        """Of this process's rollouts, in (0, 1]; NaN where an arm has no use for it. (b,)"""
        for known in ("sampling_per_token_logps", "old_per_token_logps"):
            if known in batch:
                return length_normalised_confidence(batch[known], own)
        if self.groups.arm not in USES_CONFIDENCE:
            return torch.full((len(own),), torch.nan, device=own.device)
        return length_normalised_confidence(self._log_probs(batch), own)

    def _log_probs(self, batch: dict[str, Any]) -> Tensor:
        """Of the completions, by the policy as it is: it has not changed since it sampled them. (b, T)"""
        tokens = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
        seen = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
        pictures = {name: batch[name] for name in _PICTURES if name in batch}
        with torch.no_grad(), disable_gradient_checkpointing(self.model, self.args.gradient_checkpointing_kwargs):
            found: Tensor = self._get_per_token_logps_and_entropies(
                self.model,
                tokens,
                seen,
                batch["completion_ids"].size(1),
                batch_size=self.args.per_device_train_batch_size,
                **pictures,
            )[0]
        return found

    def _note(self, mode: str, found: Advantages, confidence: Tensor, tokens: Tensor) -> None:
        verdicts = self._terms[:, self._verdict]
        judged = found.all_wrong | found.all_right | found.mixed
        calibrated = found.branch != NO_DENOMINATOR
        noted = {
            "groups/all_wrong": found.all_wrong[judged],
            "groups/all_right": found.all_right[judged],
            "groups/mixed": found.mixed[judged],
            "groups/left_out": verdicts.isnan(),
            "groups/twice_the_maximum": (found.branch == TWICE_THE_MAXIMUM)[calibrated],
            "confidence/mean": confidence[~confidence.isnan()],
            "own_tokens/mean": tokens,
        }
        for name, values in noted.items():
            if len(values):  # a mean of nothing is not a number to log
                self._metrics[mode][name].append(values.float().mean().item())

    def _show_in_completions(self, advantages: list[float]) -> None:
        """TRL's table of completions has just been given its own advantages: put ours in their place."""
        shown = self._logs["advantages"]
        for _ in range(min(len(shown), len(advantages))):
            shown.pop()
        shown.extend(advantages)

    def _place_of_verdict(self) -> int:
        names = list(self.reward_func_names)
        if names.count(self.groups.verdict) != 1:
            problem = "exactly one reward term has to be the verdict"
            raise ConfigError(problem, key="verdict", found=self.groups.verdict, allowed=names)
        return names.index(self.groups.verdict)

    def _check_normalisation(self) -> None:
        for key, only in (("scale_rewards", "group"), ("multi_objective_aggregation", "sum_then_normalize")):
            if (found := getattr(self, key)) != only:
                problem, hint = "the advantages of this trainer are normalised by group", "use trl.GRPOTrainer for it"
                raise ConfigError(problem, key=key, found=found, allowed=[only], hint=hint)
