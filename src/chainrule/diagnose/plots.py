"""Pictures of signals and gradients: layer by layer, and over time. Drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.diagnose.spread import Course, Spread
from chainrule.explain.activations import RANGES

__all__ = ["by_layer", "over_time"]

_BINS = 40
_DECADES = 12.0  # of gradients that are shown
_INK, _PALE = "#1f4e8c", "#b3c7e0"
_TINY = 1e-30  # what a gradient of 0 is drawn as, if there is no other


def by_layer(title: str, profile: Sequence[Spread]) -> Any:
    """Draw a histogram of each activation function, and of each weight's gradient.

    Raises:
        ImportError: there is no matplotlib.
        ValueError: there is nothing to draw.
    """
    columns = [[s for s in profile if s.what == what] for what in ("activation", "gradient")]
    shown = [column for column in columns if column]
    if not shown:
        raise ValueError(f"{title}: there are no activations and no gradients to draw")
    rows = max(map(len, shown))
    figure = _figure(4.2 * len(shown), 1.3 * rows + 0.8)
    axes = figure.subplots(rows, len(shown), squeeze=False)
    for k, column in enumerate(shown):
        ranges = _common(column)
        for row in range(rows):
            axis = axes[row][k]
            if row >= len(column):
                axis.set_visible(False)
                continue
            spread = column[row]
            values, (low, high) = _drawn(spread.what, spread.values), ranges[row]
            axis.hist(np.clip(values, low, high), bins=_BINS, range=(low, high), color=_INK)
            axis.set_yticks([])
            axis.set_xlim(low, high)
            axis.set_title(f"{_named(spread)}: {_said(spread)}", fontsize=8, loc="left")
            _plain(axis)
    figure.suptitle(title, fontsize=10)
    return figure


def over_time(
    losses: Sequence[float], history: Mapping[str, Any], courses: Sequence[Course]
) -> Any:
    """Draw the loss, the sizes of steps, and each signal and gradient as it spreads over time.

    Raises:
        ImportError: there is no matplotlib.
        ValueError: nothing was looked at.
    """
    courses = [course for course in courses if course.samples]
    if not losses or not history:
        raise ValueError("the monitor has not looked at a step yet")
    columns = [[c for c in courses if c.what == what] for what in ("activation", "gradient")]
    rows = 1 + max(map(len, columns))
    figure = _figure(8.4, 1.7 * rows + 0.6)
    axes = figure.subplots(rows, 2, squeeze=False)
    _draw_losses(axes[0][0], losses)
    _draw_updates(axes[0][1], history, [course.name for course in columns[1]])
    for k, column in enumerate(columns):
        ranges = _common([_together(course) for course in column])
        for row in range(1, rows):
            axis = axes[row][k]
            if row > len(column):
                axis.set_visible(False)
                continue
            course = column[row - 1]
            _draw_course(axis, course, ranges[row - 1])
            axis.set_title(_named(course), fontsize=8, loc="left")
    for axis in axes.flat:
        axis.set_xlim(0, len(losses))
    longest = max(range(2), key=lambda k: len(columns[k]))
    axes[rows - 1][longest].set_xlabel("step", fontsize=8)
    return figure


def _draw_losses(axis: Any, losses: Sequence[float]) -> None:
    values = np.asarray(losses, dtype=float)
    steps = np.arange(1, len(values) + 1)
    finite = np.isfinite(values)
    axis.plot(steps[finite], values[finite], color=_PALE, linewidth=0.8)
    smooth = _smoothed(values[finite])
    axis.plot(steps[finite], smooth, color=_INK, linewidth=1.4)
    if finite.any() and values[finite].min() > 0:
        axis.set_yscale("log")
    axis.set_title("loss", fontsize=8, loc="left")
    _plain(axis)


def _draw_updates(axis: Any, history: Mapping[str, Any], weights: Sequence[str]) -> None:
    import matplotlib

    names = weights or [n.removeprefix("update ") for n in history if n.startswith("update ")]
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, max(len(names), 1)))
    steps = np.asarray(history["step"])
    for name, colour in zip(names, colours, strict=True):
        sizes = np.asarray(history[f"update {name}"], dtype=float)
        drawn = np.isfinite(sizes) & (sizes > 0) & (sizes < 1e12)  # not of what begins at 0
        axis.plot(steps[drawn], sizes[drawn], color=colour, linewidth=1, label=name)
    axis.axhline(1e-3, color="#888888", linewidth=0.8, linestyle="--")
    axis.set_yscale("log")
    axis.set_title("update to weight (1e-3 is usual)", fontsize=8, loc="left")
    if 0 < len(names) <= 4:
        axis.legend(fontsize=6, framealpha=0.7, edgecolor="none")
    _plain(axis)


def _draw_course(axis: Any, course: Course, limits: tuple[float, float]) -> None:
    """Draw a histogram for each look, side by side: the darker, the more entries."""
    low, high = limits
    counts = np.array(
        [
            np.histogram(np.clip(_drawn(course.what, x), low, high), _BINS, (low, high))[0] / len(x)
            for x in course.samples
        ]
    )
    steps = np.asarray(course.steps, dtype=float)
    width = (steps[-1] - steps[0]) / (len(steps) - 1) if len(steps) > 1 else 1.0
    edges = np.append(steps, steps[-1] + width)
    axis.pcolormesh(
        edges,
        np.linspace(low, high, _BINS + 1),
        np.sqrt(counts.T),  # rare entries are seen, too
        cmap="Blues",
        vmin=0,
        rasterized=True,
    )
    _plain(axis)


def _together(course: Course) -> Spread:
    return Spread(course.what, course.name, np.concatenate(course.samples), course.kind)


def _common(spreads: Sequence[Spread]) -> list[tuple[float, float]]:
    """Return the ranges of axes: gradients are comparable by having the same."""
    ranges = [_range(spread) for spread in spreads]
    if spreads and spreads[0].what == "gradient":
        high = max(b for _, b in ranges)
        low = max(min(a for a, _ in ranges), high - _DECADES)
        return [(low, high)] * len(ranges)
    return ranges


def _range(spread: Spread) -> tuple[float, float]:
    low, high = RANGES.get(spread.kind, (-np.inf, np.inf))
    if np.isfinite(high):
        return low, high
    values = _drawn(spread.what, spread.values)
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, [0.5, 99.5])
    low = min(low, 0.0) if spread.what == "activation" else max(low, high - _DECADES)
    low, high = float(low), float(high)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _drawn(what: str, values: Any) -> Any:
    values = values[np.isfinite(values)]
    if what == "activation":
        return values
    values = np.abs(values[values != 0])
    return np.log10(values) if values.size else np.log10([_TINY])


def _named(shown: Spread | Course) -> str:
    if shown.what == "gradient":
        return f"gradient of {shown.name}, powers of ten"
    return f"{shown.name} ({shown.kind})"


def _said(spread: Spread) -> str:
    values = spread.values[np.isfinite(spread.values)]
    if not values.size:
        return "not finite"
    if spread.what == "gradient":
        zero = float(np.mean(values == 0))
        more = f", {zero:.0%} are 0" if zero > 0.01 else ""
        return f"RMS {np.sqrt(np.mean(values**2)):.1e}{more}"
    if spread.kind == "relu":
        return f"{np.mean(values <= 0):.0%} are 0"
    ends = RANGES[spread.kind]
    near = 0.015 * (ends[1] - ends[0])  # where the slope is below 0.06 of the largest
    flat = np.mean((values < ends[0] + near) | (values > ends[1] - near))
    return f"{flat:.0%} saturated"


def _smoothed(values: Any) -> Any:
    """Return means over neighbours, a twentieth of all."""
    half = max(len(values) // 40, 1)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    places = np.arange(len(values))
    starts, ends = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    return (sums[ends] - sums[starts]) / (ends - starts)


def _plain(axis: Any) -> None:
    axis.tick_params(which="both", labelsize=7)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'chainrule[plots]'") from None
    return Figure(figsize=(width, height), layout="constrained")
