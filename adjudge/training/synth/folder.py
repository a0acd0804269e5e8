"""The folder of a synthesis: pairs by split, the corpus to search, and what they were made of."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adjudge.training.synth.splits import Split
from adjudge.training.synth.synthesis import Synthesis

SPLITS: tuple[Split, ...] = ("train", "dev", "test")
ABOUT = "synthesis.json"


def write(synthesis: Synthesis, folder: Path, *, seed: int = 0, asked: Mapping[str, Any] | None = None) -> None:
    """Write `train.jsonl`, `dev.jsonl`, `test.jsonl`, `corpus.jsonl` and `synthesis.json`.

    A pair stands in its file twice, with the good response first and second; the rows are shuffled with the seed.

    Args:
        synthesis: What was made.
        folder: Where to; it is created.
        seed: Of the order of rows.
        asked: How it was made, for `synthesis.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        rows = [case for pair in synthesis.pairs if pair.split == split for case in pair.cases()]
        random.Random(f"{seed}/{split}").shuffle(rows)
        _lines(folder / f"{split}.jsonl", rows)
    _lines(folder / "corpus.jsonl", [{"id": d.id, "title": d.title, "text": d.text} for d in synthesis.documents])
    names = [f"{split}.jsonl" for split in SPLITS] + ["corpus.jsonl"]
    about = {
        "pairs": {split: sum(pair.split == split for pair in synthesis.pairs) for split in SPLITS},
        "made_before_levelling": synthesis.made,
        "documents": len(synthesis.documents),
        "rows_without_text": synthesis.skipped,
        "documents_without_a_pair": synthesis.barren,
        "failed": synthesis.failed,
        "asked": dict(asked or {}),
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(text.encode("utf-8", "replace"))
