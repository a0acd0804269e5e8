"""What is judged: a case with its responses, and what a response may consist of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from adjudge.types.frozen import Frozen
from adjudge.types.messages import Message, text_of, tool_call
from adjudge.types.messages import assistant as assistant_message

NO_RESULT = "(no result was recorded)"


class Step(Frozen):
    """One step of an agent: what it thought, the tool it called, and what came back."""

    thought: str = ""
    tool: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    observation: str | None = None

    def unexecuted(self) -> Self:
        """The step as it stood before it ran: without what came back."""
        return self.model_copy(update={"observation": None})

    def render(self, *, ran: bool = False) -> str:
        """The step as plain text for a prompt.

        Args:
            ran: Whether it is known to have run: then it is said that a result is missing, or that it is empty.
        """
        lines = [self.thought] if self.thought else []
        if self.tool is not None:
            lines.append(f"Action: {self.tool}({json.dumps(self.arguments, ensure_ascii=False)})")
        if self.observation is not None:
            lines.append(f"Observation: {self.observation}")
        elif ran and self.tool is not None:
            lines.append(f"Observation: {NO_RESULT}")
        return "\n".join(lines) or ("(an empty message)" if ran else "")


class Trajectory(Frozen):
    """The steps of an agent, first to last."""

    steps: tuple[Step, ...]

    @classmethod
    def from_messages(cls, messages: Sequence[Message]) -> Self:
        """Import a conversation in OpenAI or TRL form: one step for each assistant message or tool call.

        System and user messages are left out. A tool reply is joined to its call by id, or by its place where there
        are no ids (TRL); a call without a reply keeps `observation` None.
        """
        steps: list[Step] = []
        waiting: dict[str, int] = {}  # id of a call, or its number where it has none, to its step
        for message in messages:
            if message["role"] == "tool":
                called = message.get("tool_call_id") or next((key for key in waiting if key.startswith("\0")), "")
                if (place := waiting.pop(called, None)) is not None:
                    observation = text_of(message.get("content"))
                    steps[place] = steps[place].model_copy(update={"observation": observation})
            if message["role"] != "assistant":
                continue
            thought = text_of(message.get("content"))
            calls = message.get("tool_calls") or []
            if not calls:
                steps.append(Step(thought=thought))
            for position, call in enumerate(calls):
                waiting[call.get("id") or f"\0{len(steps)}"] = len(steps)
                function = call["function"]
                steps.append(
                    Step(
                        thought=thought if position == 0 else "",
                        tool=function["name"],
                        arguments=_arguments(function.get("arguments")),
                    )
                )
        return cls(steps=tuple(steps))

    def to_messages(self) -> list[Message]:
        """The steps as assistant and tool messages, the inverse of `from_messages` up to call ids."""
        messages: list[Message] = []
        for number, step in enumerate(self.steps):
            if step.tool is None:
                messages.append(assistant_message(step.thought))
                continue
            call = tool_call(f"call_{number}", step.tool, json.dumps(step.arguments, ensure_ascii=False))
            messages.append(assistant_message(step.thought, [call]))
            if step.observation is not None:
                messages.append(
                    {"role": "tool", "tool_call_id": call["id"], "name": step.tool, "content": step.observation}
                )
        return messages

    def render(self) -> str:
        """All steps as numbered text, counted from 0."""
        return "\n\n".join(f"Step {number}\n{step.render(ran=True)}" for number, step in enumerate(self.steps))


def _arguments(given: object) -> dict[str, Any]:
    """Arguments as OpenAI writes them (JSON text) or as TRL does (a mapping)."""
    if not isinstance(given, str):
        return dict(given) if isinstance(given, Mapping) else {}
    try:
        value = json.loads(given or "{}")
    except (ValueError, RecursionError):
        return {"_unreadable": given}
    return value if isinstance(value, dict) else {"_value": value}


class Response(Frozen):
    """What is judged: text, or the trajectory of an agent (then `text` is its final answer, if it gave one)."""

    text: str = ""
    trajectory: Trajectory | None = None
    model: str | None = Field(default=None, description="Who wrote it, where known; a judge never sees it.")
    complete: bool = Field(
        default=True,
        description="False: it was cut off; in a group it takes part in no comparison.",
        exclude_if=bool,  # nearly all are, and what is usual needs no room in files
    )

    @property
    def comparable(self) -> bool:
        """Whether it can take part in a comparison: complete and not empty."""
        return self.complete and bool(self.render().strip())

    def render(self) -> str:
        """The response as plain text for a prompt."""
        if self.trajectory is None:
            return self.text
        return "\n\n".join(part for part in (self.trajectory.render(), self.text) if part)


class Criterion(Frozen):
    """One line of a rubric."""

    name: str
    description: str = ""
    weight: float = Field(default=1.0, gt=0, description="Relative to the other criteria.")


class Document(Frozen):
    """A document that belongs to a case, given inline or as a path under the allowed root."""

    id: str
    title: str = ""
    text: str | None = None
    path: str | None = None

    @model_validator(mode="after")
    def _text_or_path(self) -> Self:
        if (self.text is None) == (self.path is None):
            raise ValueError("a document has either text or path")
        return self


def _as_responses(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("responses is a list; write [text] for a single response")
    if isinstance(value, Sequence):
        return tuple({"text": item} if isinstance(item, str) else item for item in value)
    return value


def _as_rubric(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple({"name": item} if isinstance(item, str) else item for item in value)
    return value


def _empty(items: tuple[str, ...]) -> bool:
    return not items


def _as_steps(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple({"thought": item} if isinstance(item, str) else item for item in value)
    return value


class Case(Frozen):
    """One thing to judge.

    `responses`: none to answer, one pointwise, two pairwise, n listwise. `candidates` are the next steps to score
    after `trajectory`. A judge sees neither `label` nor `metadata` (see `blind`).

    Raises:
        pydantic.ValidationError: A field is missing, unknown or of the wrong type, or a text holds lone surrogates
            (what is left of bytes that were not UTF-8).
    """

    id: str = ""
    prompt: str | list[Message]
    responses: Annotated[tuple[Response, ...], BeforeValidator(_as_responses)] = ()
    reference: str | None = None
    rubric: Annotated[str | tuple[Criterion, ...] | None, BeforeValidator(_as_rubric)] = None
    documents: tuple[Document, ...] = ()
    trajectory: Trajectory | None = None
    candidates: Annotated[tuple[Step, ...], BeforeValidator(_as_steps)] = ()
    summaries: tuple[str, ...] = Field(
        default=(),
        description="Of the first steps of the trajectory, from an earlier result, so that they are not made again.",
        exclude_if=_empty,
    )
    culture: str | None = None
    label: Any = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    def digest(self) -> str:
        """sha256 over all that a judge can see of the case: two cases with the same digest are judged alike."""
        return hashlib.sha256(self.blind().model_dump_json().encode()).hexdigest()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        unseen: Any = {"id": True, "label": True, "metadata": True, "responses": {"__all__": {"model"}}}
        content = self.model_dump_json(exclude=unseen, exclude_defaults=True, ensure_ascii=True)
        if not self.id:
            object.__setattr__(self, "id", "case-" + hashlib.sha256(content.encode()).hexdigest()[:12])
        return self

    @property
    def question(self) -> str:
        """The prompt's text: itself, or the text of its messages; images are left out."""
        if isinstance(self.prompt, str):
            return self.prompt
        if len(self.prompt) == 1:
            return text_of(self.prompt[0]["content"])
        return "\n\n".join(f"{message['role']}: {text_of(message['content'])}" for message in self.prompt)

    def blind(self) -> Self:
        """The case as a judge may see it: without label, metadata and the names of the models that answered."""
        responses = tuple(response.model_copy(update={"model": None}) for response in self.responses)
        return self.model_copy(update={"label": None, "metadata": {}, "responses": responses})
