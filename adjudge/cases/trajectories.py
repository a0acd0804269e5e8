"""Trajectories of other agents as cases, so that a judge can look at their steps.

    for case in read_trajectories("runs.jsonl", on_error=print): ...
    case = case_of_messages(state["messages"])     # dicts, or objects of OpenAI's library or of LangChain

A conversation is a list of messages (OpenAI's chat or Responses API, LangChain, TRL), or a mapping with `messages`
(LangGraph's state too), with `prompt` and `completion` (TRL), or with `input` and `output` (Responses API). Such a
mapping may have fields of a case beside them; whatever else it holds is left behind. What the agent was told first is
the task, and its steps are the trajectory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from adjudge.cases.conversations import conversation_rows
from adjudge.cases.foreign import Part, Turn, conversation, is_message, lead, task_of, turns_of
from adjudge.cases.reader import OnError, case_of, cases_of
from adjudge.cases.rows import Row
from adjudge.cases.source import Input, Source, find
from adjudge.config import Document
from adjudge.errors import CaseError, ConfigError
from adjudge.types import Case, Role

_FIELDS = ("id", "reference", "rubric", "documents", "culture", "label", "metadata")
_FORMS = ("messages", "prompt and completion", "input and output", "trajectory")
_FORMATS = ("json", "jsonl", "ndjson")


def read_trajectories(source: Source, *, on_error: OnError | None = None, fmt: str | None = None) -> Iterator[Case]:
    """Read conversations one after the other, as `read_cases` reads cases.

    The id of a conversation is its `id`; that of a file with a single one is the file's name without its suffix.
    `metadata.imported` says which form it had, and which steps have no result.

    Args:
        source: A path, `-` for standard input, or an open stream.
        on_error: Gets every row that is no conversation; without it the first one is raised.
        fmt: `json`, `jsonl` or `ndjson`; by default a path's suffix decides, and for a stream its first line.

    Raises:
        ConfigError: At once: the source does not exist or its format is unknown. While reading: it cannot be read, or
            is empty.
        CaseError: A row is no conversation, and there is no `on_error`.
    """
    return cases_of(_found(source, fmt), _rows, on_error, "conversations")


def case_of_messages(messages: Sequence[Any] | Mapping[str, Any], **fields: Any) -> Case:
    """The case of one conversation.

    Args:
        messages: Messages, or a mapping as in a file. A message is JSON in one of the forms that files may have, or an
            object with `model_dump`: LangChain's messages, and those of OpenAI's library.
        fields: Fields of the case, such as `id` or `label`; `prompt` names the task.

    Raises:
        CaseError: It is no conversation.
    """
    given = _plain(messages)
    row = {**given, **fields} if isinstance(given, dict) else {"messages": given, **fields}
    return case_of(_case_row(Document(row, "<messages>")))


def _plain(value: Any) -> Any:
    """JSON, with objects that can tell their fields as those."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _found(source: Source, fmt: str | None) -> Input:
    suffix = Path(source).suffix.lower() if isinstance(source, str | PathLike) and source != "-" else ""
    wanted = fmt or suffix.removeprefix(".") or None
    if wanted is not None and wanted not in _FORMATS and (fmt or Path(str(source)).is_file()):
        allowed = _FORMATS if fmt else [f".{name}" for name in _FORMATS]
        file = None if fmt else str(source)
        raise ConfigError(
            "conversations are read from JSON or JSON lines", file=file, found=fmt or suffix, allowed=allowed
        )
    return find(source, fmt)


def _rows(found: Input, opened: Iterable[bytes | str]) -> Iterator[Row]:
    rows = conversation_rows(found, opened)
    first, second = next(rows, None), next(rows, None)
    if first is None:
        return
    only = second is None and found.fmt == "json"
    yield _case_or_error(first, Path(found.name).stem if only else None)
    for row in () if second is None else (second, *rows):
        yield _case_or_error(row)


def _case_or_error(row: Row, name: str | None = None) -> Row:
    if isinstance(row, CaseError):
        return row
    try:
        return _case_row(row, name)
    except CaseError as error:
        return error


