"""What the figures share: the page with its heading and legend, and curves of error against k on a log axis.

Every line is told apart by lightness and by marker, so that a figure survives greyscale and colour blindness.
"""

import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullFormatter

ERROR_LABEL = "error ‖ŵ − w‖² (not divided by d)"
CHAIN_LABEL = "chain-of-thought steps k"
RC = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.markersize": 5,
    "svg.hashsalt": "cotscale",
}
INK = "#222222"
RAMP = LinearSegmentedColormap.from_list("ordered", ["#14213d", "#1f6f8b", "#3a9d8f", "#f2ab1c"])
MARKERS = "osD^vPX*"
WINDOW = (1e-40, 1e20)  # errors that a panel may show; lines leave it


@dataclass(frozen=True)
class Style:
    """How one line is drawn."""

    color: object
    marker: str

    def lighter(self):
        """The same line for a control: blended with white."""
        return Style(tuple(0.42 * channel + 0.58 for channel in to_rgb(self.color)), self.marker)


def ordered_styles(values):
    """A style for each of the ascending `values`, dark to light."""
    positions = np.linspace(0, 1, len(values)) if len(values) > 1 else [0.3]
    return {value: Style(RAMP(x), MARKERS[i % len(MARKERS)]) for i, (value, x) in enumerate(zip(values, positions))}


