"""The shipped graph `four_agents`, and what is left of it without its judge."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from adjudge import Judge
from adjudge.agents import Scorer
from adjudge.graphs.library import find
from adjudge.models import ChatModel
from adjudge.tools.documents import read_document


def judge(
    team: ChatModel,
    checker: ChatModel | None = None,
    *,
    seed: int = 0,
    corrections: int = 3,
    plan: dict[str, Any] | None = None,
    execute: dict[str, Any] | None = None,
    check: dict[str, Any] | None = None,
    scorer: Scorer | None = None,
    root: Path | None = None,
) -> Judge:
    """The graph with these models.

    Args:
        team: Plans, carries out and answers.
        checker: Checks; None: nobody does, and what was carried out first is answered.
        seed: Of all calls.
        corrections: Most of them; 3 as shipped.
        plan: Further settings of the planner.
        execute: Further settings of the executor.
        check: Further settings of the judge of the process, where there is one.
        scorer: Scores candidates for the executor, under the name `scorer`.
        root: Folder of the documents that are files.
    """
    spec = copy.deepcopy(find("four_agents")[0].data)
    warm = {"temperature": 1.0}  # samples have to differ
    spec |= {"models": {"default": warm}, "seed": seed}
    spec["limits"] |= {"model_calls": 1000, "tool_calls": 500}  # no arm is to end for want of calls
    spec["nodes"]["plan"] |= plan or {}
    spec["nodes"]["execute"] |= execute or {}
    models = {"default": team}
    if checker is None:
        del spec["nodes"]["check"], spec["edges"]["check"]
        spec["edges"]["execute"] = "answer"
    else:
        spec["models"]["checker"] = warm
        spec["nodes"]["check"] |= {"model": "checker", "corrections": corrections, **(check or {})}
        spec["limits"] |= {"visits": corrections + 2}
        models["checker"] = checker
    tools = {} if root is None else {"documents": read_document(root, name="documents")}
    return Judge(spec, models=models, tools=tools, scorers={} if scorer is None else {"scorer": scorer})
