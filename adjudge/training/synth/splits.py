"""Documents into train, dev and test, so that no document, title or near copy stands in two of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from adjudge.training.synth.document import Document

Split = Literal["train", "dev", "test"]
SHARES: tuple[tuple[Split, float], ...] = (("dev", 0.08), ("test", 0.20))  # upper bounds of a number in [0, 1)


def split_documents(groups: Mapping[str, str], *, seed: int = 0, held_out: Collection[str] = ()) -> dict[str, Split]:
    """The split of each document, by its id.

    Args:
        groups: The group of each document, from `groups_of`.
        seed: Of the draw.
        held_out: Ids that belong into test, together with whatever is grouped with them.
    """
    test = {groups[name] for name in held_out if name in groups}
    return {name: "test" if group in test else _drawn(group, seed) for name, group in groups.items()}


def groups_of(documents: Sequence[Document]) -> dict[str, str]:
    """The name of each document's group: same title, or thirteen words in a row, join two documents."""
    parent = list(range(len(documents)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[str, int] = {}
    for number, document in enumerate(documents):
        for key in _keys(document):
            one, other = root(number), root(first.setdefault(key, number))
            parent[max(one, other)] = min(one, other)  # the first document names the group, in whatever order it grew
    return {document.id: documents[root(number)].id for number, document in enumerate(documents)}


def _keys(document: Document) -> set[str]:
    words = re.findall(r"\w+", document.body.lower())
    keys = (
        {" ".join(words[start : start + 13]) for start in range(0, max(1, len(words) - 12))}
        if len(words) >= 13
        else {" ".join(words)}
    )
    title = " ".join(re.findall(r"\w+", document.title.lower()))
    return {"=" + title, *keys} if title else keys


def _drawn(group: str, seed: int) -> Split:
    number = int.from_bytes(hashlib.sha256(f"{seed}/{group}".encode()).digest()[:6]) / 256**6
    return next((name for name, bound in SHARES if number < bound), "train")
