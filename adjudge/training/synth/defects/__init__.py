"""The labelled defects: what makes the bad response of a pair wrong, one function each.

Each takes the material of one document and gives a draft with exactly one defect, or None where the document offers
no ground for it. Wrong values come from the same document or from passages that a search for the question returns, so
that overlap with the evidence does not tell which response is right.
"""

from adjudge.training.synth.defects.addition import addition
from adjudge.training.synth.defects.base import DEFECTS, Defect, Draft, Make, Material
from adjudge.training.synth.defects.negation import negation
from adjudge.training.synth.defects.omission import omission
from adjudge.training.synth.defects.swaps import attribution, date, entity, number

MAKERS: dict[str, Make] = {
    "entity": entity,
    "number": number,
    "date": date,
    "attribution": attribution,
    "negation": negation,
    "omission": omission,
    "addition": addition,
}

__all__ = ["DEFECTS", "MAKERS", "Defect", "Draft", "Make", "Material"]
