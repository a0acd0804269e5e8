"""adjudge beside its peers, on the same mock server: `python -m benchmarks.peers --peers DIR`."""
