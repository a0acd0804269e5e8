"""One figure: right answers against tokens for each arm, and by the number of corrections allowed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_COLOURS = {"loop": "#1b6ca8", "self": "#c8702a", "best": "#5a8f3c"}
_OTHER = "#6d7780"


def draw(parts: Mapping[str, Any], path: Path) -> None:
    """Draw what was measured into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.6), width_ratios=(3, 2))
    arms = parts["loops"]["arms"]
    votes = [one for name, one in arms.items() if name == "no loop" or name.startswith("best of")]
    votes.sort(key=lambda one: float(one["tokens"]))
    mixtures = [one["tokens"] for one in votes], [100 * one["accuracy"]["value"] for one in votes]
    left.plot(*mixtures, "--", color=_COLOURS["best"], alpha=0.5)
    for name, one in arms.items():
        if not name.startswith("vote"):  # these lie on the dashed line
            _point(left, name, one)
    left.set_xlabel("tokens a question (words of the scripted models)")
    left.set_ylabel("right answers, %")
    left.set_title("The loop and its rivals, 95 % intervals", fontsize=10, loc="left")
    left.margins(x=0.2)
    for name, figures in parts["caps"].items():
        _line(right, name, figures)
    right.set_xlabel("corrections allowed")
    right.set_title("What each further correction does", fontsize=10, loc="left")
    right.legend(title="accuracy of the judge", fontsize=8, title_fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _point(axes: Any, name: str, one: Mapping[str, Any]) -> None:
    found = one["accuracy"]
    value, colour = 100 * found["value"], _COLOURS.get(name[:4], _OTHER)
    reach = [[value - 100 * found["low"]], [100 * found["high"] - value]]
    axes.errorbar(one["tokens"], value, yerr=reach, fmt="o", color=colour, alpha=0.8, capsize=2)
    left = name.startswith("self")  # others stand close to its right
    style = {"fontsize": 7, "color": colour, "ha": "right" if left else "left"}
    axes.annotate(name, (one["tokens"], value), (-5 if left else 5, 3), textcoords="offset points", **style)


def _line(axes: Any, name: str, figures: list[Mapping[str, Any]]) -> None:
    places = range(len(figures))
    axes.plot(places, [100 * found["value"] for found in figures], marker="o", label=name)
    low, high = ([100 * found[end] for found in figures] for end in ("low", "high"))
    axes.fill_between(places, low, high, alpha=0.12)
