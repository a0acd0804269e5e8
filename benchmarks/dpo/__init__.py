"""DPO on SmolLM2 with preference pairs that were selected in different ways; see `benchmarks.dpo.__main__`."""
