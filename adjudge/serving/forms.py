"""The server's own requests, and what makes a case of a part of one.

A request is data of somebody else: no text in it is filled in with variables, and nothing in it may name a file of this
machine or an address that this machine would have to fetch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from adjudge.config import Document
from adjudge.config.validation import mistakes
from adjudge.errors import CaseError
from adjudge.types import Case, Goal, Strategy


class ShownAs:
    """How something that is validated later looks in the OpenAPI page.

    Args:
        schema: Of what it will be validated as.
    """

    def __init__(self, schema: CoreSchema) -> None:
        self._schema = schema

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(self._schema)


RawCase = Annotated[
    Any, ShownAs(Case.__pydantic_core_schema__)
]  # validated one by one: a bad one must not cost the others
GraphName = Annotated[str | None, Field(description="One of those served; may be left out where there is only one.")]
Stream = Annotated[bool, Field(description="Send events as they happen; the same as `Accept: text/event-stream`.")]


class Form(BaseModel):
    """A request's body; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JudgementRequest(Form):
    """One case, or several."""

    graph: GraphName = None
    case: RawCase = None
    cases: list[RawCase] | None = Field(default=None, min_length=1)
    stream: Stream = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.case is None) == (self.cases is None):
            raise ValueError("a request has either `case` or `cases`")
        return self


class RankRequest(Form):
    """A case with one or more responses."""

    graph: GraphName = None
    case: RawCase
    strategy: Strategy = "all_pairs"
    budget: int | None = Field(default=None, ge=1, description="Most comparisons.")
    confidence: float = Field(default=0.95, ge=0, le=1, description="At which `adaptive` stops.")
    goal: Goal = "ranking"
    stream: Stream = False


def case_of(raw: Any, number: int | None = None) -> Case:
    """The case that a part of a request is.

    Args:
        raw: As it was sent.
        number: Its place among the cases of the request, from 0; None for the only one.

    Raises:
        CaseError: It is none, or names a file or an address.
    """
    row = Document(raw, "case", {}) if number is None else Document(raw, "cases", {(): number + 1})
    if not isinstance(raw, dict):
        raise row.error("a case should be an object with at least the key prompt", kind=CaseError)
    try:
        case = Case.model_validate(raw)
    except ValidationError as error:
        found = mistakes(Case, row, error, CaseError)
    else:
        _check_id(case, row)
        _check_inline(case, row)
        return case
    raise _joined(found)


def _joined(found: Sequence[Any]) -> CaseError:
    """The mistake that explains most, with the others in its hint."""
    first, *others = sorted(found, key=lambda error: error.problem != "unknown key")
    hints = [first.hint, *(f"also {error.key}: {error.problem}" for error in others[:5])]
    return CaseError(
        first.problem,
        file=first.file,
        line=first.line,
        key=first.key,
        found=first.found,
        allowed=first.allowed,
        hint="; ".join(hint for hint in hints if hint) or None,
    )


def _check_id(case: Case, row: Document) -> None:
    try:
        case.id.encode()
    except UnicodeEncodeError:
        raise row.error("this text holds half of a surrogate pair", ("id",), kind=CaseError) from None


def _check_inline(case: Case, row: Document) -> None:
    for number, document in enumerate(case.documents):
        if document.path is not None:
            problem, hint = "a request cannot name a file of the server", "send the document inline, as `text`"
            raise row.error(problem, ("documents", number, "path"), kind=CaseError, hint=hint)
    for number, message in enumerate(case.prompt if isinstance(case.prompt, list) else ()):
        content = message["content"]
        for position, block in enumerate(content if isinstance(content, list) else ()):
            if block["type"] == "image_url" and block["image_url"]["url"][:5].lower() != "data:":
                problem = "a request cannot name a file of the server, nor have it fetch an image"
                place = ("prompt", number, "content", position, "image_url", "url")
                raise row.error(problem, place, kind=CaseError, hint="send it as data:image/…;base64,…")
