"""In which orders, and how often, the responses of a case are shown to a judge."""

from __future__ import annotations

import random
from typing import NamedTuple

from adjudge.types import Case, Mode, Position


class Forks(NamedTuple):
    """How the work of one judge node is forked."""

    node: str
    mode: Mode
    both: bool
    samples: int
    seed: int
    shuffled: bool = True  # whether a single order is drawn; a method that no order can sway keeps the case's own

    @property
    def single(self) -> bool:
        """Whether there is exactly one vote."""
        return not self.both and self.samples == 1

    def of(self, case: Case) -> list[tuple[tuple[int, ...], int]]:
        """Order and sample of each vote; orders hold 0-based indices of what is judged.

        With `orders: one` the order is drawn from the case's id and the graph's seed: never left to chance, never
        always the same. With `both` it is the case's own order and the reverse, with `given` its own alone.
        """
        own = tuple(range(len(case.candidates if self.mode == "step" else case.responses)))
        if self.both:
            orders = list(dict.fromkeys([own, own[::-1]]))  # of a single step, or none, there is one order
        elif self.shuffled:
            drawn = list(own)
            random.Random(Position(case.id, self.node).seed(self.seed)).shuffle(drawn)
            orders = [tuple(drawn)]
        else:
            orders = [own]
        return [(order, sample) for order in orders for sample in range(self.samples)]
