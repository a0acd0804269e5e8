"""The files of a selection.

selected.jsonl   the pairs that are kept, as TRL's preference data with an explicit prompt
dropped.jsonl    the others, each with its reason and what both orders said
selection.json   counts, lengths, the rule and the judge; `complete` says whether the whole input was seen

The first two are written row by row under another name and moved into place at the end, so a file under its own name
is never half a file. Going on with a selection writes them anew, from the journal.

Besides `prompt`, `chosen` and `rejected`, a kept pair has `id`, `confidence`, `score_chosen` and `score_rejected`. TRL
1.16 keeps of a data set only the columns that its trainer names (`_set_signature_columns_if_needed`), so these do no
harm; a column `margin` would change the loss of its `RewardTrainer`, and `images` or `tools` mean something to its
`DPOTrainer`, which is why none is called so.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adjudge.errors import ConfigError
from adjudge.selection.forms import Form, as_completion, as_prompt, as_text
from adjudge.selection.rule import Dropped, Look, Preference

SELECTED, DROPPED, SUMMARY = "selected.jsonl", "dropped.jsonl", "selection.json"
_PART = ".part"


def row_of(kept: Preference, form: Form) -> dict[str, Any]:
    """A pair as a row of preference data.

    Args:
        kept: The pair.
        form: Texts, or lists of messages.
    """
    candidates = kept.candidates
    pair = [candidates.completions[index] for index in (kept.chosen, kept.rejected)]
    texts = form == "string"
    chosen, rejected = (as_text(one) if texts else as_completion(one) for one in pair)
    return {
        "prompt": as_text(candidates.prompt) if texts else as_prompt(candidates.prompt),
        "chosen": chosen,
        "rejected": rejected,
        **candidates.extra,
        "id": candidates.case.id,
        "confidence": kept.confidence,
        "score_chosen": kept.score_chosen,
        "score_rejected": kept.score_rejected,
    }


def dropped_row(dropped: Dropped) -> dict[str, Any]:
    """A row that was dropped, with what each order said; letters are those of the case as it was judged."""
    return {
        "id": dropped.id,
        "reason": dropped.reason,
        "detail": dropped.detail,
        "place": dropped.place,
        "label": dropped.label,
        "orders": [_look(look) for look in dropped.looks],
    }


def _look(look: Look) -> dict[str, Any]:
    if look.unscored:
        return {"shown": look.shown, "unscored": look.unscored}
    return {"shown": look.shown, "winner": look.winner, "scores": look.scores, "confidence": look.confidence}


class Folder:
    """The folder of a selection; `with` it, `add` what comes, and `finish`.

    Args:
        path: Of the folder.
        form: In which pairs are written.

    Raises:
        ConfigError: It cannot be written.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self._path = path
        self._form = form

    def __enter__(self) -> Self:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._files = {name: _Rows(self._path / name) for name in (SELECTED, DROPPED)}
        except OSError as error:
            raise ConfigError(f"the selection cannot be written ({error.strerror})", file=str(self._path)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def add(self, item: Preference | Dropped) -> None:
        """Write one row."""
        if isinstance(item, Dropped):
            self._files[DROPPED].add(dropped_row(item))
        else:
            self._files[SELECTED].add(row_of(item, self._form))

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Move the files into place, and say what they are.

        Args:
            summary: What `selection.json` is to hold, besides the files' own sizes and digests.
        """
        (self._path / SUMMARY).unlink(missing_ok=True)  # until the end nothing speaks for files that are half moved
        files = {name: file.move() for name, file in self._files.items()}
        content = json.dumps({**summary, "files": files}, indent=1, ensure_ascii=False) + "\n"
        _replace(self._path / SUMMARY, content.encode())


class _Rows:
    """Lines of JSON, written beside their place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + _PART)
        self._file = self._part.open("wb")
        self._digest = hashlib.sha256()
        self._rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8")
        self._file.write(line)
        self._digest.update(line)
        self._rows += 1

    def move(self) -> dict[str, Any]:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        return {"rows": self._rows, "sha256": self._digest.hexdigest()}

    def close(self) -> None:
        self._file.close()


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + _PART)
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
