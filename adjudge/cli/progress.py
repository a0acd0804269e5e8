"""What happens during a judgement, as lines that appear one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable

from adjudge.cli.processes import ended, flag_line, plan_line, step_line
from adjudge.cli.screen import Screen, excerpt, one_line
from adjudge.cli.verdicts import evidence_line, headline
from adjudge.types import (
    Case,
    Checked,
    Event,
    EvidenceFound,
    LimitReached,
    ModelCalled,
    NodeStarted,
    Planned,
    StepDone,
    TextDelta,
    ToolCalled,
    Vote,
    VoteCast,
    letter,
)


class Progress:
    """Shows events, and counts what came from the journal.

    Args:
        screen: Where to.
        silent: Count only.
        prefixed: Begin each line with the case's id: several cases are judged side by side.
    """

    def __init__(self, screen: Screen, *, silent: bool, prefixed: bool) -> None:
        self.recorded = 0  # calls that came from the journal
        self._screen = screen
        self._silent = silent
        self._prefixed = prefixed

    def watch(self, case: Case) -> Callable[[Event], None]:
        """Begin a case; the function returned receives its events."""
        prefix = f"[{one_line(case.id)}] " if self._prefixed else ""
        if not self._silent:
            self._screen.line("")
            self._screen.line(("case ", "dim"), (one_line(case.id), "bold"), f"  {excerpt(case.question)}")

        def on_event(event: Event) -> None:
            self.recorded += isinstance(event, ModelCalled | ToolCalled) and event.recorded
            if not self._silent:
                self._show(event, prefix, case)

        return on_event

    def _show(self, event: Event, prefix: str, case: Case) -> None:
        match event:
            case NodeStarted():
                self._screen.busy(f"{prefix}{event.node} ({event.agent}) is at work")
            case TextDelta():
                self._screen.busy(f"{prefix}{event.at.node} writes")
            case ToolCalled():
                self._tool(event, prefix)
            case EvidenceFound():
                self._screen.line(prefix, *evidence_line(event.evidence), indent=4)
            case ModelCalled():
                order = f", order {event.at.order}" if event.at.order else ""
                told = f"{prefix}model {event.model}: {event.tokens_in:,} tokens in, {event.tokens_out:,} out"
                self._screen.line((f"{told} ({event.at.node}{order}){_from_journal(event.recorded)}", "dim"), indent=2)
            case LimitReached():
                self._screen.line(prefix, (f"limit {event.limit}: {event.detail}", "yellow"), indent=2)
            case Planned():
                drawn = f", chosen from {event.drawn}" if event.drawn > 1 else ""
                again = f", after flag {event.corrections}" if event.corrections else ""
                self._screen.line(prefix, (f"plan{again}{drawn}", "bold"), indent=2)
                for number, step in enumerate(event.plan.steps):
                    self._screen.line(prefix, *plan_line(number, step), indent=4)
            case StepDone():
                self._screen.line(prefix, *step_line(event.output), indent=2)
            case Checked():
                told = ended(event.ended) if event.ended else "flagged"
                self._screen.line(prefix, (f"check: {told}", "bold"), indent=2)
                if event.flag is not None:
                    self._screen.line(prefix, *flag_line(event.flag), indent=4)
            case VoteCast():
                self._screen.line(prefix, _vote(event.vote, case), indent=2)

    def _tool(self, event: ToolCalled, prefix: str) -> None:
        told = f"{prefix}{event.tool} {_argument(event.arguments)}{_from_journal(event.recorded)}"
        self._screen.line((told, "blue"), indent=2)
        if event.error is not None:
            self._screen.line(prefix, (f"failed: {excerpt(event.error)}", "yellow"), indent=4)


def _vote(vote: Vote, case: Case) -> str:
    """A vote with the order of what was compared; the steps of a trajectory have one order only."""
    order = "".join(map(letter, vote.order))
    told = headline(vote.outcome, of_steps=not order and case.trajectory is not None)
    return f"vote {order}: {told}" if order else f"vote: {told}"


def _argument(arguments: str) -> str:
    """The query of a search in quotes; any other arguments as they were written."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return excerpt(arguments)
    query = value.get("query") if isinstance(value, dict) else None
    return f'searches "{excerpt(query, 160)}"' if isinstance(query, str) else excerpt(arguments)


def _from_journal(recorded: bool) -> str:
    return " (from the journal)" if recorded else ""
