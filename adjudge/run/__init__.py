"""Run: the one door through which every model call and tool call of a judgement goes."""

from adjudge.run.ledger import Ledger
from adjudge.run.limits import Limits
from adjudge.run.recorder import Recorder, Sequence
from adjudge.run.run import Run
from adjudge.run.spent import Spent, furthest

__all__ = ["Ledger", "Limits", "Recorder", "Run", "Sequence", "Spent", "furthest"]
