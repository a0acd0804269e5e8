"""The cases of several sources, one after the other, with what is wrong with them at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from adjudge.cases import Seen, read_cases, read_trajectories
from adjudge.errors import CaseError, ConfigError
from adjudge.types import Case

Row = Case | ConfigError  # an error is one bad row, or a source that cannot be read any further
Reader = Callable[..., Iterator[Case]]


def read(sources: Sequence[str], limit: int | None = None, *, conversations: bool = False) -> Iterator[Row]:
    """Read the cases of all sources.

    A file is read as its cases are needed. Standard input is read to its end first: waiting for it later would use up
    the time of the judgements that are under way.

    Args:
        sources: Paths, or `-` for standard input.
        limit: Most cases; bad rows are not counted.
        conversations: Whether the sources hold what agents did, and not cases.

    Raises:
        ConfigError: At once: a source does not exist or its format is unknown.
    """
    problems: list[CaseError] = []
    reader: Reader = read_trajectories if conversations else read_cases
    opened = [(source, reader(source, on_error=problems.append)) for source in sources]
    merged = _merged(opened, problems)
    # within one source the reader has seen to it that each id stands once
    rows = _limited(_unique(merged) if len(opened) > 1 else (row for _, row in merged), limit)
    return iter(list(rows)) if "-" in sources else rows


def only_one_of(cases: Sequence[str] | None, conversations: Sequence[str] | None) -> Sequence[str]:
    """The sources that were named: cases, or conversations.

    Raises:
        ConfigError: Neither was, or both.
    """
    if cases and conversations:
        problem = "cases and --trajectory cannot be judged together"
        raise ConfigError(problem, found=cases[0], hint="give two commands")
    if not cases and not conversations:
        raise ConfigError("nothing to judge is named", hint="name a file of cases, or one with --trajectory")
    return cases or conversations or ()


def _merged(opened: Sequence[tuple[str, Iterator[Case]]], problems: list[CaseError]) -> Iterator[tuple[str, Row]]:
    for source, cases in opened:
        while True:
            case: Case | None = None
            broken: ConfigError | None = None
            try:
                case = next(cases, None)
            except ConfigError as error:
                broken = error
            for problem in problems:
                yield source, problem
            problems.clear()
            if broken is not None:
                yield source, broken
            if case is None:
                break
            yield source, case


def _unique(rows: Iterator[tuple[str, Row]]) -> Iterator[Row]:
    """Each id once: results are kept under it."""
    with closing(Seen()) as seen:
        for source, row in rows:
            if isinstance(row, Case) and (first := seen.first(row.id, source)) is not None:
                problem = f"this id stands in {first} already"
                yield CaseError(problem, file=source, key="id", found=row.id, hint="give each case its own id")
                continue
            yield row


def _limited(rows: Iterator[Row], limit: int | None) -> Iterator[Row]:
    if limit is None:
        yield from rows
        return
    while limit > 0 and (row := next(rows, None)) is not None:
        yield row
        limit -= isinstance(row, Case)
