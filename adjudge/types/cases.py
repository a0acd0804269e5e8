"""What is judged: a case with its responses, and what a response may consist of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from adjudge.types.frozen import Frozen
from adjudge.types.messages import Message, text_of
from adjudge.types.steps import Step
from adjudge.types.trajectories import Trajectory


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
