"""How well the embedded judge ranks real groups of responses, by every strategy, against what people said of them.

    python -m benchmarks.groups --data DATA --out docs/measured

Each ordered pair, each response by itself and each list is put to the judge once and kept in a journal. The strategies
then run over what was recorded, on groups of 2 to 6 responses, so that all see the same comparisons.
"""
