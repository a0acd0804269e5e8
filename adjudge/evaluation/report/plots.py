"""The plots of a report, as inline SVG; text stays text, and colours are the page's own.

Each plot is a Figure of matplotlib's own kind, without pyplot: nothing global is left behind.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from adjudge.evaluation.report import names
from adjudge.evaluation.report.svg import for_page
from adjudge.evaluation.report.tables import tokens_each
from adjudge.evaluation.report.text import one_line
from adjudge.evaluation.results import ArmSummary, BenchmarkSummary, Bin, Estimate

INK, MUTED, LINE, PAPER = "#010101", "#020202", "#030303", "#050505"
SERIES = tuple(f"#0400{index:02x}" for index in range(8))
_PAGE = {INK: "currentColor", MUTED: "var(--muted)", LINE: "var(--line)", PAPER: "var(--paper)"} | {
    colour: f"var(--s{index})" for index, colour in enumerate(SERIES)
}
_SETTINGS: Any = {  # matplotlib names every setting in its type, and the stubs of 3.9 do not
    "svg.fonttype": "none",
    "svg.hashsalt": "adjudge",
    "text.parse_math": False,  # a dollar in a name is a dollar
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "axes.grid": True,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
_WIDTH = 5.8  # inches, of 72 px each
_NAME = 34


class Plot(NamedTuple):
    """A plot: `svg` is an element that needs no escaping."""

    title: str
    svg: str


class _Two(NamedTuple):
    """An accuracy under two conditions: the metrics, and what they are called."""

    title: str
    metrics: tuple[str, str]
    legend: tuple[str, str]


_BIASES = (
    _Two("Accuracy by order", (names.FIRST_ORDER, names.SECOND_ORDER), ("A shown first", "B shown first")),
    _Two(
        "Accuracy by which response is longer",
        (names.LONGER_RIGHT, names.SHORTER_RIGHT),
        ("the right one is longer", "the right one is shorter"),
    ),
)


def plots_of(benchmark: BenchmarkSummary, name: str) -> Sequence[Plot]:
    """All plots of a benchmark that have something to show.

    Args:
        benchmark: What was found.
        name: Put before the ids of the plots' parts; letters and digits.
    """
    made = (headlines(benchmark, name), costs(benchmark, name), *biases(benchmark, name), reliability(benchmark, name))
    return [plot for plot in made if plot is not None]


def headlines(benchmark: BenchmarkSummary, name: str) -> Plot | None:
    """The headline of judges and controls with intervals, against chance."""
    arms = [arm for arm in benchmark.arms if arm.headline.value is not None]
    if not arms:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _chance(axes, benchmark)
        for place, arm in enumerate(arms):
            _whisker(axes, place, arm.headline, _colour(benchmark, arm))
        _rows(axes, arms)
        _rate_axis(axes, benchmark)

    title = f"{names.headline_of(benchmark)} with 95 % intervals"
    return _plot(f"{name}a", names.capital(title), (_WIDTH, 0.6 + 0.27 * len(arms)), draw)


def costs(benchmark: BenchmarkSummary, name: str) -> Plot | None:
    """The headline over tokens a case, judges only; the best control as a line."""
    arms = [arm for arm in benchmark.arms if not arm.control and arm.headline.value is not None and tokens_each(arm)]
    if not arms:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        for arm in arms:
            _point(axes, benchmark, arm)
        _best_control(axes, benchmark)
        axes.margins(x=0.35, y=0.15)
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.set_xlabel("tokens a case, in and out (logarithmic)")

    return _plot(f"{name}b", f"{names.capital(names.headline_of(benchmark))} against cost", (_WIDTH, 2.7), draw)


def biases(benchmark: BenchmarkSummary, name: str) -> Iterable[Plot | None]:
    """Accuracy by the order of the responses, and by which of them is longer."""
    return [_bias(benchmark, two, f"{name}c{place}") for place, two in enumerate(_BIASES)]


def reliability(benchmark: BenchmarkSummary, name: str) -> Plot | None:
    """Accuracy over confidence, a panel for each judge that gave any; a dot's area is the share of the cases."""
    arms = [arm for arm in benchmark.arms if any(held.n for held in arm.reliability)]
    if not arms:
        return None

    def draw(figure: Figure) -> None:
        for place, arm in enumerate(arms):
            axes = figure.add_subplot(-(-len(arms) // 3), 3, place + 1)
            _panel(axes, arm.label, arm.reliability, _colour(benchmark, arm))

    return _plot(f"{name}d", "Accuracy over confidence", (2 * _WIDTH, 2.5 * -(-len(arms) // 3)), draw)


def calibration(held: Sequence[Bin], name: str) -> Plot:
    """Accuracy over confidence of one judge.

    Args:
        held: Its reliability curve.
        name: Put before the ids of the plot's parts; letters and digits.
    """
    title = "Accuracy over confidence"
    return _plot(name, title, (_WIDTH / 1.6, 2.6), lambda figure: _panel(figure.add_subplot(), "", held, SERIES[0]))


def _plot(name: str, title: str, size: tuple[float, float], draw: Callable[[Figure], None]) -> Plot:
    title = one_line(title, 2 * _NAME)
    with rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's browser has its own fonts
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return Plot(title, for_page(written.getvalue(), name, title, _PAGE))


def _bias(benchmark: BenchmarkSummary, two: _Two, name: str) -> Plot | None:
    arms = [arm for arm in benchmark.arms if all(_value(arm, metric) is not None for metric in two.metrics)]
    if not arms:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _chance(axes, benchmark)
        for place, arm in enumerate(arms):
            _pair(axes, place, [_value(arm, metric) or 0.0 for metric in two.metrics], _colour(benchmark, arm))
        _rows(axes, arms)
        for fill, label in zip((INK, PAPER), two.legend, strict=True):
            axes.plot([], [], "o", markerfacecolor=fill, markeredgecolor=INK, markersize=5, label=label)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, labelcolor=MUTED, handletextpad=0.2)

    return _plot(name, two.title, (_WIDTH, 0.85 + 0.27 * len(arms)), draw)


def _whisker(axes: Axes, place: int, estimate: Estimate, colour: str) -> None:
    value = estimate.value or 0.0
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=1.6)
    axes.plot([value], [place], "o", color=colour, markersize=5.5)


def _pair(axes: Axes, place: int, values: Sequence[float], colour: str) -> None:
    axes.plot(values, [place, place], color=colour, linewidth=1.6, zorder=1)
    axes.plot(values[:1], [place], "o", color=colour, markersize=6)
    axes.plot(values[1:], [place], "o", markerfacecolor=PAPER, markeredgecolor=colour, markersize=6)


def _point(axes: Axes, benchmark: BenchmarkSummary, arm: ArmSummary) -> None:
    colour, cost, value = _colour(benchmark, arm), tokens_each(arm), arm.headline.value or 0.0
    if arm.headline.low is not None and arm.headline.high is not None:
        axes.plot([cost, cost], [arm.headline.low, arm.headline.high], color=colour, linewidth=1.6)
    axes.plot([cost], [value], "o", color=colour, markersize=6)
    axes.annotate(one_line(arm.label, _NAME), (cost, value), (7, 0), textcoords="offset points", va="center")


def _best_control(axes: Axes, benchmark: BenchmarkSummary) -> None:
    controls = [arm for arm in benchmark.arms if arm.control and arm.headline.value is not None]
    if not controls:
        return
    best = max(controls, key=lambda arm: arm.headline.value or 0.0)
    axes.axhline(best.headline.value or 0.0, color=MUTED, linewidth=1, linestyle="--")
    label = f"best control: {one_line(best.label, _NAME)}"
    place = (1, best.headline.value or 0.0)
    axes.annotate(label, place, (-2, 3), ("axes fraction", "data"), "offset points", color=MUTED, ha="right")


def _panel(axes: Axes, label: str, bins: Sequence[Bin], colour: str) -> None:
    axes.set_title(one_line(label, _NAME))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    total = sum(held.n for held in bins)
    for held in bins:
        if held.confidence is None or held.accuracy.value is None:
            continue
        if held.accuracy.low is not None and held.accuracy.high is not None:
            axes.plot([held.confidence] * 2, [held.accuracy.low, held.accuracy.high], color=colour, linewidth=1.2)
        axes.scatter([held.confidence], [held.accuracy.value], s=10 + 160 * held.n / total, color=colour)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="accuracy")
    axes.tick_params(axis="y", labelcolor=MUTED)


def _rows(axes: Axes, arms: Sequence[ArmSummary]) -> None:
    axes.set_yticks(range(len(arms)), [one_line(arm.label, _NAME) for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _rate_axis(axes: Axes, benchmark: BenchmarkSummary) -> None:
    if benchmark.chance is not None:
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, benchmark.chance - 0.05), max(high, benchmark.chance + 0.05))


def _chance(axes: Axes, benchmark: BenchmarkSummary) -> None:
    chance = 0.0 if benchmark.chance is None else benchmark.chance
    axes.axvline(chance, color=MUTED, linewidth=1, linestyle="--")
    axes.annotate("chance", (chance, 1), (0, 2), ("data", "axes fraction"), "offset points", color=MUTED, ha="center")


def _colour(benchmark: BenchmarkSummary, arm: ArmSummary) -> str:
    judges = [other.label for other in benchmark.arms if not other.control]
    return MUTED if arm.control else SERIES[judges.index(arm.label) % len(SERIES)]


def _value(arm: ArmSummary, metric: str) -> float | None:
    estimate = arm.metrics.get(metric)
    return None if estimate is None else estimate.value
