"""How often the verdict token is right on traces that are not trained on, while training goes on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from adjudge.training.rollouts.rows import Row

logger = logging.getLogger(__name__)


class HeldOut(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Logs `held_out/accuracy` every so many steps: the right letter is likelier than the other.

    The searches are the oracle's, so this is the accuracy of the verdict given right evidence. The whole graph is
    measured by `adjudge.training.measure`.

    Args:
        rows: Traces whose last token is the verdict.
        letters: Token ids of the labels.
        every: Steps.
        at_once: Rows of one forward pass.
    """

    def __init__(self, rows: Sequence[Row], letters: Sequence[int], every: int, at_once: int = 8) -> None:
        self._rows, self._letters = sorted(rows, key=lambda row: len(row.prompt_ids) + len(row.completion_ids)), letters
        self._every, self._at_once = every, at_once

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Measure, where it is due."""
        if state.global_step % self._every == 0 or state.global_step == state.max_steps:
            found = accuracy(kwargs["model"], self._rows, self._letters, self._at_once)
            state.log_history.append({"step": state.global_step, "held_out/accuracy": found})
            logger.info("step %d: held-out accuracy %.3f", state.global_step, found)
        return control


def accuracy(model: Any, rows: Sequence[Row], letters: Sequence[int], at_once: int) -> float:
    """Share of the rows whose last token is the likeliest of the letters."""
    training, right = model.training, 0
    model.eval()
    with torch.no_grad():
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            ids = [[*row.prompt_ids, *row.completion_ids] for row in part]
            longest = max(map(len, ids))
            batch = torch.tensor([[*one, *[0] * (longest - len(one))] for one in ids])
            ends = torch.tensor([len(one) for one in ids])
            mask = (torch.arange(longest) < ends[:, None]).long()
            places = ends - 2  # where the last token is predicted
            kept = torch.tensor(sorted(set(places.tolist())))
            logits = model(input_ids=batch, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
            for number, one in enumerate(ids):
                at = int((kept == places[number]).nonzero())
                best = max(letters, key=lambda letter: float(logits[number, at, letter]))
                right += best == one[-1]
    model.train(training)
    return right / len(rows)
