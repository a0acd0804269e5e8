"""Warm start: supervised traces from an oracle, through the judge's own graph."""
