"""What can be told of pairs without reading the evidence, and what they share with one another and with benchmarks."""
