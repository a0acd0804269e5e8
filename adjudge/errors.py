"""The error model: classes by who can act on what went wrong.

    AdjudgeError
    ├── ConfigError        the user: a graph file, a setting, an option
    │   ├── CaseError      the user: one row of the input; the other rows go on
    │   └── MissingPackage the user: an optional package has to be installed
    ├── ToolError          the model: shown to it as the tool's reply, so that it can try again
    ├── ModelError         the operator: a model server or a model in process failed
    ├── JournalError       the operator: the journal cannot be read or written
    └── LimitExceeded      the budget: a hard limit of this judgement was reached

The rule: a failure is never content and never a score. `ToolError`, `ModelError` and `LimitExceeded`
become an `Unscored` outcome at the edge of a judgement; the others are raised to the caller.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal


class AdjudgeError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(AdjudgeError):
    """Something the user wrote is wrong. The message says what, where, what is allowed, and what to do.

    Args:
        problem: What is wrong, as a sentence without a full stop.
        file: The file it stands in.
        line: Line in that file, counted from 1.
        key: Path of keys inside the file, for example `nodes.judge.decide`.
        found: The offending value, shown shortened.
        allowed: What may stand there; the nearest to `found` is suggested.
        hint: What to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
        found: object = None,
        allowed: Iterable[str] = (),
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.key = key
        self.found = found
        self.allowed = tuple(allowed)
        self.hint = hint
        super().__init__(self._message())

    def _message(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = ": ".join(part for part in (place, self.key, self.problem) if part)
        parts = [head]
        if self.found is not None:
            parts.append(f"found {shorten(self.found)}")
        if self.allowed:
            parts.append(f"allowed: {', '.join(self.allowed)}")
            if self.found is not None and (near := nearest(str(self.found), self.allowed)) is not None:
                parts.append(f"did you mean {near!r}?")
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts)


class CaseError(ConfigError):
    """One case cannot be read or does not fit the judge; the rest of the input goes on."""


class MissingPackage(ConfigError):
    """An optional package is not installed.

    Args:
        package: The import that failed.
        needed_for: What asked for it, as a noun.
        install: The command that installs it.
    """

    def __init__(self, package: str, *, needed_for: str, install: str) -> None:
        super().__init__(f"{needed_for} needs the package {package!r}, which is not installed", hint=f"run: {install}")


class ToolError(AdjudgeError):
    """A tool could not do what was asked. The text goes to the model, which may try another call."""


class BadCall(ToolError):
    """The call itself is wrong, by whoever wrote it: no such tool, arguments that do not fit, an empty query."""


class ModelError(AdjudgeError):
    """A model call failed.

    Args:
        message: What happened, with the server's own words shortened.
        kind: `unavailable` (down, slow, overloaded), `rejected` (the request itself was refused: 4xx),
            `malformed` (what came back is not a reply), `refused` (the model declined to answer) or
            `too_long` (the prompt exceeds the model's context).
        retryable: Whether the same request may succeed later.
        retry_after: Seconds the server asked us to wait.
        status: HTTP status, where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Literal["unavailable", "rejected", "malformed", "refused", "too_long"] = "unavailable",
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status


class JournalError(AdjudgeError):
    """The journal is locked, full, of another version, or lacks a call that a replay needs."""


class LimitExceeded(AdjudgeError):
    """A hard limit of the judgement was reached, so the next call is not made.

    Args:
        limit: Which one, as named in the graph file.
        detail: How much was allowed and how much was spent.
    """

    def __init__(self, limit: str, detail: str) -> None:
        super().__init__(f"{limit}: {detail}")
        self.limit = limit


def nearest(found: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that looks most like `found`, or None when none is close."""
    matches = difflib.get_close_matches(found, list(allowed), n=1, cutoff=0.6)
    return matches[0] if matches else None


def shorten(value: object, width: int = 80) -> str:
    """`repr` of a value, cut in the middle so that a message stays readable."""
    text = repr(value)
    return text if len(text) <= width else f"{text[: width // 2]}…{text[-width // 4 :]}"
