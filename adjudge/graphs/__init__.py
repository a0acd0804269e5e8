"""Graphs: from a judge file to a compiled LangGraph."""

from adjudge.graphs.build import Member, build, only_node
from adjudge.graphs.check import check, nowhere
from adjudge.graphs.merge import merge
from adjudge.graphs.orders import Forks
from adjudge.graphs.spec import END, START, CustomSettings, GraphSpec
from adjudge.graphs.state import Cast, State

__all__ = [
    "END",
    "START",
    "Cast",
    "CustomSettings",
    "Forks",
    "GraphSpec",
    "Member",
    "State",
    "build",
    "check",
    "merge",
    "nowhere",
    "only_node",
]
