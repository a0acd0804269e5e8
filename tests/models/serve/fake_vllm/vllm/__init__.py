"""Stands for vLLM in tests of how a server is started, watched and ended."""
