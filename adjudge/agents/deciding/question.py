"""The question that a judge node puts to its model, prepared once for all methods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from adjudge.agents import material
from adjudge.agents.form import Form, form_for
from adjudge.agents.principles import with_principles
from adjudge.agents.prompts import prompt
from adjudge.agents.work import Setting, Work
from adjudge.fences import fence
from adjudge.models import Choice, Sampling
from adjudge.run import Run
from adjudge.types import Criterion, Message, letter
from adjudge.types.messages import system, user

RESULT_TOKENS = 2000  # most of one result that a step is judged from; a summary holds what matters of the others


class Seen(NamedTuple):
    """What a step that is judged by itself is judged from: `full` history, the `last` steps, or the `summary`."""

    history: str
    last: int


class Question(NamedTuple):
    """One order and sample of a case, ready to be decided."""

    work: Work
    run: Run
    setting: Setting
    instructions: str  # the user's own words for this node
    principles: bool = False  # whether the judge first writes criteria of its own
    seen: Seen | None = None  # for steps that are judged by themselves
    brief: bool = False  # whether the prompt is the short one

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The weighted rubric, where the mode uses one."""
        return material.criteria_of(self.work.case) if self.setting.mode == "pointwise" else ()

    @property
    def prompt(self) -> str:
        """What a judge is told first."""
        return prompt("judge_brief" if self.brief else "judge")

    @property
    def form(self) -> Form:
        """The form that the verdict has to have."""
        case = self.work.case
        steps = len(case.trajectory.steps) if case.trajectory is not None and not case.candidates else 0
        subjects = 0 if self.setting.mode == "step" and steps else len(self.work.order)
        form = form_for(self.setting.mode, self.setting.scale, subjects, self.criteria, steps)
        return with_principles(form) if self.principles else form

    def sampling(self, **changes: Any) -> Sampling:
        """The model's sampling as the graph file sets it, with changes."""
        return Sampling(**{**self.setting.sampling, **changes})

    async def ask(self, attempt: int, messages: Sequence[Message], sampling: Sampling) -> Choice:
        """The model's reply to a conversation of `messages`.

        The tools that a continued thread was begun with stay in view, so that its prompt only ever grows (a server has
        it in its cache, and in training it is one sequence); none of them may be called any more.
        """
        tools = self.setting.thread_tools if self.work.thread else ()
        if tools:
            sampling = sampling._replace(tool_choice="none")
        at = self.work.at(attempt=attempt)
        reply = await self.run.chat(at, self.setting.model, messages, tools=tools, sampling=sampling)
        return reply.choices[0]

    def messages(self, instruction: str, subject: str | None = None) -> list[Message]:
        """The conversation up to the model's verdict.

        Args:
            instruction: What to reply, the last words of the prompt.
            subject: What is judged; all responses in the order shown by default.
        """
        case = self.work.case
        shown = self.subjects() if subject is None else subject
        parts = [shown]
        if self.criteria and subject is None:
            parts.append(f"Judge by these criteria:\n{material.criteria(self.criteria)}")
        parts += [self.instructions, instruction]
        if self.work.thread:
            last = "\n\n".join(part for part in (self.prompt, *parts) if part)
            return [*self.work.thread, user(last)]
        common = [material.task(case)]
        common += self._gathered()
        text = "\n\n".join(part for part in (*common, *parts) if part)
        return [system(self.prompt), user(material.with_images(text, case))]

    def of_step(self, place: int, instruction: str) -> list[Message]:
        """The conversation about one step, before its result is known.

        Args:
            place: 0-based, of a candidate, or of a step of the trajectory where there are no candidates.
            instruction: What to reply.
        """
        case = self.work.case
        steps = case.trajectory.steps if case.trajectory is not None else ()
        before = steps if case.candidates else steps[:place]
        judged = case.candidates[place] if case.candidates else steps[place]
        seen = self.seen or Seen("full", 0)
        parts = [material.task(case.model_copy(update={"trajectory": None})), *self._gathered()]
        if seen.history == "summary":
            made = self.work.summaries or case.summaries
            if before and len(made) >= len(before):
                parts.append(fence("summary of the steps so far", made[len(before) - 1]))
            if before:
                parts.append(material.result(before[-1], RESULT_TOKENS))
        elif before:
            shown = before if seen.history == "full" else before[-seen.last :]
            first = len(before) - len(shown)
            parts += [fence(f"step {number}", one.render(ran=True)) for number, one in enumerate(shown, first)]
        parts += [material.step(judged, RESULT_TOKENS), self.instructions, instruction]
        text = "\n\n".join(part for part in parts if part)
        return [system(self.prompt), user(material.with_images(text, case))]

    def _gathered(self) -> list[str]:
        """Notes and evidence for a fresh prompt; within half of the budget, where a summarizer sets one."""
        items, notes, budget = self.run.evidence, self.work.notes, self.setting.budget
        parts = [f"Notes of whoever gathered evidence:\n{fence('notes', notes)}"] if notes else []
        if items:
            ordered = sorted(items.values(), key=lambda item: not re.search(rf"\b{item.name}\b", notes))
            parts.append(material.evidence(ordered, None if budget is None else budget // 2))
        return parts

    def subjects(self) -> str:
        """What is judged, in the order shown; nothing where the steps of the trajectory are."""
        case, order = self.work.case, self.work.order
        if self.setting.mode == "step":
            return material.candidates(case, order) if case.candidates else ""
        return material.responses(case, order)

    def letters(self) -> list[str]:
        """The letters of what is judged, as shown."""
        return [letter(place) for place in range(len(self.work.order))]
