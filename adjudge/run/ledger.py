"""The ledger of evidence: what was found in one judgement, under the names it is shown with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from adjudge.fences import fence
from adjudge.types import Evidence


class Ledger(Mapping[str, Evidence]):
    """Evidence by shown name (E1, E2, …). The same content found twice keeps its first name."""

    def __init__(self) -> None:
        self._items: dict[str, Evidence] = {}
        self._names: dict[str, str] = {}  # digest -> name

    def __getitem__(self, name: str) -> Evidence:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def admit(self, found: Iterable[Evidence]) -> list[Evidence]:
        """Name what was found, in the order given."""
        named = []
        for item in found:
            digest = item.digest
            if digest not in self._names:
                name = f"E{len(self._items) + 1}"
                self._names[digest] = name
                self._items[name] = item.model_copy(update={"name": name})
            named.append(self._items[self._names[digest]])
        return named

    def digests(self) -> list[str]:
        """Identities of all items, by number."""
        return list(self._names)

    def ordered(self) -> tuple[Evidence, ...]:
        """All items by number."""
        return tuple(self._items.values())


def render(item: Evidence) -> str:
    """One item as fenced text for a prompt; title and source come from outside, so they stand inside the fence."""
    head = " — ".join(part for part in (item.title, item.source) if part)
    return fence(f"evidence {item.name}", f"{head}\n{item.excerpt}" if head else item.excerpt)
