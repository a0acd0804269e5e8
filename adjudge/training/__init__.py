"""Training judges: pairs, warm start, rollouts through the judge's own graph, rewards, GRPO; see docs/training.md."""
