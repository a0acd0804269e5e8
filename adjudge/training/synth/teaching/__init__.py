"""Pairs that a teacher writes: any chat model; what it writes is checked by rules."""
