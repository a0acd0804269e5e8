"""Warm start: supervised traces from an oracle or a teacher, through the judge's own graph."""
