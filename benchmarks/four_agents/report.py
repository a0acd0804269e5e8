"""The results as Markdown, from their JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adjudge.evaluation.benchmarks.markdown import markdown_table
from adjudge.evaluation.metrics import holm

Found = Mapping[str, Any]  # JSON


def report(parts: Found) -> str:
    """All parts that were measured."""
    return "\n\n".join(section(parts[name]) for name, section in _SECTIONS.items() if name in parts)


def percent(figure: Found | None) -> str:
    """A share with its interval: `58 % [50, 67]`; a dash where there was no case."""
    if figure is None:
        return "–"
    value = f"{100 * figure['value']:.0f} %"
    return value if figure["low"] is None else f"{value} [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"


def _loops(found: Found) -> str:
    return "\n\n".join(
        [
            "### Accuracy and tokens",
            _arms(found["arms"]),
            "### Differences on the same questions",
            _differences(found["differences"]),
            "### Flags",
            _table("who checks", found["checks"], lambda checks: checks["flags"]),
            "### Corrections, by round",
            _rounds(found["checks"]),
            "### How it ended",
            _table("who checks", found["checks"], lambda checks: checks["endings"]),
        ]
    )


def _caps(found: Found) -> str:
    most = max(map(len, found.values()))
    rows = [[name, *map(percent, figures)] for name, figures in found.items()]
    title = "### Accuracy by the number of corrections allowed"
    return f"{title}\n\n{markdown_table(['accuracy of the judge', *map(str, range(most))], rows)}"


def _shares(found: Found) -> str:
    parts = ["### The same with other shares of systematic faults (judge of accuracy 0.8)"]
    for part, result in found.items():
        parts += [f"Systematic: {100 * float(part):.0f} % of the faults.", _arms(result["arms"])]
        parts.append(_differences(result["differences"]))
    return "\n\n".join(parts)


def _chances(found: Found) -> str:
    title = "### Where descriptions of mistakes help less, or mislead more"
    return f"{title}\n\n{_differences(found)}"


def _adaptive(found: Found) -> str:
    draws = ", ".join(f"{count} for {100 * part:.1f} %" for count, part in found["draws"].items())
    return "\n\n".join(
        [
            "### Adaptive planner and executor",
            _arms(found["arms"]),
            _differences(found["differences"]),
            f"Candidates that `adaptive` drew for a step: {draws} of the steps.",
        ]
    )


def _evidence(found: Found) -> str:
    return "\n\n".join(
        [
            "### What the judge can tell from its prompt, by `evidence`",
            markdown_table(
                ["evidence", "first faults that can be told"],
                [[name, percent(figure)] for name, figure in found["visible"].items()],
            ),
            "The loop with a judge that tells no more than that:",
            _arms(found["arms"]),
            _differences(found["differences"]),
            _table("who checks", found["checks"], lambda checks: checks["flags"]),
        ]
    )


def _same(found: Found) -> str:
    title = "### A right plan and a faulty one that are taken for the same, by the fault"
    return f"{title}\n\n{_grid('plans compared', found)}"


def _alike(found: Found) -> str:
    title = "### Taken for the same, by the threshold (development seed)"
    followed = "The plan that is followed is right, by how it is chosen (development seed):"
    return "\n\n".join([title, _grid("pair", found["pairs"]), followed, _grid("wording", found["followed"])])


def _grid(head: str, rows: Found) -> str:
    keys = list(next(iter(rows.values())))
    return markdown_table([head, *keys], [[name, *(percent(row[key]) for key in keys)] for name, row in rows.items()])


def _documents(found: Found) -> str:
    keys = ("numbers kept", "right answers")
    rows = [
        [name, f"{one['right answers']['n']}", *(percent(one[key]) for key in keys), f"{one['seconds']:.1f}"]
        for name, one in found.items()
    ]
    header = ["the table as", "tables", "numbers the text still holds", "right answers", "seconds"]
    return f"### Tables as files, with agents that make no mistakes\n\n{markdown_table(header, rows)}"


def _embedded(found: Found) -> str:
    rows = [[name, _plain(figure)] for name, figure in found.items()]
    return f"### The embedded model as the judge of the process\n\n{markdown_table(['measured', 'value'], rows)}"


def _plain(figure: Found) -> str:
    value = f"{figure['value']:.2f}"
    return value if figure["low"] is None else f"{value} [{figure['low']:.2f}, {figure['high']:.2f}]"


def _arms(arms: Found) -> str:
    rows = [[name, percent(one["accuracy"]), f"{one['tokens']:,}"] for name, one in arms.items()]
    return markdown_table(["arm", "right answers", "tokens a question"], rows)


def _differences(found: Found) -> str:
    adjusted = holm([one["p"] for one in found.values()])
    rows = [
        [name, f"{100 * one['value']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]", f"{p:.3f}"]
        for (name, one), p in zip(found.items(), adjusted, strict=True)
    ]
    return markdown_table(["difference", "points", "p (Holm)"], rows)


def _table(head: str, checks: Found, part: Callable[[Found], Found]) -> str:
    keys: list[str] = list(part(next(iter(checks.values()))))
    rows = [[name, *(percent(part(one)[key]) for key in keys)] for name, one in checks.items()]
    return markdown_table([head, *keys], rows)


def _rounds(checks: Found) -> str:
    header = ["who checks", "round", "corrections", "broken → fixed", "fixed → broken"]
    rows: list[Sequence[str]] = []
    for name, one in checks.items():
        rows += [_round(name, row) for row in one["corrections"]]
    return markdown_table(header, rows)


def _round(name: str, row: Found) -> Sequence[str]:
    shown = "all" if row["round"] == 0 else str(row["round"])
    return [name, shown, str(row["corrections"]), percent(row["broken to fixed"]), percent(row["fixed to broken"])]


_SECTIONS: dict[str, Callable[[Any], str]] = {
    "loops": _loops,
    "caps": _caps,
    "shares": _shares,
    "chances": _chances,
    "adaptive": _adaptive,
    "evidence": _evidence,
    "same": _same,
    "alike": _alike,
    "documents": _documents,
    "embedded": _embedded,
}
