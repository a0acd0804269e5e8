"""Selection: the best of n responses, and the preference pairs that are worth training on (OpenRM's second half).

selected = select(judge, "Who wrote Middlemarch?", generate, n=8)
for item in Selection(judge, read_pairs(["pairs.jsonl"]), Rule(min_confidence=0.7)): ...
"""

from adjudge.selection.best_of import Failure, Selected, aselect, select
from adjudge.selection.candidates import Candidates, candidates_of
from adjudge.selection.preferences import Selection
from adjudge.selection.reading import read_pairs
from adjudge.selection.rule import Dropped, Preference, Rule

__all__ = [
    "Candidates",
    "Dropped",
    "Failure",
    "Preference",
    "Rule",
    "Selected",
    "Selection",
    "aselect",
    "candidates_of",
    "read_pairs",
    "select",
]
