"""How often the verdict is right on traces that are not trained on, while training goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from adjudge.training.rollouts.rows import Row


class HeldOut(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Logs every so many steps how many verdicts are right.

    `held_out/accuracy`: of pairs, by the log-odds averaged over both orders, as a judge decides that asks in both;
    `held_out/one_order`: of single rows. The searches are the oracle's, so this is the accuracy given right evidence;
    the whole graph is measured by `benchmarks.trained`.

    Args:
        rows: Traces by case; the last token of each is the verdict.
        pair_of: The pair of each case.
        letters: Token ids of the labels.
        every: Steps.
        at_once: Rows of one forward pass.

    Attributes:
        log: The trainer's, which shows numbers wherever the run reports to.
    """

    log: Callable[[dict[str, float]], None]

    def __init__(
        self, rows: Mapping[str, Row], pair_of: Mapping[str, str], letters: Sequence[int], every: int, at_once: int = 8
    ) -> None:
        self._names = sorted(rows, key=lambda name: len(rows[name].prompt_ids) + len(rows[name].completion_ids))
        self._rows, self._pair_of, self._letters = rows, pair_of, letters
        self._every, self._at_once = every, at_once

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Measure, where it is due."""
        if state.global_step % self._every == 0 or state.global_step == state.max_steps:
            self.log(self.measure(kwargs["model"]))
        return control

    def measure(self, model: Any) -> dict[str, float]:
        """Shares of right verdicts."""
        found = margins(model, [self._rows[name] for name in self._names], self._letters, self._at_once)
        pairs: dict[str, list[float]] = defaultdict(list)
        for name, margin in zip(self._names, found, strict=True):
            pairs[self._pair_of.get(name, name)].append(margin)
        both = [sum(pair) > 0 for pair in pairs.values()]
        single = [margin > 0 for margin in found]
        return {"held_out/accuracy": sum(both) / len(both), "held_out/one_order": sum(single) / len(single)}


def margins(model: Any, rows: Sequence[Row], letters: Sequence[int], at_once: int) -> list[float]:
    """Log-odds of each row's last token against the likeliest of the other letters."""
    training, found = model.training, []
    model.eval()
    with torch.no_grad():
        for start in range(0, len(rows), at_once):
            ids = [[*row.prompt_ids, *row.completion_ids] for row in rows[start : start + at_once]]
            longest = max(map(len, ids))
            batch = torch.tensor([[*one, *[0] * (longest - len(one))] for one in ids], device=model.device)
            ends = torch.tensor([len(one) for one in ids], device=model.device)
            mask = (torch.arange(longest, device=model.device) < ends[:, None]).long()
            places = ends - 2  # where the last token is predicted
            kept = torch.tensor(sorted(set(places.tolist())), device=model.device)
            logits = model(input_ids=batch, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
            for number, one in enumerate(ids):
                at = logits[number, int((kept == places[number]).nonzero())].float()
                others = max(float(at[letter]) for letter in letters if letter != one[-1])
                found.append(float(at[one[-1]]) - others)
    model.train(training)
    return found
