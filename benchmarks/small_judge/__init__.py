"""GRPO's arms and ablations on a judge of a million weights, in a world small enough for three seeds."""
