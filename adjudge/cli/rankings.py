"""Rankings of groups, as a person reads them and as they are kept."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TextIO

from adjudge.cli.screen import Screen, one_line
from adjudge.cli.verdicts import beginnings, cost
from adjudge.types import TIE, Case, Ranking, RankResult, Unscored, Usage, letter

FILE = "rankings.jsonl"


class Rankings:
    """Shows and keeps rankings as they come in.

    Args:
        screen: Where to show them.
        run: The folder in which they are kept; None keeps nothing.
        as_json: One JSON object a line instead of text.
    """

    def __init__(self, screen: Screen, run: Path | None, *, as_json: bool) -> None:
        self._screen = screen
        self._run = run
        self._as_json = as_json
        self._ranked = self._bad = self._comparisons = 0
        self._unscored: Counter[str] = Counter()
        self._usage = Usage()
        self._file: TextIO | None = None
        if run is not None:
            run.mkdir(parents=True, exist_ok=True)
            self._file = (run / FILE).open("w", encoding="utf-8")

    @property
    def code(self) -> int:
        """The exit code."""
        return 2 if self._bad else 1 if self._unscored else 0

    def add(self, row: object, result: RankResult | Exception) -> None:
        """One group, or what is wrong with it."""
        if isinstance(result, Exception):
            self._bad += 1
            self._screen.error(str(result))
            return
        self._usage += result.usage
        self._comparisons += len(result.comparisons)
        if isinstance(result.outcome, Unscored):
            self._unscored[result.outcome.reason] += 1
        else:
            self._ranked += 1
        if self._file is not None:
            self._file.write(json.dumps(result.to_dict()) + "\n")
            self._file.flush()
        if self._as_json:
            self._screen.data(result.to_dict())
        elif isinstance(row, Case):
            show_ranking(self._screen, result, row)

    def show_end(self) -> None:
        """The sums."""
        if self._file is not None:
            self._file.close()
        self._screen.line((self._counts(), "bold"))
        self._screen.line(f"cost: {cost(self._usage)}")
        if self._run is not None:
            self._screen.line(f"kept in {shlex.quote(str(self._run / FILE))}")

    def show_interrupted(self) -> None:
        """What an interrupted run leaves."""
        self._screen.note(("interrupted. ", "bold"), self._counts())
        if self._run is not None:
            run = shlex.quote(str(self._run))
            self._screen.note(f"Finished calls are kept. To go on, give the same command with: --run {run}")

    def _counts(self) -> str:
        parts = [f"{self._ranked} ranked in {self._comparisons} comparisons"]
        if self._unscored:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in self._unscored.most_common())
            parts.append(f"{self._unscored.total()} unscored ({reasons})")
        if self._bad:
            parts.append(f"{self._bad} bad row{'s' * (self._bad != 1)}")
        return ", ".join(parts)


def show_ranking(screen: Screen, result: RankResult, case: Case) -> None:
    """A group, best response first."""
    outcome = result.outcome
    if isinstance(outcome, Unscored):
        screen.line((f"{one_line(result.id)}: ", "bold"), (f"unscored ({outcome.reason})", "bold red"))
        screen.line(("because ", "dim"), one_line(outcome.detail), indent=2)
        return
    first = "tie" if outcome.winner == TIE else f"{outcome.winner} is best"
    sure = "" if outcome.confidence is None else f"   confidence {outcome.confidence:.2f}"
    screen.line((f"{one_line(result.id)}: ", "bold"), (first, "bold green"), sure)
    _responses(screen, outcome, case)
    stopped = f"   stopped: {result.stopped}" if result.stopped else ""
    screen.line(("compared", "dim"), f" {len(result.comparisons)} times{stopped}", indent=2)
    screen.line(("cost    ", "dim"), cost(result.usage), indent=2)


def _responses(screen: Screen, outcome: Ranking, case: Case) -> None:
    shown = beginnings(case)
    place_of = {letter(index): index for index in range(len(shown))}
    left = [name for name in place_of if name not in outcome.ranking]
    for name in (*outcome.ranking, *left):
        score = outcome.scores[place_of[name]]
        told = "  –  " if score is None else f"{score:5.2f}"
        compared = not case.responses or case.responses[place_of[name]].comparable
        why = "" if compared else "(incomplete) "
        screen.line((f"{name:<3}", "bold"), f"{told}  {why}", shown[place_of[name]], indent=2)
