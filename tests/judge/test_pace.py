"""How many judgements are in flight follows what the server can do."""

from __future__ import annotations

import pytest

from adjudge.judge.pace import FIRST, Pace


class Server:
    """Judgements with a fixed latency on a server that works at `slots` at a time and complains beyond `most`."""

    def __init__(self, slots: int, most: int | None = None) -> None:
        self.now = 0.0
        self.strain = 0
        self.slots = slots
        self.most = most
        self.pace = Pace(clock=lambda: self.now)

    def judge(self, rounds: int) -> int:
        """So many rounds in which all that may be in flight are; the limit at the end."""
        for _ in range(rounds):
            limit = self.pace.limit
            self.now += max(1.0, limit / self.slots)
            for number in range(limit):
                self.strain += self.most is not None and number >= self.most
                self.pace.finished(self.strain)
        return self.pace.limit


@pytest.mark.parametrize("slots", [1, 4, 20, 64, 200])
def test_it_grows_to_what_the_server_can_do_and_not_far_beyond(slots: int) -> None:
    reached = Server(slots).judge(60)
    assert min(slots, 256) * 0.5 <= reached <= max(3 * slots, 2 * FIRST)


@pytest.mark.parametrize("most", [1, 4, 20, 100])
def test_it_backs_off_from_a_server_that_complains_and_stays_near_what_it_takes(most: int) -> None:
    server = Server(1000, most)
    reached = [server.judge(1) for _ in range(200)][100:]
    assert max(reached) <= 2 * most + FIRST
    assert sum(reached) / len(reached) >= most * 0.4


def test_calls_in_flight_together_complain_once() -> None:
    pace = Pace(64)
    for strain in range(1, 65):
        pace.finished(strain)
    assert pace.limit == 32


def test_it_never_falls_below_one() -> None:
    pace = Pace(4)
    for strain in range(1, 200):
        pace.finished(strain)
    assert pace.limit == 1


def test_a_fixed_pace_stays() -> None:
    pace = Pace(7, adapt=False)
    for strain in range(100):
        pace.finished(strain)
    assert pace.limit == 7
