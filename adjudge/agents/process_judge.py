"""The judge of a process: is the plan at fault, or how it was carried out? It names the step and never mends it.

After MACT (Algorithm 1, judgement): `J = (flag_plan, flag_execution, M)`. A flag on the plan goes before one on the
execution; after `corrections` of them the process goes on as it is, and says so. `min_thinking_tokens` is its test-time
scaling (budget forcing). It reads text only, and as published only question, plan and results, where a misread number
cannot be told. `evidence: cited` (ours) shows it what the results say they rest on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from adjudge.agents import material
from adjudge.agents.asking import ask
from adjudge.agents.form import Unreadable, names_in, text_at
from adjudge.agents.prompts import prompt
from adjudge.agents.thinking import MOST_ROUNDS, think
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.fences import fence
from adjudge.run import Run
from adjudge.types import Checked, Evidence, Flag, Plan, Process, Round, StepOutput, Unscored
from adjudge.types.messages import system, user

_KEYS = ("plan_at_fault", "execution_at_fault", "step", "mistake")
_MOST_MISTAKE = 2000  # characters kept of a description
_NAME = re.compile(r"E[0-9]+")
_CHECK = (
    "The items of evidence that the results name. Look up there whether a result is what the items that it names say; "
    "they may be wrong or beside the point themselves."
)


def _as_published(evidence: str) -> bool:
    return evidence == "none"


class ProcessJudgeSettings(NodeSettings):
    """A node that judges plan and execution."""

    corrections: int = Field(default=3, ge=0, le=100, description="Flags that are acted on, of both kinds together.")
    min_thinking_tokens: int = Field(default=0, ge=0, description="Thinking before the flags; 0: as much as it likes.")
    evidence: Literal["none", "cited"] = Field(
        default="none",
        description="What of the evidence it is shown: none, as published; or the items that the results name.",
        exclude_if=_as_published,  # judges from before there was this setting keep their fingerprint
    )
    repair: int = Field(default=2, ge=0, le=10, description="Times an unreadable reply is sent back.")
    instructions: str = Field(default="", description="Your own words on what is a mistake, added to the prompt.")


def process_judge(settings: ProcessJudgeSettings, setting: Setting) -> Agent:
    """The agent.

    It reports `plan_flagged`, `execution_flagged`, `done` (accepted, or no correction is left), or `failed` where its
    replies cannot be read.
    """

    async def act(work: Work, run: Run) -> Report:
        process = work.process
        if process is None or process.plan is None:
            return Report("failed", outcome=Unscored(reason="parse_failure", detail="there is no process to check"))
        flag = await _flag(work, run, settings, setting, process, process.plan)
        report = _report(process, process.plan, flag, settings.corrections)
        ended = report.process.checked if report.process is not None else ""
        run.emit(Checked(work.node, flag if isinstance(flag, Flag) else None, ended))
        return report

    return act


def _report(process: Process, plan: Plan, flag: Flag | str | None, corrections: int) -> Report:
    if isinstance(flag, str):
        outcome = Unscored(reason="parse_failure", detail=f"the check of the process cannot be read: {flag}")
        return Report("failed", outcome=outcome, process=process.model_copy(update={"checked": "unreadable"}))
    if flag is None:
        return Report(process=process.model_copy(update={"checked": "accepted"}))
    rounds = (*process.rounds, Round(plan=plan, outputs=process.outputs, flag=flag))
    if len(process.rounds) >= corrections:
        return Report(process=process.model_copy(update={"rounds": rounds, "checked": "capped"}))
    status = "plan_flagged" if flag.kind == "plan" else "execution_flagged"
    return Report(status, process=process.model_copy(update={"rounds": rounds}))


async def _flag(
    work: Work, run: Run, settings: ProcessJudgeSettings, setting: Setting, process: Process, plan: Plan
) -> Flag | str | None:
    """The flag, None where nothing is at fault, or why the reply cannot be read."""
    parts = [
        material.task(work.case),
        fence("plan", plan.render()),
        material.outputs(process.outputs),
        _cited(process.outputs, run.evidence, setting.budget) if settings.evidence == "cited" else "",
        settings.instructions,
    ]
    messages = [system(prompt("process_judge")), user("\n\n".join(part for part in parts if part))]
    at = work.at(turn=0)
    if settings.min_thinking_tokens:
        messages = await think(run, at, setting.model, messages, setting.sampling, settings.min_thinking_tokens)
    last = len(plan.steps) - 1
    asked = (
        "Reply with one JSON object and nothing else. Its keys:\n"
        '- "plan_at_fault": true if the plan itself cannot lead to a right answer;\n'
        '- "execution_at_fault": true if a step was carried out wrongly;\n'
        f'- "step": the number of the first faulty step, from 0 to {last}; null when nothing is at fault;\n'
        '- "mistake": what is wrong with it, without saying how to mend it; empty when nothing is.'
    )
    sampling = {**setting.sampling, "json_schema": setting.enforced(_schema(last))}

    def read(found: dict[str, Any]) -> Flag | None:
        return _read(found, last)

    messages = [*messages, user(asked)]
    return await ask(
        run, work.at(turn=MOST_ROUNDS), setting.model, messages, sampling, read, set(_KEYS), settings.repair
    )


def _cited(outputs: Sequence[StepOutput], known: Mapping[str, Evidence], budget: int | None) -> str:
    """The items of evidence that results name, each once, in the order of the steps.

    Args:
        outputs: Results of steps.
        known: All evidence of the judgement, by name.
        budget: Tokens of the summarizer, where there is one; half of it is for evidence, as everywhere.
    """
    named = list(dict.fromkeys(name for item in outputs for name in names_in([item.output]) if _NAME.fullmatch(name)))
    items = [known[name] for name in named if name in known]
    if missing := [name for name in named if name not in known]:
        told = f"The results name items that do not exist:\n{fence('names of no item', ', '.join(missing))}"
    else:
        told = "" if items else "The results name no item of evidence."
    shown = material.evidence(items, None if budget is None else budget // 2) if items else ""
    return "\n\n".join(part for part in (_CHECK if items else "", shown, told) if part)


def _schema(last: int) -> dict[str, Any]:
    properties = {
        "plan_at_fault": {"type": "boolean"},
        "execution_at_fault": {"type": "boolean"},
        "step": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": last}, {"type": "null"}]},
        "mistake": {"type": "string"},
    }
    return {"type": "object", "properties": properties, "required": list(_KEYS), "additionalProperties": False}


def _read(found: dict[str, Any], last: int) -> Flag | None:
    """A flag; of two the one on the plan, which has priority. What contradicts itself cannot be read."""
    plan, execution, step, mistake = (found[key] for key in _KEYS)
    for key, value in (("plan_at_fault", plan), ("execution_at_fault", execution)):
        if not isinstance(value, bool):
            raise Unreadable(f"{key} must be true or false")
    told = text_at("" if mistake is None else mistake, "mistake").strip()
    if not plan and not execution:
        if step is not None and told:
            raise Unreadable(f"nothing is at fault, and still step {json.dumps(step)[:40]} and a mistake are named")
        return None
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= last:
        raise Unreadable(f"step must be the number of a step, from 0 to {last}, found {json.dumps(step)[:40]}")
    if not told:
        raise Unreadable("mistake must say what is wrong with the step")
    return Flag(kind="plan" if plan else "execution", step=step, mistake=told[:_MOST_MISTAKE])


PROCESS_JUDGE = AgentKind(
    ProcessJudgeSettings, process_judge, frozenset({"done", "plan_flagged", "execution_flagged", "failed"})
)