class _Told(NamedTuple):
    """What a row tells."""

    turns: list[Turn]
    start: int  # how many of the turns are the task
    named: str | None = None  # the task, where the row names it by itself


def _case_row(row: Document, name: str | None = None) -> Document:
    """The row of a case, from that of a conversation.

    Args:
        row: A mapping.
        name: Its id, where it has none of its own.

    Raises:
        CaseError: It is no conversation, or one without a task or without steps.
    """
    given = row.data if isinstance(row.data, dict) else {}
    own = {key: given[key] for key in _FIELDS if given.get(key) is not None}
    if name is not None:
        own.setdefault("id", name)
    if "trajectory" in given:  # our own form
        return Document({**given, **own}, row.name, row.places)
    told = _told(Part.whole(row))
    done = conversation(told.turns, told.start)
    if not done.steps:
        raise row.error("the assistant says nothing in this conversation, so there is no step", kind=CaseError)
    prompt = task_of(told.turns[: told.start], told.named)
    if prompt is None:
        hint = "begin with a message of the user, or give the task as prompt beside messages"
        raise row.error("nobody says in this conversation what the task is", kind=CaseError, hint=hint)
    imported = {"form": _form(told.turns), "unanswered": list(done.unanswered)}
    if isinstance(own.get("metadata", {}), dict):
        own["metadata"] = {"imported": imported, **own.get("metadata", {})}
    steps = [step.model_dump() for step in done.steps]
    return Document({"prompt": prompt, "trajectory": {"steps": steps}, **own}, row.name, row.places)


def _told(whole: Part) -> _Told:
    if not isinstance(whole.value, dict):
        raise whole.wrong("a conversation: a list of messages, or a mapping that holds one")
    if is_message(whole.value):
        raise whole.error("this is a single message, and no conversation", hint="put it into a list")
    inner = whole.get("values") if "messages" not in whole.value else whole  # a snapshot of LangGraph
    if (messages := inner.get("messages")).value is not None:
        return _named(whole, turns_of(messages))
    if (completion := whole.get("completion")).value is not None:
        return _completed(whole.get("prompt"), completion)
    if whole.get("output").value is not None:
        return _replied(whole)
    hint = "name one of a pair as completion" if "chosen" in whole.value else None
    raise whole.error("this is no conversation", found=", ".join(whole.value), allowed=_FORMS, hint=hint)


def _named(whole: Part, turns: list[Turn]) -> _Told:
    """A conversation, perhaps with the task by itself."""
    key = "prompt" if whole.get("prompt").value is not None else "question"
    named = whole.get(key)
    if isinstance(named.value, list):
        raise named.error("with messages, the task is text", hint="or give the rest of the conversation as completion")
    return _Told(turns, lead(turns), None if named.value is None else named.text())


def _completed(prompt: Part, completion: Part) -> _Told:
    """TRL: the prompt is the task, whoever speaks in it, and the completion the steps."""
    before = _spoken("user", prompt)
    after = _spoken("assistant", completion)
    start = len(before) + next((n for n, turn in enumerate(after) if turn.role not in ("system", "user")), len(after))
    return _Told([*before, *after], start)


def _replied(whole: Part) -> _Told:
    """The Responses API: what went in, and what came out; a reply by itself does not hold what went in."""
    told = [*_spoken("system", whole.get("instructions")), *_spoken("user", whole.get("input"))]
    turns = [*told, *turns_of(whole.get("output"))]
    return _Told(turns, lead(turns), whole.get("prompt").word() or whole.get("question").word())


def _spoken(role: Role, part: Part) -> list[Turn]:
    if part.value is None:
        return []
    if isinstance(part.value, str):
        return [Turn(role, part.value, part, "responses" if part.path[-1] in ("instructions", "input") else "trl")]
    return turns_of(part)


def _form(turns: Sequence[Turn]) -> str:
    """The form of a conversation; of a mixed one, all of them."""
    forms = {turn.form for turn in turns}
    special = forms - {"openai"}  # a message of a user looks the same in all of them
    return "+".join(sorted(special or forms))
