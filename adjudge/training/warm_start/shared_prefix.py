"""Verdicts learnt from both orders of a pair at once, with each token read once.

What is learnt is what a judge decides by that asks in both orders and averages: which response is likelier, whatever
its place. A model that does not read the evidence yet first learns to prefer a place, then to unlearn it, and so on;
the mean of both orders does not see that (ours: so SmolLM2 learns in ten steps what it does not over single rows).

The rows of a batch are a tree. All begin with the same system prompt and tools (the trunk); both orders of a pair go
on with the same task, search and evidence (a branch), and differ from the judge's question on (the leaves). The trunk
is read once a batch and without gradients, which costs nothing to speak of; gradients flow through branches and leaves.
Of 1,400 tokens of a pair's two rows 730 are left (ours).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from adjudge.training.rollouts.rows import Row
from adjudge.training.warm_start.sft import IGNORED, TraceTrainer


def together(rows: Mapping[str, Row], pair_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of one pair as one example: the `prefix` that they share, the `labels` of its search, the `rests`, `length`.

    Args:
        rows: By case; the last token of each is the verdict.
        pair_of: The pair of each case; a case without one stands alone.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for name, row in rows.items():
        groups[pair_of.get(name, name)].append(row)
    found = []
    for group in groups.values():
        sequences = [(*row.prompt_ids, *row.completion_ids) for row in group]
        shared = _shared(sequences)
        prefix = list(sequences[0][:shared])
        own = [*(0 for _ in group[0].prompt_ids), *group[0].mask][:shared]
        labels = [token if mine else IGNORED for token, mine in zip(prefix, own, strict=True)]
        rests = [list(one[shared:]) for one in sequences]
        length = len(prefix) + sum(map(len, rests))
        found.append({"prefix": prefix, "labels": labels, "rests": rests, "length": length})
    return found


def _shared(sequences: Sequence[Sequence[int]]) -> int:
    """How many tokens all begin with; at least two of each are left: one to read, and the verdict."""
    most = min(map(len, sequences)) - 2
    for place, tokens in enumerate(zip(*sequences, strict=False)):
        if place >= most or len(set(tokens)) > 1:
            return min(place, most)
    return most


class SharedCollator:
    """The trunk apart; branches padded on the left, leaves on the right.

    Args:
        pad: Token id that fills.
        search: Whether the search is learnt too, or the verdicts alone.
    """

    def __init__(self, pad: int, *, search: bool = False) -> None:
        self._pad, self._search = pad, search

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """`trunk` (1, T); `branch` (B, P) with `branch_mask` and `search` (labels); `leaf` (R, S) with `leaf_mask`.

        Also `owner` (R,): the branch of a leaf, and `other` (R,): the leaf with the other order; without one, itself.
        """
        alike = _shared([one["prefix"] for one in examples]) if len(examples) > 1 else 0
        shared = min(alike, *(_before_search(one["labels"]) for one in examples))
        branches = [one["prefix"][shared:] for one in examples]
        longest = max(map(len, branches))
        searches = [one["labels"][shared:] for one in examples]
        if not self._search:
            searches = [[IGNORED] * len(one) for one in searches]
        leaves = [(place, rest) for place, one in enumerate(examples) for rest in one["rests"]]
        end = max(len(rest) for _, rest in leaves)
        return {
            "trunk": self._tensor([examples[0]["prefix"][:shared]]).long(),
            "branch": self._tensor([[self._pad] * (longest - len(one)) + one for one in branches]),
            "branch_mask": self._tensor([[0] * (longest - len(one)) + [1] * len(one) for one in branches]),
            "search": self._tensor([[IGNORED] * (longest - len(one)) + one for one in searches]),
            "leaf": self._tensor([rest + [self._pad] * (end - len(rest)) for _, rest in leaves]),
            "leaf_mask": self._tensor([[1] * len(rest) + [0] * (end - len(rest)) for _, rest in leaves]),
            "owner": self._tensor([place for place, _ in leaves]),
            "other": self._tensor(_others([place for place, _ in leaves])),
        }

    @staticmethod
    def _tensor(values: Iterable[Any]) -> torch.Tensor:
        return torch.tensor(list(values))


def _before_search(labels: Sequence[int]) -> int:
    """Tokens up to the one from which the first of the search is predicted."""
    return max(0, next((place for place, label in enumerate(labels) if label != IGNORED), len(labels)) - 1)


def _others(owners: Sequence[int]) -> list[int]:
    return [
        next((two for two, owner in enumerate(owners) if owner == owners[one] and two != one), one)
        for one in range(len(owners))
    ]


class SharedPrefixTrainer(TraceTrainer):
    """`TraceTrainer` for examples of `together`.

    Args:
        args: As `TraceTrainer` takes them.
        single: Weight of each order's own likelihood, which keeps the letters likely and the places level.
        settings: As `TraceTrainer` takes them.
    """

    def __init__(self, *args: Any, single: float = 0.1, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._single = single

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Bradley–Terry loss of the log-odds averaged over both orders, and a little of each verdict's own."""
        logits, search = self._logits(model, inputs)
        ends = inputs["leaf_mask"].sum(1)
        verdicts, other = inputs["leaf"].gather(1, (ends - 1)[:, None]).squeeze(1), inputs["other"]
        rows = torch.arange(len(other), device=other.device)
        margins = logits[rows, verdicts] - logits[rows, verdicts[other]]
        both = torch.nn.functional.softplus(-(margins + margins[other]) / 2).mean()
        loss = both + self._single * torch.nn.functional.cross_entropy(logits, verdicts) + search
        loss = loss * inputs.get("share", 1.0)
        return (loss, logits) if return_outputs else loss

    def _logits(self, model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Logits of each leaf's last token (R, vocabulary), and the loss of the searches."""
        trunk, owner, leaf_mask = inputs["trunk"], inputs["owner"], inputs["leaf_mask"]
        mask = torch.cat([trunk.new_ones(len(inputs["branch"]), trunk.shape[1]), inputs["branch_mask"]], dim=1)
        cache = self._read_trunk(model, trunk, len(mask))
        said = (
            (inputs["search"][:, 1:] != IGNORED).any(0).nonzero().squeeze(1)
        )  # where a token of a search is predicted
        read = model(
            input_ids=inputs["branch"],
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0)[:, trunk.shape[1] :],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=said if len(said) else 1,
        )
        search = self._search_loss(read.logits, inputs["search"], said) if len(said) else 0.0
        cache = read.past_key_values
        cache.batch_select_indices(owner)
        places = leaf_mask.sum(1) - 2  # where the verdict is predicted
        kept = torch.tensor(sorted(set(places.tolist())), device=places.device)
        output = model(
            input_ids=inputs["leaf"],
            attention_mask=torch.cat([mask[owner], leaf_mask], dim=1),
            position_ids=mask.sum(1)[owner][:, None] + torch.arange(leaf_mask.shape[1], device=owner.device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=kept,
        )
        column = (kept[None, :] == places[:, None]).int().argmax(1)  # (R,)
        return output.logits[torch.arange(len(column), device=column.device), column].float(), search

    @staticmethod
    def _search_loss(logits: torch.Tensor, labels: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """Mean over the searches of the mean over their tokens."""
        wanted = labels[:, said + 1]
        losses = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2), wanted, ignore_index=IGNORED, reduction="none"
        )
        return (losses.sum(1) / (wanted != IGNORED).sum(1).clamp(min=1)).mean()

    @staticmethod
    def _read_trunk(model: Any, trunk: torch.Tensor, branches: int) -> Any:
        """What was read of the tokens that all rows begin with, once for each branch; None where there are none."""
        if not trunk.shape[1]:
            return None
        with torch.no_grad():
            cache = model(input_ids=trunk, use_cache=True, logits_to_keep=1).past_key_values
        cache.batch_repeat_interleave(branches)
        return cache
