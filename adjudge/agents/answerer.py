"""The answerer: answers a task from what was gathered, and cites it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from adjudge.agents import material
from adjudge.agents.form import Unreadable, explain, last_object, names_in, written
from adjudge.agents.prompts import fill, prompt
from adjudge.agents.work import Agent, AgentKind, NodeSettings, Report, Setting, Work
from adjudge.fences import fence
from adjudge.models import Sampling
from adjudge.run import Run
from adjudge.types import Answer, Evidence, Message, Unscored
from adjudge.types.messages import system, user

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "citations": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["answer", "citations"],
    "additionalProperties": False,
}
INSTRUCTION = (
    'Reply with one JSON object and nothing else. Its keys:\n- "answer": your answer;\n'
    '- "citations": a list of the names of the items relied on; empty without evidence.'
)


class AnswererSettings(NodeSettings):
    """An answerer node."""

    thread: str = "fresh"
    repair: int = Field(default=2, ge=0, le=10)
    instructions: str = ""


def answerer(settings: AnswererSettings, setting: Setting) -> Agent:
    """The answerer as an agent."""

    async def act(work: Work, run: Run) -> Report:
        opening = _opening(work, run, settings.instructions, setting.budget)
        messages: list[Message] = [*work.thread, *opening]
        problem = ""
        for attempt in range(settings.repair + 1):
            sampling = Sampling(**setting.sampling, json_schema=setting.enforced(SCHEMA))
            reply = await run.chat(work.at(attempt=attempt), setting.model, messages, sampling=sampling)
            choice = reply.choices[0]
            messages.append(choice.message)
            try:
                answer = _read(written(choice))
            except Unreadable as error:
                problem = explain(error, choice)
                if attempt < settings.repair:
                    run.meter.repairs += 1
                    messages.append(user(fill(prompt("repair"), problem=fence("problem", problem))))
                continue
            kept = tuple(name for name in answer.citations if name in run.evidence)
            run.meter.dropped_citations += len(answer.citations) - len(kept)
            own = tuple(messages[len(work.thread) :])
            return Report("done", own, answer.model_copy(update={"citations": kept}))
        own = tuple(messages[len(work.thread) :])
        return Report("failed", own, Unscored(reason="parse_failure", detail=problem))

    return act


def _opening(work: Work, run: Run, instructions: str, budget: int | None) -> list[Message]:
    if work.thread:
        text = "\n\n".join(part for part in (prompt("answerer"), instructions, INSTRUCTION) if part)
        return [user(text)]
    parts = [material.task(work.case)]
    if work.process is not None:
        parts.append(material.process(work.process))
    if run.evidence:
        parts.append(material.evidence(_relied_on(work, run), None if budget is None else budget // 2))
    text = "\n\n".join(part for part in (*parts, instructions, INSTRUCTION) if part)
    return [system(prompt("answerer")), user(material.with_images(text, work.case))]


def _relied_on(work: Work, run: Run) -> list[Evidence]:
    """All evidence; after a process, what its results name, where they name any: many steps may find very much."""
    items = list(run.evidence.values())
    results = [item.output for item in work.process.outputs] if work.process is not None else []
    named = set(names_in(results))
    return [item for item in items if item.name in named] or items


def _read(text: str) -> Answer:
    found = last_object(text, {"answer"})
    answer = found["answer"]
    if not isinstance(answer, str) or not answer.strip():
        raise Unreadable("answer must be text")
    citations = found.get("citations", [])
    if not isinstance(citations, list) or not all(isinstance(item, str) for item in citations):
        raise Unreadable("citations must be a list of names such as E1")
    return Answer(text=answer.encode("utf-8", "replace").decode(), citations=names_in(citations))


ANSWERER = AgentKind(AnswererSettings, answerer, frozenset({"done", "failed"}), decides=True)
