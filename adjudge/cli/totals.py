"""What came of all cases: the table and the sums at the end, and the exit code."""

from __future__ import annotations

import shlex
import time
from collections import Counter

from adjudge.cli.screen import Screen
from adjudge.cli.steps import judges_steps
from adjudge.cli.verdicts import citations, cost, headline
from adjudge.types import JudgeResult, Unscored, Usage

MOST_ROWS = 100  # of the table; more would push the sums off any screen


class Totals:
    """Counts as the results come in.

    Args:
        run: The run as other commands take it; None when it is not kept.
    """

    def __init__(self, run: str | None) -> None:
        self.run = run
        self.judged = 0
        self.unscored: Counter[str] = Counter()
        self.bad = 0
        self.recorded = 0
        self.known = 0
        self.usage = Usage()
        self._rows: list[tuple[str, str, str]] = []
        self._begun = time.monotonic()

    @property
    def code(self) -> int:
        """The exit code."""
        return 2 if self.bad else 1 if self.unscored else 0

    def add(self, result: JudgeResult, recorded: int, known: int) -> None:
        """Count a result.

        Args:
            result: The result.
            recorded: How many calls have come from the journal so far.
            known: How many whole results have.
        """
        self.recorded, self.known = recorded, known
        self.usage += result.usage
        if isinstance(result.outcome, Unscored):
            self.unscored[result.outcome.reason] += 1
        else:
            self.judged += 1
        if len(self._rows) < MOST_ROWS:
            told = headline(result.outcome, of_steps=judges_steps(result))
            self._rows.append((result.id, told, ", ".join(citations(result.outcome))))

    def add_bad(self, screen: Screen, outcome: Unscored) -> None:
        """Count and report a row that is no case, or a case that does not fit the judge."""
        self.bad += 1
        screen.error(outcome.detail)

    def show(self, screen: Screen, *, brief: bool) -> None:
        """The table and the sums; without the table when brief."""
        total = self.judged + sum(self.unscored.values())
        if self._rows and not brief:
            columns = 3 if any(cited for _, _, cited in self._rows) else 2  # a judge of one letter cites nothing
            screen.table(("case", "verdict", "cites")[:columns], [row[:columns] for row in self._rows])
            if total > MOST_ROWS:
                screen.line(f"… and {total - MOST_ROWS} more")
        screen.line((self._counts(), "bold"))
        again = f", {self.recorded} calls came from the journal" if self.recorded else ""
        again += f", {self.known} cases were judged before" if self.known else ""
        screen.line(f"cost: {cost(self.usage)}; {time.monotonic() - self._begun:.1f} s on the clock{again}")
        if self.run is not None and total:
            run = shlex.quote(self.run)
            screen.line(f"kept in {run}   read again: adjudge show {run}   judge again: adjudge replay {run}")

    def show_interrupted(self, screen: Screen) -> None:
        """What an interrupted run leaves."""
        screen.note(("interrupted. ", "bold"), self._counts())
        if self.run is None:
            screen.note("Nothing was kept (--run none), so it has to be judged again from the beginning.")
        else:
            run = shlex.quote(self.run)
            screen.note(f"Finished calls are kept. To go on, give the same command with: --run {run}")

    def _counts(self) -> str:
        parts = [f"{self.judged} judged"]
        if self.unscored:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in self.unscored.most_common())
            parts.append(f"{sum(self.unscored.values())} unscored ({reasons})")
        if self.bad:
            parts.append(f"{self.bad} bad row{'s' * (self.bad != 1)}")
        return ", ".join(parts)
