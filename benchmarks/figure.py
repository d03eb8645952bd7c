"""The races as a picture, once on white and once on black."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verdicts import ours

#: Okabe and Ito's colours, which colour-blind people can tell apart, and a shape for each.
_STYLES = {
    "jax.jit": ("#E69F00", "o"),
    "torch": ("#56B4E9", "s"),
    "torch.compile": ("#009E73", "D"),
    "autograd": ("#CC79A7", "^"),
    "Numba": ("#D55E00", "v"),
    "CasADi": ("#0072B2", "P"),
}
_THEMES = {"light": ("#1f2328", "#d0d7de"), "dark": ("#e6edf3", "#3d444d")}


def draw(races: dict[str, Any], folder: Path) -> None:
    """Write benchmarks-light.svg and benchmarks-dark.svg."""
    for theme, (ink, faint) in _THEMES.items():
        _draw(races, folder / f"benchmarks-{theme}.svg", ink, faint)


def _draw(races: dict[str, Any], path: Path, ink: str, faint: str) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    settings = {
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": faint,
        "xtick.color": ink,
        "ytick.color": ink,
        "font.size": 10,
        "font.family": "sans-serif",
        "svg.hashsalt": "chainrule",  # the same numbers give the same file
    }
    threads = sorted({key.split("/")[1] for key in races})
    names = list(dict.fromkeys(key.split("/")[0] for key in races))
    with pyplot.rc_context(settings):
        size = (4.4 * len(threads) + 1.2, 0.42 * len(names) + 1.9)
        figure, panels = pyplot.subplots(
            1, len(threads), figsize=size, sharex=True, sharey=True, squeeze=False
        )
        for axes, number in zip(panels[0], threads, strict=True):
            _panel(axes, {name: races.get(f"{name}/{number}", {}) for name in names}, ink, faint)
            axes.set_title(f"{number} thread{'s' if number != '1' else ''}", fontsize=11)
        handles = {}
        for axes in panels[0]:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=4, frameon=False)
        figure.supxlabel(
            "time of a call, chainrule = 1", y=0.58 / size[1], va="bottom", fontsize=10
        )
        figure.tight_layout(rect=(0, 0.55 / size[1], 1, 1))
        figure.savefig(path, transparent=True, metadata={"Date": None})
        pyplot.close(figure)


def _panel(axes: Any, races: dict[str, Any], ink: str, faint: str) -> None:
    axes.set_xscale("log")
    axes.axvline(1, color=ink, linewidth=1.5, label="chainrule")
    rows = list(enumerate(races.items()))
    for label, (colour, marker) in _STYLES.items():
        points = [
            (race["peers"][label]["seconds"] / ours(race), k)
            for k, (_, race) in rows
            if ours(race) and label in race["peers"]
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=colour, label=label, zorder=3)
    floors = [(race["floors"]["floor"] / ours(race), k) for k, (_, race) in rows if ours(race)]
    if floors:
        axes.plot(
            *zip(*floors, strict=True),
            "|",
            color=ink,
            markersize=14,
            markeredgewidth=2,
            label="floor",
            zorder=3,
        )
    axes.set_yticks(range(len(races)), list(races))
    axes.set_ylim(len(races) - 0.5, -0.5)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(axis="x", color=faint, linewidth=0.6)
    axes.grid(axis="y", color=faint, linewidth=0.4)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
