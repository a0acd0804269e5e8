"""A training run as pictures, from the log that a trainer keeps: `trainer.state.log_history`.

    draw_curves(trainer.state.log_history, Path("curves"))    # curves/rewards.png, …, and all of them in curves/all.png

Points are what was logged, lines their mean over the tenth of the points around each. For live plots set `report_to`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from adjudge.errors import MissingPackage
from adjudge.training.grpo.settings import REWARD_HACKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, Any]]
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")  # Okabe and Ito
_PARTS = ("eval_", "rewards/", "terms/", "groups/", "tools/", "held_out/")  # of a name, which the title says already


class Curve(NamedTuple):
    """One logged number over the steps of training."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


class _Panel(NamedTuple):
    file: str
    title: str
    shows: Callable[[str], bool]  # whether a logged name belongs to it
    share: bool = False  # in [0, 1]


_Shown = Sequence[tuple[_Panel, Sequence[Curve]]]


def _one_of(*names: str) -> Callable[[str], bool]:
    return lambda name: name in names


def _begins(*prefixes: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(prefixes)


def _is_reward(name: str) -> bool:
    return name == "reward" or name.startswith("terms/") or (name.startswith("rewards/") and name.endswith("/mean"))


def _is_held_out(name: str) -> bool:
    return name.startswith("held_out/") or (name.startswith("eval_") and _is_reward(name.removeprefix("eval_")))


PANELS = (
    _Panel("rewards", "Training reward and its terms", _is_reward),
    _Panel("held_out", "Held out", _is_held_out),
    _Panel("groups", "Shares of the groups", _one_of("groups/all_wrong", "groups/mixed", "groups/all_right"), True),
    _Panel("tools", "Tool calls", _begins("tools/", "tool_calls")),
    _Panel("entropy", "Entropy (nats a token)", _one_of("entropy")),
    _Panel("length", "Own tokens of a rollout", _one_of("own_tokens/mean")),
    _Panel("confidence", "Confidence, and where D is twice its maximum", _begins("confidence/", "groups/twice"), True),
    _Panel("loss", "Loss", _one_of("loss")),
)


def curves_of(history: History) -> list[Curve]:
    """Every number of a log, by name; what was not a number at a step (an outage) has no point there."""
    points: dict[str, dict[int, float]] = {}
    for entry in history:
        step = int(entry.get("step", 0))
        for name, value in entry.items():
            if isinstance(value, int | float) and value == value and name not in ("step", "epoch"):
                points.setdefault(name, {})[step] = float(value)
    return [Curve(name, tuple(found), tuple(found.values())) for name, found in sorted(points.items())]


def draw_curves(history: History, folder: Path) -> list[Path]:
    """Write a PNG for each panel that has something to show, and `all.png` with all of them.

    Returns:
        The files that were written; none for a log without numbers.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    curves = curves_of(history)
    shown = [(panel, found) for panel in PANELS if (found := _of(panel, curves))]
    if not shown:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    stops = [int(entry["step"]) for entry in history if REWARD_HACKING in entry]
    colours = _colours(shown)
    for panel, found in shown:
        _draw([(panel, found)], stops, colours).savefig(folder / f"{panel.file}.png")
    _draw(shown, stops, colours).savefig(folder / "all.png")
    return [folder / f"{name}.png" for name in (*(panel.file for panel, _ in shown), "all")]


def _of(panel: _Panel, curves: Sequence[Curve]) -> list[Curve]:
    """Of a panel; of what goes by one label (`rewards/verdict/mean`, `terms/verdict`) the first."""
    found: dict[str, Curve] = {}
    for curve in curves:
        if panel.shows(curve.name):
            found.setdefault(_label(curve.name), curve)
    return list(found.values())


def _colours(panels: _Shown) -> dict[str, str]:
    """A term has one colour in all panels."""
    labels = dict.fromkeys(_label(curve.name) for _, curves in panels for curve in curves)
    return {label: _COLOURS[place % len(_COLOURS)] for place, label in enumerate(labels)}


def _draw(panels: _Shown, stops: Sequence[int], colours: Mapping[str, str]) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackage("matplotlib", needed_for="curves", install="pip install 'adjudge[train]'") from error
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(7.0 * columns, 3.2 * rows), dpi=120, layout="constrained")
    for place, (panel, curves) in enumerate(panels):
        axes = figure.add_subplot(rows, columns, place + 1)
        _fill(axes, curves, stops, colours)
        axes.set_title(panel.title, loc="left", fontsize=11)
        if panel.share:
            axes.set_ylim(-0.03, 1.03)
    return figure


def _fill(axes: Axes, curves: Sequence[Curve], stops: Sequence[int], colours: Mapping[str, str]) -> None:
    for curve in curves:
        label = _label(curve.name)
        axes.plot(curve.steps, curve.values, ".", color=colours[label], alpha=0.3, markersize=4)
        axes.plot(curve.steps, _smooth(curve.values), color=colours[label], linewidth=1.8, label=label)
    for stop in stops:
        axes.axvline(stop, color="black", linestyle=":", label="stopped: reward hacking")
    axes.set_xlabel("step")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _label(name: str) -> str:
    """`rewards/tool_use/mean` is `tool use`."""
    for part in _PARTS:
        name = name.removeprefix(part)
    return name.removesuffix("/mean").replace("_", " ")


def _smooth(values: Sequence[float]) -> list[float]:
    aside = len(values) // 20
    windows = (values[max(0, place - aside) : place + aside + 1] for place in range(len(values)))
    return [sum(window) / len(window) for window in windows]
