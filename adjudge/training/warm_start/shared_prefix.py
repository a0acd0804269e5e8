"""Both orders of a pair from one reading of the evidence, and gradients through the verdict's own prompt only.

The two orders of a trace differ from the judge's question on: task, search and evidence before it are the same tokens.
They are read once, without gradients, and both verdicts continue from there. What is learnt is how to read a verdict
off what is in the prompt; the weights that read the evidence are the same ones, but are not corrected for how they read
it there (truncated backpropagation; ours).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.sft import IGNORED, TraceTrainer


def together(rows: Mapping[str, Row], pair_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of one pair as one example: the `prefix` that they share, and what each goes on with.

    Args:
        rows: By case; the last token of each is the verdict.
        pair_of: The pair of each case; a case without one stands alone.
    """
    groups: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for name, row in rows.items():
        groups[pair_of.get(name, name)].append((*row.prompt_ids, *row.completion_ids))
    found = []
    for sequences in groups.values():
        shared = _shared(sequences)
        found.append({"prefix": list(sequences[0][:shared]), "rests": [list(one[shared:]) for one in sequences]})
    return found


def _shared(sequences: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all begin with; at least two of each are left: one to read, and the verdict."""
    most = min(map(len, sequences)) - 2
    for place, tokens in enumerate(zip(*sequences, strict=False)):
        if place >= most or len(set(tokens)) > 1:
            return min(place, most)
    return most


class SharedCollator:
    """Prefixes padded on the left, what follows on the right.

    Args:
        pad: Token id that fills.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """`prefix` (B, P) with `prefix_mask`; `rest` (R, S) with `rest_mask`, and `owner` (R,): the prefix of each."""
        longest = max(len(one["prefix"]) for one in examples)
        rests = [(place, rest) for place, one in enumerate(examples) for rest in one["rests"]]
        end = max(len(rest) for _, rest in rests)
        return {
            "prefix": self._tensor([[self._pad] * (longest - len(one["prefix"])) + one["prefix"] for one in examples]),
            "prefix_mask": self._tensor(
                [[0] * (longest - len(one["prefix"])) + [1] * len(one["prefix"]) for one in examples]
            ),
            "rest": self._tensor([rest + [self._pad] * (end - len(rest)) for _, rest in rests]),
            "rest_mask": self._tensor([[1] * len(rest) + [0] * (end - len(rest)) for _, rest in rests]),
            "owner": self._tensor([place for place, _ in rests]),
        }

    @staticmethod
    def _tensor(values: Iterable[Any]) -> torch.Tensor:
        return torch.tensor(list(values))


class SharedPrefixTrainer(TraceTrainer):
    """`TraceTrainer` for examples of `together`."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean negative log-likelihood of the verdict tokens."""
        mask, owner = inputs["prefix_mask"], inputs["owner"]
        with torch.no_grad():
            read = model(
                input_ids=inputs["prefix"],
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                use_cache=True,
                logits_to_keep=1,
            )
        cache = read.past_key_values
        cache.batch_select_indices(owner)
        rest_mask = inputs["rest_mask"]
        ends = rest_mask.sum(1)
        verdicts = inputs["rest"].gather(1, (ends - 1)[:, None])  # (R, 1)
        kept = torch.tensor(sorted(set((ends - 2).tolist())))
        output = model(
            input_ids=inputs["rest"],
            attention_mask=torch.cat([mask[owner], rest_mask], dim=1),
            position_ids=mask.sum(1)[owner][:, None] + torch.arange(rest_mask.shape[1]),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=kept,
        )
        labels = torch.where(kept[None, :] == (ends - 2)[:, None], verdicts, torch.tensor(IGNORED))  # (R, K)
        logits = output.logits.float()
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED)
        return (loss, output) if return_outputs else loss
