"""What the simulated models read in a prompt: fenced parts, the plan, results of steps, mistakes, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Literal, NamedTuple

from adjudge.models.scripted import Request
from adjudge.types.messages import text_of
from benchmarks.four_agents.plans import Do, Steps, read_goal
from benchmarks.four_agents.tables import Sheet

_FENCE = re.compile(r"^<<<([^\n<>]*) ([0-9a-f]{16})\n(.*?)\n\2>>>$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"(\d+)\. (.*?)(?: → .*)?")
_PLAN_MISTAKE = re.compile(r"^It went wrong in step (\d+): (.*)", re.MULTILINE)
_STEP_MISTAKE = re.compile(r"^Step \d+ was carried out wrongly: (.*)\n(?:.*\n)*?Mistake: (.*)", re.MULTILINE)
_RESULT, _EVIDENCE = "result of step ", "evidence "  # labels of fences
_NAME = re.compile(r"\bE\d+\b")
TRUE, FALSE = "this is wrong", "this looks doubtful"  # how a description begins that holds, and one that does not


class Mistake(NamedTuple):
    """A mistake in view."""

    kind: Literal["plan", "execution"]
    step: int  # of a plan; -1 for an execution, which is known by its goal
    goal: str
    truly: bool


def fenced(request: Request) -> dict[str, list[str]]:
    """The fenced parts of a prompt by label, in their order."""
    found: dict[str, list[str]] = {}
    for label, _, content in _FENCE.findall(request.text):
        found.setdefault(label, []).append(content)
    return found


def asked_for(request: Request) -> str:
    """What is asked for: examples, steps, plan_at_fault, answer; or result, of a step."""
    return str(next(iter((request.sampling.json_schema or {}).get("properties", {})), "result"))


def steps_of(plan: str) -> Steps:
    """The steps of a plan as it is shown.

    Raises:
        ValueError: A line is no step of ours.
    """
    found = [_LINE.fullmatch(line) for line in plan.split("\n")]
    read = [read_goal(line.group(2)) if line is not None else None for line in found]
    if any(step is None for step in read):
        raise ValueError(f"this is no plan of ours: {plan}")
    return tuple(step for step in read if step is not None)


def results_of(parts: Mapping[str, list[str]]) -> dict[int, str]:
    """Results of steps by number: the first line of each."""
    named = {name: texts[-1] for name, texts in parts.items() if name.startswith(_RESULT)}
    return {int(name.removeprefix(_RESULT)): text.partition("\n")[0].strip() for name, text in named.items()}


def mistakes_of(parts: Mapping[str, list[str]]) -> Iterator[Mistake]:
    """The mistakes in view, oldest first."""
    for label, texts in parts.items():
        if not label.startswith("mistake no. "):
            continue
        if (found := _PLAN_MISTAKE.search(texts[-1])) is not None:
            yield Mistake("plan", int(found.group(1)), "", found.group(2).startswith(TRUE))
        elif (found := _STEP_MISTAKE.search(texts[-1])) is not None:
            yield Mistake("execution", -1, found.group(1), found.group(2).startswith(TRUE))


def table_in(request: Request) -> Sheet | None:
    """The table that the tools brought: the lines of Markdown in their replies."""
    return table_of(_replies(request))


def found_in(request: Request) -> list[str]:
    """Names of the items of evidence that the tools brought."""
    labels = [label for text in _replies(request) for label, _, _ in _FENCE.findall(text)]
    return [label.removeprefix(_EVIDENCE) for label in labels if label.startswith(_EVIDENCE)]


def cited_by(parts: Mapping[str, list[str]], step: int) -> list[str]:
    """The texts that are shown of the items of evidence that the result of a step names."""
    result = parts.get(f"{_RESULT}{step}", [""])[-1]
    return [text for name in _NAME.findall(result) for text in parts.get(f"{_EVIDENCE}{name}", [])]


def table_of(texts: Iterable[str]) -> Sheet | None:
    """The table in lines of Markdown; None where there is none."""
    lines = [line.strip() for text in texts for line in text.split("\n") if line.strip().startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    kept = [tuple(row) for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    return Sheet("", "", kept[0], tuple(row for row in kept[1:] if row != kept[0])) if len(kept) > 1 else None


def _replies(request: Request) -> list[str]:
    return [text_of(message["content"]) for message in request.messages if message["role"] == "tool"]


def as_it_stands(step: Do, sheet: Sheet) -> Do:
    """The step with the names that the table has: text read off a picture is not always that of the question."""
    column = _nearest(step.column, sheet.header)
    known = sheet.keys
    if step.kind in ("rows", "other rows") and column in sheet.header:
        place = sheet.header.index(column)
        known = tuple(row[place] for row in sheet.rows if place < len(row))
    return step._replace(column=column, row=_nearest(step.row, known))


def _nearest(name: str, known: tuple[str, ...]) -> str:
    if not name or name in known:
        return name
    return next(iter(get_close_matches(name, known, 1, 0.6)), name)
