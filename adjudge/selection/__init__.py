"""Selection: the best of n responses, the best next step, and the preference pairs that are worth training on.

selected = select(judge, "Who wrote Middlemarch?", generate, n=8)
result = guide(agent, Judge.load("information_gain"), n=4)("Who wrote Middlemarch?")
for item in Selection(judge, read_pairs(["pairs.jsonl"]), Rule(min_confidence=0.7)): ...
"""

from adjudge.selection.best_of import Failure, Selected, aselect, select
from adjudge.selection.candidates import Candidates, candidates_of
from adjudge.selection.guide import guide
from adjudge.selection.guided_model import GuidedModel
from adjudge.selection.preferences import Selection
from adjudge.selection.reading import read_pairs
from adjudge.selection.rule import Dropped, Preference, Rule

__all__ = [
    "Candidates",
    "Dropped",
    "Failure",
    "GuidedModel",
    "Preference",
    "Rule",
    "Selected",
    "Selection",
    "aselect",
    "candidates_of",
    "guide",
    "read_pairs",
    "select",
]
