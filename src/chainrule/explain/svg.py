"""A drawing as SVG.

It is one self-contained element with a background of its own, without scripts, style sheets or ids,
so that any number of them can stand in one page, light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from chainrule.explain.drawing import Drawing, Frame
from chainrule.explain.glyphs import NAME, ROUND, SMALL, SYMBOL, VALUE, Glyph, Label, text_width
from chainrule.explain.layout import Point

__all__ = ["svg"]

_INK, _WIRE, _PAPER = "#24292f", "#6e7781", "#ffffff"
_FRAME, _FRAME_EDGE, _ALARM, _ALARM_EDGE = "#f3f6fa", "#c8d1da", "#fff4e0", "#d4861f"

# Green and red lean to blue and to yellow, so that they are told apart without seeing either.
_ROLES: dict[str, tuple[float, str, str]] = {  # size, colour, weight
    "value": (VALUE, "#00735c", "normal"),
    "gradient": (VALUE, "#c2330f", "normal"),
    "local": (SMALL, "#7443bd", "normal"),
    "symbol": (SYMBOL, _INK, "normal"),
    "input": (NAME, _INK, "bold"),
    "carried": (NAME, "#57606a", "bold"),
    "title": (SMALL + 1, "#57606a", "bold"),
    "code": (SMALL, "#57606a", "normal"),
}
_LEGEND_HEIGHT = 26.0
_SMALLEST = 0.75  # of the size that it is drawn in


def svg(drawing: Drawing, legend: Sequence[tuple[str, str]] | None = None) -> str:
    """Write a drawing as an SVG element.

    Args:
        drawing: everything in its place.
        legend: roles and what their colours mean; by default what they mean in an explanation.
    """
    legend = _legend(drawing) if legend is None else legend
    width = max(drawing.width, sum(text_width(text, SMALL) + 18 for _, text in legend) + 16)
    height = drawing.height + (_LEGEND_HEIGHT if legend else 0.0)
    title = escape(drawing.title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-label="{title}" '
        # Smaller in a narrow place, down to what can still be read.
        f'style="max-width:100%;min-width:{_n(_SMALLEST * width)}px;height:auto" '
        f'font-family="monospace">',
        f"<title>{title}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/>',
    ]
    parts.extend(_frame(frame) for frame in drawing.frames)
    parts.append(f'<g fill="none" stroke="{_WIRE}" stroke-width="1.3">')
    parts.extend(f'<path d="{_curve(route)}"/>' for route in drawing.wires if len(route) > 1)
    parts.append("</g>")
    parts.extend(
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.6" fill="{_WIRE}"/>' for x, y in drawing.forks
    )
    parts.extend(_glyph(glyph) for glyph in drawing.glyphs)
    x = 14.0
    for role, text in legend:
        parts.append(_label(Label(x, height - 11, text, role), SMALL))
        x += text_width(text, SMALL) + 18
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _legend(drawing: Drawing) -> list[tuple[str, str]]:
    """Say what the colours of the numbers mean, of those that there are."""
    arrays = drawing.has_arrays
    texts = {
        "value": "value (arrays: shape and norm)" if arrays else "value",
        "gradient": "gradient",
        "local": f"×local gradient{' (arrays: growth of the norm)' if arrays else ''}",
    }
    written = {label.role for glyph in drawing.glyphs for label in glyph.labels if label.text}
    return [(role, text) for role, text in texts.items() if role in written]


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _curve(points: Sequence[Point]) -> str:
    """Draw a wire: straight where it is level, and bent like an S where it climbs."""
    (x, y), *rest = points
    steps = [f"M{_n(x)} {_n(y)}"]
    for nx, ny in rest:
        if abs(ny - y) < 0.05:
            steps.append(f"H{_n(nx)}")
        else:
            middle = _n((x + nx) / 2)
            steps.append(f"C{middle} {_n(y)} {middle} {_n(ny)} {_n(nx)} {_n(ny)}")
        x, y = nx, ny
    return "".join(steps)


def _frame(frame: Frame) -> str:
    fill, edge = (_ALARM, _ALARM_EDGE) if frame.alarming else (_FRAME, _FRAME_EDGE)
    title = _label(Label(frame.x + 9, frame.y + 14, frame.title, "title"))
    return (
        f'<g><rect x="{_n(frame.x)}" y="{_n(frame.y)}" width="{_n(frame.width)}" '
        f'height="{_n(frame.height)}" rx="9" fill="{fill}" stroke="{edge}"/>'
        f"<title>{escape(frame.about)}</title>{title}</g>"
    )


def _glyph(glyph: Glyph) -> str:
    parts = [f'<g transform="translate({_n(glyph.x)} {_n(glyph.y)})">']
    if glyph.about:
        parts.append(f"<title>{escape(glyph.about)}</title>")
    for stub in glyph.stubs:
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in stub)
        parts.append(f'<path d="{path}" fill="none" stroke="{_WIRE}" stroke-width="1.3"/>')
    if glyph.half_width:
        edge = _ROLES[glyph.tone][1] if glyph.tone else _INK
        fill, edge = (_ALARM, _ALARM_EDGE) if glyph.alarming else (_PAPER, edge)
        radius = min(glyph.half_height, ROUND)
        parts.append(
            f'<rect x="{_n(glyph.body - glyph.half_width)}" '
            f'y="{_n(glyph.box.plug - glyph.half_height)}" '
            f'width="{_n(2 * glyph.half_width)}" height="{_n(2 * glyph.half_height)}" '
            f'rx="{_n(radius)}" fill="{fill}" stroke="{edge}" stroke-width="1.3"/>'
        )
    parts.extend(_arrowhead(place, direction) for place, direction in glyph.tips)
    parts.extend(_label(label) for label in glyph.labels if label.text)
    parts.append("</g>")
    return "".join(parts)


def _arrowhead(tip: Point, direction: float) -> str:
    corners = [tip]
    for side in (-0.42, 0.42):
        angle = direction + side
        corners.append((tip[0] - 6 * math.cos(angle), tip[1] - 6 * math.sin(angle)))
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
    return f'<polygon points="{points}" fill="{_WIRE}"/>'


def _label(label: Label, size: float | None = None) -> str:
    standard, colour, weight = _ROLES[label.role]
    bold = f' font-weight="{weight}"' if weight != "normal" else ""
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    return (
        f'<text x="{_n(label.x)}" y="{_n(label.y)}" font-size="{_n(size or standard)}" '
        f'fill="{colour}"{bold}{anchor}>{escape(label.text)}</text>'
    )
