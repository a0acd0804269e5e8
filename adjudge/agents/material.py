"""How a case reads in a prompt: everything from outside is fenced; what is common to all calls comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adjudge.agents.budget import pieces, tokens_of
from adjudge.fences import fence
from adjudge.run.ledger import render
from adjudge.types import Block, Case, Criterion, Evidence, Process, Step, StepOutput, letter
from adjudge.types.messages import images_of
from adjudge.types.steps import EMPTY


def task(case: Case) -> str:
    """The task with everything that all responses share: reference, rubric, culture, trajectory, documents."""
    parts = [fence("task", case.question)]
    if case.culture:
        parts.append(f"The people concerned belong to this culture:\n{fence('culture', case.culture)}")
    if case.reference is not None:
        parts.append(f"A reference answer that is known to be right:\n{fence('reference', case.reference)}")
    if isinstance(case.rubric, str):
        parts.append(f"What to look for:\n{fence('rubric', case.rubric)}")
    if case.trajectory is not None:
        parts.append(f"The steps so far, counted from 0:\n{fence('trajectory', case.trajectory.render())}")
    if case.documents:
        listed = "\n".join(f"{document.id}: {document.title}" for document in case.documents)
        parts.append(f"Documents that belong to the task:\n{fence('documents', listed)}")
    return "\n\n".join(parts)


def with_images(text: str, case: Case) -> str | list[Block]:
    """A user message's content: the text, followed by the images of the case's prompt, if there are any."""
    if isinstance(case.prompt, str):
        return text
    images = list(images_of(case.prompt))
    return [{"type": "text", "text": text}, *images] if images else text


def responses(case: Case, order: Sequence[int]) -> str:
    """The responses in the order under test, lettered as shown: the first shown is always A."""
    if len(order) == 1:
        return fence("response", case.responses[order[0]].render())
    shown = (fence(f"response {letter(place)}", case.responses[index].render()) for place, index in enumerate(order))
    return "\n\n".join(shown)


def candidates(case: Case, order: Sequence[int]) -> str:
    """The candidate steps in the order under test, lettered as shown, each as it stood before it ran."""
    shown = (candidate(case.candidates[index], f"step {letter(place)}") for place, index in enumerate(order))
    return "\n\n".join(shown)


def candidate(proposed: Step, label: str) -> str:
    """A step that has not run yet: what came back of it, should that be known, is not shown."""
    return fence(label, proposed.unexecuted().render() or EMPTY)


def unlettered(case: Case) -> str:
    """What is judged as the gatherer sees it: numbered, so that no letter is tied to one of them."""
    told = [response.render() for response in case.responses]
    told = told or [proposed.unexecuted().render() or EMPTY for proposed in case.candidates]
    return "\n\n".join(fence(f"response no. {number}", text) for number, text in enumerate(told, 1))


def criteria_of(case: Case) -> tuple[Criterion, ...]:
    """The weighted criteria of the case's rubric; none when it is free text or absent."""
    return case.rubric if isinstance(case.rubric, tuple) else ()


def criteria(items: Iterable[Criterion]) -> str:
    """Criteria as a list, names and descriptions fenced: a rubric may come from outside too."""
    return fence(
        "criteria", "\n".join(f"- {c.name}: {c.description}" if c.description else f"- {c.name}" for c in items)
    )


def evidence(items: Iterable[Evidence], most: int | None = None) -> str:
    """Evidence items, or a sentence that there are none.

    Args:
        items: In the order in which they are shown.
        most: Tokens that they may take; whatever does not fit is left out, and that it was is said.
    """
    shown: list[str] = []
    left = most
    skipped = 0
    for item in items:
        text = render(item)
        if left is not None:
            if tokens_of(text) > left:
                skipped += 1
                continue
            left -= tokens_of(text)
        shown.append(text)
    if skipped:
        shown.append(f"({skipped} more items are not shown here.)")
    return "\n\n".join(shown) or "No evidence was found."


def outputs(items: Sequence[StepOutput], only: Sequence[int] = ()) -> str:
    """Results of steps, each under its number.

    Args:
        items: In the order of the steps.
        only: Numbers of the steps that are wanted; all, where none is named.
    """
    wanted = [item for item in items if not only or item.step in only]
    return "\n\n".join(_output(item) for item in wanted)


def _output(item: StepOutput) -> str:
    if not item.output:
        return f"Step {item.step} has no result:\n{fence('reason', item.failed)}"
    shown = fence(f"result of step {item.step}", item.output)
    return f"{shown}\n(Not one tool call of this step succeeded.)" if item.tools_failed else shown


def mistakes(process: Process) -> str:
    """What was found wrong so far, with what it was found in; how to mend it nobody says."""
    shown = []
    for number, item in enumerate(process.rounds, 1):
        place = item.flag.step
        if item.flag.kind == "plan":
            parts = [f"The plan was:\n{item.plan.render()}", f"It went wrong in step {place}: {item.flag.mistake}"]
        else:
            result = next((output.output for output in item.outputs if output.step == place), "")
            parts = [f"Step {place} was carried out wrongly: {item.plan.steps[place].goal}"]
            parts += [f"Its result was: {result}" if result else "It had no result.", f"Mistake: {item.flag.mistake}"]
        shown.append(fence(f"mistake no. {number}", "\n".join(parts)))
    return "Mistakes that were made before:\n\n" + "\n\n".join(shown)


def process(done: Process) -> str:
    """A process as whoever answers sees it: the plan that was followed, its results, and the mistakes on the way."""
    parts = [fence("plan", done.plan.render())] if done.plan is not None else []
    parts.append(outputs(done.outputs))
    if done.rounds:
        parts.append(mistakes(done))
    if done.checked == "capped":
        parts.append("The last of these mistakes was not mended: no correction was left.")
    return "\n\n".join(part for part in parts if part)


def step(judged: Step, most: int) -> str:
    """A step as it stood before it ran.

    Args:
        judged: The step.
        most: Tokens of it that are shown.
    """
    return fence("current step", _cut(judged.unexecuted().render() or EMPTY, most))


def result(done: Step, most: int) -> str:
    """What came back from the step before.

    Args:
        done: That step.
        most: Tokens of the result that are shown.
    """
    if done.observation is None:
        return "The last step has no result."
    return fence("result of the last step", _cut(done.observation, most))


def _cut(text: str, most: int) -> str:
    """The beginning of a text, and that there is more."""
    if tokens_of(text) <= most:
        return text
    return f"{pieces(text, most)[0]}\n(The rest is left out.)"
