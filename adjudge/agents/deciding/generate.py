"""`generate`: the model writes its verdict as JSON.

A reply that cannot be read is sent back with the reason, up to `repair` times; then the outcome is
`Unscored(parse_failure)`. A citation of evidence that does not exist is counted and sent back once; if it comes again,
it is dropped.
"""

from __future__ import annotations

from adjudge.agents.deciding.question import Question
from adjudge.agents.form import Unreadable, explain, written
from adjudge.agents.prompts import fill, prompt
from adjudge.agents.work import Report
from adjudge.fences import fence
from adjudge.types import Message, Unscored, Verdict
from adjudge.types.messages import user


async def generate(question: Question, repair: int) -> Report:
    """Ask for a verdict in JSON.

    Args:
        question: What to decide.
        repair: How often an unreadable reply is sent back.
    """
    work, run, form = question.work, question.run, question.form
    sampling = question.sampling(json_schema=question.setting.enforced(form.schema))
    messages = question.messages(form.instruction)
    own: list[Message] = list(messages[len(work.thread) :])
    best: Verdict | None = None  # readable, but for a citation that does not exist
    problem, unreadable, attempt = "", 0, 0
    while unreadable <= repair:
        choice = await question.ask(attempt, messages, sampling)
        own.append(choice.message)
        try:
            verdict = form.read(written(choice))
        except Unreadable as error:
            problem = explain(error, choice)
            unreadable += 1
            if best is not None:
                break
        else:
            unknown = [name for name in verdict.citations if name not in run.evidence]
            run.meter.dropped_citations += len(unknown)
            kept = tuple(name for name in verdict.citations if name in run.evidence)
            again = best is not None
            best = verdict.model_copy(update={"citations": kept})
            if not unknown or again:
                return Report(messages=tuple(own), outcome=best)
            problem = _missing(unknown, list(run.evidence))
        if unreadable > repair:
            break
        asked = user(fill(prompt("repair"), problem=fence("problem", problem)))  # it quotes what the model copied
        messages = [*messages, choice.message, asked]
        own.append(asked)
        run.meter.repairs += 1
        attempt += 1
    if best is not None:
        return Report(messages=tuple(own), outcome=best)
    return Report("failed", tuple(own), Unscored(reason="parse_failure", detail=problem))


def _missing(unknown: list[str], known: list[str]) -> str:
    there = ", ".join(known) if known else "no evidence at all, so the list must be empty"
    return f"citations name evidence that does not exist ({', '.join(unknown)[:200]}); there is: {there}"