class Page:
    """A grid of panels below a heading, with legends in a column on the right; every length in inches."""

    LEFT, RIGHT, TOP, BOTTOM = 0.85, 2.45, 1.1, 0.6

    def __init__(self, rows, columns, panel, gap=(0.3, 0.6), sharey=False, left=LEFT, title_lines=2):
        """`panel` and `gap` are widths and heights of a panel and of the space between two, `left` the left margin.

        There is room for panel titles of so many lines.
        """
        more = 0.17 * max(0, title_lines - 2)
        gap, top = (gap[0], gap[1] + more), self.TOP + more
        width = left + columns * panel[0] + (columns - 1) * gap[0] + self.RIGHT
        height = top + rows * panel[1] + (rows - 1) * gap[1] + self.BOTTOM
        self.figure = Figure(figsize=(width, height))
        grid = {"left": left / width, "right": 1 - self.RIGHT / width, "wspace": gap[0] / panel[0]}
        grid |= {"bottom": self.BOTTOM / height, "top": 1 - top / height, "hspace": gap[1] / panel[1]}
        self.axes = self.figure.subplots(rows, columns, squeeze=False, sharey=sharey, gridspec_kw=grid)
        self.shares_y = sharey
        self._legend_top = top - 0.1
        self._exits = {}

    def heading(self, title, setting, note=None):
        """`note` says what the figure lacks."""
        width = self.figure.get_figwidth()
        left = (self.LEFT - 0.55) / width
        self.figure.text(left, self._from_top(0.16), title, va="top", fontsize=12.5, fontweight="bold", color=INK)
        self.figure.text(left, self._from_top(0.42), textwrap.fill(setting, 70), va="top", color="#444444")
        if note:
            box = dict(facecolor="#fff1cc", edgecolor="#8a6d00", linewidth=0.8, boxstyle="round,pad=0.35")
            place = dict(ha="right", va="top", fontweight="bold", bbox=box)
            self.figure.text(1 - 0.2 / width, self._from_top(0.18), note, **place)

    def label_outer(self, x_label, y_label):
        """Labels the left and the lowest panels of the grid and hides those without lines."""
        for axes in self.axes.flat:
            axes.set_visible(bool(axes.lines))
        for axes in self.axes[:, 0]:
            axes.set_ylabel(y_label)
        for column in self.axes.T:
            for axes in [axes for axes in column if axes.get_visible()][-1:]:
                axes.set_xlabel(x_label)

    def curve(self, axes, k, error, style, stderr=None, band=None, **line):
        """Draws error (k,), which may leave the axis, within limits that are set already.

        `stderr` (k,) adds error bars, `band`, a pair of (k,), a light area.
        """
        bottom, top = axes.get_ylim()
        line = {"color": style.color, "marker": style.marker, "linewidth": 1.6} | line
        every = -(-len(k) // 11)
        if band is not None:
            low, high = np.clip(band, bottom / 10, top * 10)
            axes.fill_between(k, low, high, color=style.color, alpha=0.14, linewidth=0)
        if stderr is not None:
            known = ((error < top) & np.isfinite(stderr))[::every]
            points = k[::every][known], error[::every][known], stderr[::every][known]
            axes.errorbar(*points, fmt="none", ecolor=style.color, elinewidth=1, capsize=2.5)
        diverged = np.isinf(error)
        visible = np.where(diverged, np.nan, error)
        if (error > top).any():
            first = np.argmax(error > top)
            if diverged[first]:
                visible[first] = top
            self._mark_exit(axes, _crossing(k, visible, first, top), style, diverged[first])
        axes.plot(k, visible, markevery=every, **line)

    def _mark_exit(self, axes, k, style, diverged):
        label = "+∞: a prompt diverged" if diverged else "leaves the axis"
        shape = dict(marker="^", markersize=8, markeredgecolor=style.color, linestyle="none", clip_on=False, zorder=4)
        shape["markerfacecolor"] = style.color if diverged else "white"
        axes.plot(k, 1, transform=axes.get_xaxis_transform(), **shape)
        neutral = {"markeredgecolor": INK, "markerfacecolor": INK if diverged else "white"}
        self._exits[label] = Line2D([], [], label=label, **shape | neutral)

    def exit_handles(self):
        """Legend entries for lines that left their axis."""
        return list(self._exits.values())

    def legend(self, title, handles):
        """Adds a legend below the previous one, if there is anything in it."""
        if not handles:
            return
        width, height = self.figure.get_size_inches()
        anchor = ((width - self.RIGHT + 0.15) / width, self._from_top(self._legend_top))
        place = dict(loc="upper left", bbox_to_anchor=anchor, borderaxespad=0, borderpad=0, alignment="left")
        legend = self.figure.legend(handles=handles, title=title, **place)
        self._legend_top += legend.get_window_extent().height / self.figure.dpi + 0.2

    def _from_top(self, inches):
        return 1 - inches / self.figure.get_figheight()


def _crossing(k, error, first, top):
    """Where the line reaches `top`, interpolated in log error; `error[first]` is the first value not below it."""
    if first == 0 or not 0 < error[first - 1] < error[first]:
        return k[first]
    step = np.log(top / error[first - 1]) / np.log(error[first] / error[first - 1])
    return k[first - 1] + step * (k[first] - k[first - 1])


def set_error_axis(axes, k, curves, window=WINDOW):
    """A log axis which holds what is finite in `curves`, cut to the window, against the steps k (k,)."""
    set_log_axis(axes, curves, window)
    margin = 0.03 * (k[-1] - k[0]) or 0.5
    axes.set_xlim(k[0] - margin, k[-1] + margin)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def set_log_axis(axes, curves, window=WINDOW):
    """A log axis upwards which holds what is finite in `curves`, cut to the window."""
    values = np.concatenate([np.ravel(curve) for curve in curves])
    values = np.log10(np.clip(values[np.isfinite(values) & (values > 0)], *window))
    low, high = (values.min(), values.max()) if values.size else (-1, 1)
    margin = max(0.05 * (high - low), 0.55 - 0.5 * (high - low))  # any axis holds a power of ten
    axes.set_yscale("log")
    axes.set_ylim(10.0 ** (low - margin), 10.0 ** (high + margin))
    axes.yaxis.set_major_formatter(lambda value, _: power_of_ten(value))
    axes.yaxis.set_minor_formatter(NullFormatter())


def power_of_ten(value):
    """10⁻³ for 0.001."""
    return "10" + f"{np.log10(value):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def line_handle(label, color=INK, **style):
    """A legend entry for a line."""
    return Line2D([], [], color=color, label=label, **style)


def style_handles(styles, label):
    """Legend entries that tell the lines apart; `label` is a pattern for their values."""
    return [line_handle(label.format(v), style.color, marker=style.marker) for v, style in styles.items()]


def band_handle(label):
    """A legend entry for a light area."""
    return Patch(facecolor=INK, alpha=0.16, linewidth=0, label=label)
