"""One driver an arm, run as a process by the Python that has its package; only `harness` is shared."""
