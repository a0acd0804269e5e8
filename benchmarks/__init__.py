"""Benchmarks: what is measured, never tested."""
