"""Inputs and gates as they are drawn: symbol, wire ends, and the numbers beside them.

All text of a gate stands inside its box, so it never meets a wire or another text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.explain.circuit import Group, Vertex, norm_text, wire_text
from chainrule.explain.layout import Box, Point
from chainrule.explain.numbers import brief, columns, is_scalar

__all__ = [
    "NAME",
    "ROUND",
    "SMALL",
    "SYMBOL",
    "VALUE",
    "Glyph",
    "Label",
    "gate",
    "loop_box",
    "operation",
    "origin",
    "source",
    "stage_box",
    "text_width",
]

VALUE, SMALL, NAME, SYMBOL = 11.0, 9.5, 12.0, 11.0  # font sizes
_ADVANCE = 0.62  # of a monospace font, in em; a little more than any common one has
ROUND = 17.0  # radius of a gate


def text_width(text: str, size: float) -> float:
    """Return how wide a text is in a monospace font."""
    return columns(text) * size * _ADVANCE


@dataclass(slots=True)
class Label:
    """A text: its left end, middle or right end on the base line, as anchor says."""

    x: float
    y: float
    text: str
    role: str  # "value", "gradient", "local", "symbol", "input", "carried", "title", "code"
    anchor: str = "start"


@dataclass(slots=True)
class Glyph:
    """An input or gate: its box, its body (half width 0 for an input) and what stands beside it."""

    box: Box
    half_width: float
    half_height: float
    body: float = 0.0  # how far right of the box's left edge the middle of the body is
    labels: list[Label] = field(default_factory=list)
    stubs: list[list[Point]] = field(default_factory=list)
    tips: list[tuple[Point, float]] = field(default_factory=list)  # arrowheads: place, direction
    about: str = ""
    alarming: bool = False
    tone: str = ""  # the role whose colour its edge has
    x: float = 0.0
    y: float = 0.0


def _labels_of_wire(vertex: Vertex) -> tuple[str, str]:
    value = wire_text(vertex.value)
    gradient = "" if vertex.gradient is None else norm_text(vertex.gradient)
    if not is_scalar(vertex.value) and is_scalar(vertex.gradient) and gradient:
        gradient = f"‖{gradient}‖"
    return value, gradient


def _add_plug(glyph: Glyph, start: float, value: str, gradient: str, mark: str = "") -> None:
    """Write value and gradient above and below the wire that goes out, and draw its beginning."""
    above = text_width(value, VALUE)
    middle = glyph.box.plug
    glyph.labels.append(Label(start + 4, middle - 4, value, "value"))
    if mark:
        glyph.labels.append(Label(start + 9 + above, middle - 4, mark, "carried"))
        above += 5 + text_width(mark, NAME)
    if gradient:
        glyph.labels.append(Label(start + 4, middle + 12, gradient, "gradient"))
    length = max(above, text_width(gradient, VALUE)) + 8
    glyph.stubs.append([(start, middle), (start + length, middle)])
    glyph.box.width = start + length


def origin(vertex: Vertex, name: str, alarm: str = "") -> Glyph:
    """Draw where a wire begins: an input, or a value that is carried over from above."""
    label = f"! {name}" if alarm else name
    role, about = (
        ("input", f"input {name}") if vertex.is_input else ("carried", f"{name}, from above")
    )
    return source(label, role, *_labels_of_wire(vertex), f"{about}\n{alarm}".rstrip())


def source(label: str, role: str, value: str, gradient: str = "", about: str = "") -> Glyph:
    """Draw the beginning of a wire: its name, and what is written above and below the wire."""
    glyph = Glyph(Box(0.0, 32.0, (), 16.0), 0.0, 0.0, about=about)
    glyph.labels.append(Label(0.0, 20.0, label, role))
    _add_plug(glyph, text_width(label, NAME) + 5, value, gradient)
    return glyph


def _body(label: str) -> tuple[float, float]:
    """Return half width and height: a circle where the symbol fits into one, else a capsule."""
    half = text_width(label, SYMBOL) / 2 + 5
    return (ROUND if half <= ROUND else half + 3), ROUND


def gate(vertex: Vertex, about: str, mark: str = "") -> Glyph:
    """Draw one operation; its value is carried on to another row under a mark."""
    locals_ = [("" if lead.local is None else f"×{brief(lead.local)}") for lead in vertex.leads]
    return operation(vertex.label, locals_, *_labels_of_wire(vertex), mark, about)


def operation(
    label: str,
    locals_: Sequence[str],
    value: str = "",
    gradient: str = "",
    mark: str = "",
    about: str = "",
) -> Glyph:
    """Draw a gate: the symbol in it, a text for each wire that comes in, and those at its plug."""
    half_width, half_height = _body(label)
    count = len(locals_)
    spread = 18.0 if count == 2 else 17.0
    height = max(2 * half_height + 6, spread * (count - 1) + 26)
    middle = height / 2
    sockets = [middle + spread * (k - (count - 1) / 2) for k in range(count)]
    longest = max((text_width(text, SMALL) for text in locals_), default=0.0)
    lead_in = longest + 8 if longest else 0.0
    body = lead_in + (14.0 if count > 1 else 5.0) + half_width
    glyph = Glyph(Box(0.0, height, sockets, middle), half_width, half_height, body, about=about)
    glyph.labels.append(Label(body, middle + 4.2, label, "symbol", "middle"))
    for k, (socket, text) in enumerate(zip(sockets, locals_, strict=True)):
        below = count > 1 and k == count - 1
        glyph.labels.append(Label(4, socket + (10 if below else -3.5), text, "local"))
        tip, direction = _touch((lead_in, socket), (body, middle), half_width, half_height)
        glyph.stubs.append([(0.0, socket), (lead_in, socket), tip])
        glyph.tips.append((tip, direction))
    _add_plug(glyph, body + half_width, value, gradient, mark)
    return glyph


def _touch(start: Point, middle: Point, rx: float, ry: float) -> tuple[Point, float]:
    """Return where a line towards the middle of a body meets its edge, and its angle."""
    core = max(rx - ry, 0.0)  # a capsule is a segment with a radius
    x, y = middle[0] - core, middle[1]
    angle = math.atan2(y - start[1], x - start[0])
    return (x - ry * math.cos(angle), y - ry * math.sin(angle)), angle


_LINES = 8  # of a loop's body
_COLUMNS = 52  # of each


def loop_box(vertex: Vertex, group: Group, sockets: int, alarm: str) -> Glyph:
    """Draw a loop as one box: its head, and below it the lines of its body."""
    body = list(group.body)
    if len(body) > _LINES:
        body = [*body[: _LINES - 1], f"... {len(body) - _LINES + 1} lines more"]
    body = [line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…" for line in body]
    title = f"! {group.name}" if alarm else group.name
    widest = max([text_width(title, SYMBOL), *(text_width(f"  {x}", SMALL) for x in body)])
    half_width = widest / 2 + 10
    height = max(24.0 + 13.0 * len(body), 14.0 * sockets + 12)
    middle = height / 2
    places = [middle + 14.0 * (k - (sockets - 1) / 2) for k in range(sockets)]
    glyph = Glyph(Box(0.0, height, places, middle), half_width, middle, half_width)
    glyph.about, glyph.alarming = f"{group.text}\n{alarm}".rstrip(), bool(alarm)
    glyph.labels.append(Label(10.0, 15.0, title, "symbol"))
    for k, line in enumerate(body):
        text = line.lstrip()
        indent = text_width(" " * (2 + len(line) - len(text)), SMALL)
        glyph.labels.append(Label(10.0 + indent, 29.0 + 13.0 * k, text, "code"))
    glyph.tips = [((0.0, place), 0.0) for place in places]
    _add_plug(glyph, 2 * half_width, *_labels_of_wire(vertex))
    return glyph


def stage_box(vertex: Vertex, group: Group, sockets: int, alarm: str) -> Glyph:
    """Draw a whole stage as one box: its name, and as much of its code as fits."""
    code = group.text if len(group.text) <= 30 else group.text[:29] + "…"
    title = group.name or vertex.label
    title = f"! {title}" if alarm else title
    half_width = max(text_width(title, SYMBOL), text_width(code, SMALL)) / 2 + 8
    height = max(40.0, 14.0 * sockets + 12)
    middle = height / 2
    places = [middle + 14.0 * (k - (sockets - 1) / 2) for k in range(sockets)]
    glyph = Glyph(Box(0.0, height, places, middle), half_width, middle, half_width)
    glyph.about, glyph.alarming = f"{group.text}\n{alarm}".rstrip(), bool(alarm)
    glyph.labels.append(Label(half_width, middle - 3, title, "symbol", "middle"))
    glyph.labels.append(Label(half_width, middle + 11, code, "code", "middle"))
    glyph.tips = [((0.0, place), 0.0) for place in places]
    _add_plug(glyph, 2 * half_width, *_labels_of_wire(vertex))
    return glyph
