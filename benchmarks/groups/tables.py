"""The numbers as Markdown: for each data set the whole groups with intervals, then groups of every size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.groups.replay import CONTROLS

Numbers = Mapping[str, Any]


class Line(NamedTuple):
    """Methods that come to the same numbers at every size, so that they need one line."""

    arm: str
    methods: Sequence[str]
    sizes: Mapping[str, Sequence[Numbers]]  # by size, for each method


def page(results: Sequence[Numbers]) -> str:
    """All data sets."""
    names = dict.fromkeys(result["name"] for result in results)
    return "\n\n".join(_section([result for result in results if result["name"] == name]) for name in names)


def _section(results: Sequence[Numbers]) -> str:
    lines = [line for result in results for line in _lines(result)]
    most = results[0]  # of all arms the one with most groups, and so the one whose controls are shown
    lines += [Line("", [name], _sizes(most, [name])) for name in CONTROLS]
    notes = [f"- {_arm(result)}: {_note(result)}" for result in results]
    return "\n".join([f"### {most['name']}", "", *notes, "", *_whole(lines), "", *_by_size(lines, most["sizes"])])


def _lines(result: Numbers) -> list[Line]:
    merged: dict[str, list[str]] = {}
    for name in max(result["sizes"].items(), key=lambda item: int(item[0]))[1]:
        if name not in CONTROLS:
            means = [[rows[name][key] for key in ("kendall", "spearman", "best")] for rows in result["sizes"].values()]
            merged.setdefault(repr(means), []).append(name)
    return [Line(_arm(result), names, _sizes(result, names)) for names in merged.values()]


def _sizes(result: Numbers, names: Sequence[str]) -> dict[str, list[Numbers]]:
    return {size: [rows[name] for name in names] for size, rows in result["sizes"].items()}


def _arm(result: Numbers) -> str:
    return f"{result['graph']}, {result['decide']}"


def _note(result: Numbers) -> str:
    failed, said = result["failed"], result["order"]
    note = f"{result['groups']} groups"
    if failed["unscored"]:
        note += f"; {failed['unscored']} of {failed['looks']} looks came to no verdict"
    if "consistent" not in said:
        return note + "; the method cannot see the order."
    return (
        f"{note}; both orders name the same winner in {_percent(said['consistent'])} of {said['pairs']} pairs, "
        f"the response shown first wins {_percent(said['first wins'])} of the looks at pairs."
    )


def _whole(lines: Sequence[Line]) -> list[str]:
    size = max(lines[0].sizes, key=int)
    table = [
        f"Whole groups, n = {size}; *chance*: how often a blind choice is one of people's best, on the same groups:",
        "",
        "| judge | method | Kendall τ-b | less `longer wins` | Spearman ρ | best of n | chance | looks | tokens |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        row = line.sizes[size][0]
        spent = [" / ".join(f"{one[key]:,.{places}f}" for one in line.sizes[size]) for key, places in _SPENT]
        shown = " | ".join(spent if line.arm else "–" * len(spent))
        ahead = "–" if line.methods == ["longer wins"] else _signed(row["kendall less longer"])
        numbers = f"{_signed(row['kendall'])} | {ahead} | {_signed(row['spearman'])} | {_percent(row['best'])}"
        name = f"{line.arm or '–'} | {' / '.join(line.methods)}"
        table.append(f"| {name} | {numbers} | {row['chance']:.0%} | {shown} |")
    return table


_SPENT = (("looks", 1), ("tokens", 0))


def _by_size(lines: Sequence[Line], sizes: Mapping[str, Mapping[str, Numbers]]) -> list[str]:
    table = [
        "Every size: mean τ-b, and how many points the choice is more often one of people's best than a blind one:",
        "",
        f"| judge | method | {' | '.join(f'n = {size}' for size in sizes)} |",
        "|---|---|" + "---|" * len(sizes),
    ]
    for line in lines:
        firsts = [rows[0] for rows in line.sizes.values()]
        cells = (f"{_sign(row['kendall'][0])}, {_points(row['best less chance'][0])}" for row in firsts)
        table.append(f"| {line.arm or '–'} | {' / '.join(line.methods)} | {' | '.join(cells)} |")
    return table


def _signed(found: Sequence[float | None]) -> str:
    estimate, low, high = found
    if low is None or high is None:
        return _sign(estimate)
    return f"{_sign(estimate)} ({_sign(low)} to {_sign(high)})"


def _sign(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def _points(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "−")


def _percent(found: Sequence[float | None]) -> str:
    estimate, low, high = (None if value is None else f"{100 * min(max(value, 0), 1):.0f}" for value in found)
    return f"{estimate} %" if low is None or high is None else f"{estimate} % ({low} to {high})"
