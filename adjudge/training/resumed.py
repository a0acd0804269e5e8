"""Trainers that go on with the very parameters that their optimizer knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peft import PeftModel, load_peft_weights, set_peft_model_state_dict


class InPlace:
    """Mixed into a trainer of transformers: a LoRA is read from a checkpoint into the parameters that are there.

    Transformers' own way puts new parameters in float32 into the model, of which an optimizer that was made before
    knows nothing: a run in bfloat16 that goes on would learn nothing any more, and say so nowhere.
    """

    model: Any

    def restore(self, checkpoint: Path) -> None:
        """Take the weights of a checkpoint, which has to be there."""
        self._load_from_checkpoint(str(checkpoint))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        found = self.model if model is None else model
        if isinstance(found, PeftModel):
            set_peft_model_state_dict(found, load_peft_weights(str(resume_from_checkpoint), device="cpu"))
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]  # the trainer's own
