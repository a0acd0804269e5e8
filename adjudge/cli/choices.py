"""Choices of several commands, written out here because `adjudge.types` is slow to import."""

from typing import Literal

Strategy = Literal["pointwise", "listwise", "all_pairs", "knockout", "adaptive"]
Goal = Literal["ranking", "best"]
