"""adjudge: judges that check before they score.

    from adjudge import Case, Judge

    judge = Judge.load("evidence", corpus="corpus.jsonl")
    result = judge(Case(prompt="Who wrote Middlemarch?", responses=["George Eliot", "Jane Austen"]))
    print(result.outcome, result.evidence)

Importing this package loads no torch, transformers, langgraph or langchain: names come when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from adjudge.agents import Report, Work
    from adjudge.cases import case_of_messages, read_cases, read_trajectories
    from adjudge.errors import (
        AdjudgeError,
        CaseError,
        ConfigError,
        JournalError,
        LimitExceeded,
        MissingPackage,
        ModelError,
        ToolError,
    )
    from adjudge.graphs import GraphSpec, State
    from adjudge.journal import Journal
    from adjudge.judge import Judge
    from adjudge.models import ChatModel, ScriptedModel, open_model, to_langchain
    from adjudge.run import Run
    from adjudge.selection import GuidedModel, aselect, guide, select
    from adjudge.tools import Tool, ToolContext, corpus_search, tool
    from adjudge.types import (
        Answer,
        Case,
        Criterion,
        Document,
        Evidence,
        JudgeResult,
        Message,
        Ranking,
        RankResult,
        Response,
        Scale,
        Step,
        Trajectory,
        Unscored,
        Usage,
        Verdict,
        Vote,
    )

_HOMES = {
    "adjudge.agents": ("Report", "Work"),
    "adjudge.cases": ("case_of_messages", "read_cases", "read_trajectories"),
    "adjudge.errors": (
        "AdjudgeError",
        "CaseError",
        "ConfigError",
        "JournalError",
        "LimitExceeded",
        "MissingPackage",
        "ModelError",
        "ToolError",
    ),
    "adjudge.graphs": ("GraphSpec", "State"),
    "adjudge.journal": ("Journal",),
    "adjudge.judge": ("Judge",),
    "adjudge.models": ("ChatModel", "ScriptedModel", "open_model", "to_langchain"),
    "adjudge.run": ("Run",),
    "adjudge.selection": ("GuidedModel", "aselect", "guide", "select"),
    "adjudge.tools": ("Tool", "ToolContext", "corpus_search", "tool"),
    "adjudge.types": (
        "Answer",
        "Case",
        "Criterion",
        "Document",
        "Evidence",
        "JudgeResult",
        "Message",
        "RankResult",
        "Ranking",
        "Response",
        "Scale",
        "Step",
        "Trajectory",
        "Unscored",
        "Usage",
        "Verdict",
        "Vote",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AdjudgeError",
    "Answer",
    "Case",
    "CaseError",
    "ChatModel",
    "ConfigError",
    "Criterion",
    "Document",
    "Evidence",
    "GraphSpec",
    "GuidedModel",
    "Journal",
    "JournalError",
    "Judge",
    "JudgeResult",
    "LimitExceeded",
    "Message",
    "MissingPackage",
    "ModelError",
    "RankResult",
    "Ranking",
    "Report",
    "Response",
    "Run",
    "Scale",
    "ScriptedModel",
    "State",
    "Step",
    "Tool",
    "ToolContext",
    "ToolError",
    "Trajectory",
    "Unscored",
    "Usage",
    "Verdict",
    "Vote",
    "Work",
    "aselect",
    "case_of_messages",
    "corpus_search",
    "guide",
    "open_model",
    "read_cases",
    "read_trajectories",
    "select",
    "to_langchain",
    "tool",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'adjudge' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
