"""Training: judges as policies. Empty so far; see the changelog."""
