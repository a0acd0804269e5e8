"""Rollouts: a policy judges through the judge's own graph, and what it sampled is kept token by token."""

from adjudge.training.rollouts.rollout import Called, Rollout

__all__ = ["Called", "Rollout"]
