"""Preference pairs of people: which are trained on, which are held out, and which labels are turned on purpose."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adjudge.selection import Candidates, Preference, read_pairs
from adjudge.selection.folder import row_of
from adjudge.types import letter
from adjudge.types.messages import text_of


class Ids(NamedTuple):
    """A pair as token ids; the completions end with the end of the turn."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]

    @property
    def longest(self) -> int:
        """Tokens of prompt and longer completion."""
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


class Pair(NamedTuple):
    """A pair that people labelled."""

    candidates: Candidates  # with the label as given, which may have been turned
    right: int  # 0-based response that people preferred
    group: str  # pairs of the same first message are not independent

    @property
    def given(self) -> int:
        """The response that the label names."""
        preferred = self.candidates.given[0, 1]
        assert preferred is not None
        return preferred

    @property
    def turned(self) -> bool:
        """Whether the label is not the people's."""
        return self.given != self.right

    @property
    def lead(self) -> int:
        """Characters by which the response that the label names is longer."""
        texts = [len(response.text) for response in self.candidates.case.responses]
        return texts[self.given] - texts[1 - self.given]

    def flip(self) -> Pair:
        """The same pair with the other label."""
        other = 1 - self.given
        case = self.candidates.case.model_copy(update={"label": letter(other)})
        return self._replace(candidates=self.candidates._replace(case=case, given={(0, 1): other}))

    def row(self) -> dict[str, Any]:
        """As TRL's `DPOTrainer` reads it, by the label as given."""
        kept = Preference(self.candidates, self.given, 1 - self.given, None, None, None, True)
        row = row_of(kept, "conversational")
        return {name: row[name] for name in ("prompt", "chosen", "rejected")}


class Split(NamedTuple):
    """All short pairs, in two parts that share no conversation."""

    train: list[Pair]
    held_out: list[Pair]


def load(data: Path, tokenizer: Any, *, most: int, held_out: int) -> Split:
    """The pairs of HH-RLHF (harmless, test) that are short and end in one reply each.

    Args:
        data: Folder of the data sets.
        tokenizer: Of the policy.
        most: Tokens of conversation and longer reply, chat template included.
        held_out: Pairs that are never trained on, drawn by a hash of the first message.
    """
    rows = read_pairs([data / "hh_rlhf_harmless_test" / "test.jsonl.gz"])
    pairs = [_pair(row) for row in rows if isinstance(row, Candidates) and _plain(row)]
    short = {pair.candidates.key: pair for pair in pairs if ids_of(pair, tokenizer).longest <= most}
    ordered = sorted(short.values(), key=lambda pair: (_hash(pair.group), pair.candidates.key))
    cut = held_out
    while cut < len(ordered) and ordered[cut].group == ordered[cut - 1].group:
        cut += 1
    return Split(ordered[cut:], ordered[:cut])


def draw(pairs: Sequence[Pair], *, size: int, noise: float, seed: int) -> list[Pair]:
    """A pool in which a share of the labels is turned.

    Args:
        pairs: To draw from.
        size: Of the pool.
        noise: Share of labels to turn, in [0, 1].
        seed: Of both draws.
    """
    rng = random.Random(f"pool {seed}")
    drawn = rng.sample(list(pairs), size)
    turned = set(rng.sample(range(size), round(noise * size)))
    return [pair.flip() if place in turned else pair for place, pair in enumerate(drawn)]


def ids_of(pair: Pair, tokenizer: Any) -> Ids:
    """Token ids under the model's chat template, by the label as given."""
    row = pair.row()
    prompt = _ids(tokenizer, row["prompt"], True)
    chosen, rejected = (_ids(tokenizer, row["prompt"] + row[name], False) for name in ("chosen", "rejected"))
    assert chosen[: len(prompt)] == rejected[: len(prompt)] == prompt
    return Ids(prompt, chosen[len(prompt) :], rejected[len(prompt) :])


def _ids(tokenizer: Any, messages: list[Any], generation_prompt: bool) -> list[int]:
    found = tokenizer.apply_chat_template(messages, add_generation_prompt=generation_prompt, return_dict=True)
    return list(found["input_ids"])


def _pair(row: Candidates) -> Pair:
    right = row.given[0, 1]
    assert right is not None
    prompt = row.case.prompt
    group = prompt if isinstance(prompt, str) else text_of(prompt[0]["content"])
    return Pair(row, right, group)


def _plain(row: Candidates) -> bool:
    """Whether both completions are one reply that says something, and not the same."""
    texts = {response.text.strip() for response in row.case.responses}
    single = all(isinstance(one, str) or (len(one) == 1 and one[0]["role"] == "assistant") for one in row.completions)
    return single and len(texts) == 2 and all(texts) and row.given.get((0, 1)) is not None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
