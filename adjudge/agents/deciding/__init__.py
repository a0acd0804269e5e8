"""How a judge decides: one method a file, each a function from a prepared question to a report."""

from typing import Literal

from adjudge.models import Ability, ModelInfo
from adjudge.types import Mode

Decide = Literal["auto", "generate", "logprobs", "likelihood", "likelihood_gain"]
NEEDS: dict[Decide, frozenset[Ability]] = {
    "generate": frozenset({"chat"}),
    "logprobs": frozenset({"chat", "logprobs"}),
    "likelihood": frozenset({"score"}),
    "likelihood_gain": frozenset({"score"}),
}
_ORDER_FREE: frozenset[str] = frozenset({"likelihood", "likelihood_gain"})


def resolve(decide: Decide, mode: Mode, info: ModelInfo) -> Decide:
    """What `auto` means: `generate`, but for the embedded model, which is too small to write verdicts, `likelihood`.

    A likelihood has no place on a pointwise scale, so there the embedded model's `logprobs` are read.
    """
    if decide != "auto":
        return decide
    if not info.embedded:
        return "generate"
    return "likelihood" if mode in ("pairwise", "listwise") else "logprobs"


def sees_order(decide: str, mode: Mode, *, each: bool = False) -> bool:
    """Whether the order of what is judged can sway the verdict; where it cannot, a case is judged once.

    Args:
        decide: The method.
        mode: Of the graph.
        each: Whether every step is judged by itself.
    """
    if each or mode in ("pointwise", "answer") or decide in _ORDER_FREE:
        return False
    return not (mode == "step" and decide == "logprobs")  # each step is graded by itself
