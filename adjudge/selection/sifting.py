"""What is dropped before anything is judged: bad rows, duplicates, and rows that hold nothing to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from adjudge.cases import Seen
from adjudge.errors import CaseError, ConfigError
from adjudge.selection.candidates import Candidates, candidates_of
from adjudge.selection.forms import Form, unwritable
from adjudge.selection.rule import Dropped, Rule, drop
from adjudge.types import Case

Row = Candidates | Case | ConfigError


def sifted(rows: Iterable[Row], rule: Rule, form: Form | None = None) -> Iterator[Candidates | Dropped]:
    """Candidates that can be judged, and what is dropped, in the order of the input.

    Args:
        rows: Candidates, cases, and errors that stand for rows that are neither.
        rule: Says how responses are ordered, and whether labels are read.
        form: Drop what could not be written in this form.
    """
    with closing(Seen()) as ids, closing(Seen()) as contents:
        for number, row in enumerate(rows, start=1):
            try:
                yield _sift(_candidates(row, rule, number), form, ids, contents)
            except ConfigError as error:
                name = f"{error.file or 'row'}:{error.line or number}"
                yield Dropped(name, "bad_case", str(error), place=name)


def _candidates(row: Row, rule: Rule, number: int) -> Candidates:
    if isinstance(row, ConfigError):
        raise row
    if isinstance(row, Candidates):
        return row
    return candidates_of(row, seed=rule.seed, strict=rule.on_label == "agree", place=f"row:{number}")


def _sift(row: Candidates, form: Form | None, ids: Seen, contents: Seen) -> Candidates | Dropped:
    responses = row.case.responses
    if form is not None and (problem := unwritable(row, form)):
        raise CaseError(f"{row.place}: {problem}")
    label = str(row.case.label)
    if (first := contents.first(row.key, f"{row.place}\n{label}")) is not None:
        place, _, other = first.partition("\n")
        told = "" if other == label else f" with another label ({other} there, {label} here)"
        return drop(row, "duplicate", f"the same responses stand at {place}{told}")
    if (first := ids.first(row.case.id, row.place)) is not None:
        problem = f"{row.place}: this id stands at {first} already"
        raise CaseError(problem, key="id", found=row.case.id, hint="give each row its own id")
    comparable = [response.render() for response in responses if response.comparable]
    if len(comparable) < 2:
        detail = f"{len(responses) - len(comparable)} of {len(responses)} responses are cut off or empty"
        return drop(row, "incomplete", detail)
    if len(set(comparable)) == 1:
        return drop(row, "identical", "all responses say the same")
    return row
