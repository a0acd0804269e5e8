"""Graphs: from a judge file to a compiled LangGraph."""

from adjudge.graphs.build import build, only_node
from adjudge.graphs.check import check, nowhere
from adjudge.graphs.cut import Cut, cut
from adjudge.graphs.entry import Member
from adjudge.graphs.merge import merge
from adjudge.graphs.orders import Forks
from adjudge.graphs.spec import END, START, CustomSettings, GraphSpec
from adjudge.graphs.state import Cast, State

__all__ = [
    "END",
    "START",
    "Cast",
    "CustomSettings",
    "Cut",
    "Forks",
    "GraphSpec",
    "Member",
    "State",
    "build",
    "check",
    "cut",
    "merge",
    "nowhere",
    "only_node",
]
