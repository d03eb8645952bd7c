"""A circuit on paper: the size of every gate, and where everything is.

Stages are laid out by themselves first and then as boxes among the inputs, so frames never overlap.
All text stands inside the box of a gate, so it never meets a wire or another text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.errors import UnsupportedError
from chainrule.explain.circuit import Circuit, Group, Vertex, norm_text, wire_text
from chainrule.explain.layout import Box, Point, Wire, layered
from chainrule.explain.numbers import brief, columns, is_scalar

__all__ = [
    "MOST_GATES",
    "NAME",
    "ROUND",
    "SMALL",
    "SYMBOL",
    "VALUE",
    "Drawing",
    "Frame",
    "Glyph",
    "Label",
    "draw",
    "text_width",
]

#: Above this many gates stages are drawn as one box each.
MOST_GATES = 60
_MOST_STAGES = 250

VALUE, SMALL, NAME, SYMBOL = 11.0, 9.0, 12.0, 11.0  # font sizes
_ADVANCE = 0.62  # of a monospace font, in em; a little more than any common one has
ROUND = 17.0  # radius of a gate
_MARGIN = 16.0
_TITLE = 20.0  # height of a frame's title
_PAD = 10.0


def text_width(text: str, size: float) -> float:
    """Return how wide a text is in a monospace font."""
    return columns(text) * size * _ADVANCE


@dataclass(slots=True)
class Label:
    """A text: its left end, middle or right end on the base line, as anchor says."""

    x: float
    y: float
    text: str
    role: str  # "value", "gradient", "local", "symbol", "input", "title", "code"
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
    x: float = 0.0
    y: float = 0.0


@dataclass(slots=True)
class Frame:
    """A stage's rounded rectangle."""

    x: float
    y: float
    width: float
    height: float
    title: str
    about: str
    alarming: bool


@dataclass(slots=True)
class Drawing:
    """Everything in its place."""

    title: str
    width: float
    height: float
    frames: list[Frame] = field(default_factory=list)
    glyphs: list[Glyph] = field(default_factory=list)
    wires: list[list[Point]] = field(default_factory=list)
    forks: list[Point] = field(default_factory=list)  # where the wires of one plug part


def draw(circuit: Circuit, alarms: Mapping[str, str] | None = None) -> Drawing:
    """Lay a circuit out.

    Args:
        circuit: what to draw.
        alarms: what was found at the stages of these names; their frames are marked.

    Raises:
        UnsupportedError: it has so many stages that nobody could read it.
    """
    if len(circuit.groups) > _MOST_STAGES:
        raise UnsupportedError(
            f"a picture of {len(circuit.groups)} stages could not be read: explain a part of the "
            "function or a shorter loop, or read the text"
        )
    gates = sum(not vertex.is_input for vertex in circuit.vertices)
    folded = gates > MOST_GATES
    blocks = [_block(circuit, group, folded, alarms or {}) for group in circuit.groups]
    return _assemble(circuit, blocks)


# Single gates.


def _labels_of_wire(vertex: Vertex) -> tuple[str, str]:
    value = wire_text(vertex.value)
    gradient = "" if vertex.gradient is None else norm_text(vertex.gradient)
    if not is_scalar(vertex.value) and is_scalar(vertex.gradient) and gradient:
        gradient = f"‖{gradient}‖"
    return value, gradient


def _add_plug(glyph: Glyph, vertex: Vertex, start: float) -> None:
    """Write value and gradient above and below the wire that goes out, and draw its beginning."""
    value, gradient = _labels_of_wire(vertex)
    length = max(text_width(value, VALUE), text_width(gradient, VALUE)) + 8
    middle = glyph.box.plug
    glyph.labels.append(Label(start + 4, middle - 4, value, "value"))
    if gradient:
        glyph.labels.append(Label(start + 4, middle + 12, gradient, "gradient"))
    glyph.stubs.append([(start, middle), (start + length, middle)])
    glyph.box.width = start + length


def _input(vertex: Vertex) -> Glyph:
    width = text_width(vertex.label, NAME)
    glyph = Glyph(Box(0.0, 32.0, (), 16.0), 0.0, 0.0, about=f"input {vertex.label}")
    glyph.labels.append(Label(0.0, 20.0, vertex.label, "input"))
    _add_plug(glyph, vertex, width + 5)
    return glyph


def _body(label: str) -> tuple[float, float]:
    """Return half width and height: a circle where the symbol fits into one, else a capsule."""
    half = text_width(label, SYMBOL) / 2 + 5
    return (ROUND if half <= ROUND else half + 3), ROUND


def _gate(vertex: Vertex, about: str) -> Glyph:
    locals_ = [("" if lead.local is None else f"×{brief(lead.local)}") for lead in vertex.leads]
    half_width, half_height = _body(vertex.label)
    count = len(locals_)
    spread = 18.0 if count == 2 else 17.0
    height = max(2 * half_height + 6, spread * (count - 1) + 26)
    middle = height / 2
    sockets = [middle + spread * (k - (count - 1) / 2) for k in range(count)]
    longest = max((text_width(text, SMALL) for text in locals_), default=0.0)
    lead_in = longest + 8
    body = lead_in + (14.0 if count > 1 else 5.0) + half_width
    glyph = Glyph(Box(0.0, height, sockets, middle), half_width, half_height, body, about=about)
    glyph.labels.append(Label(body, middle + 4.2, vertex.label, "symbol", "middle"))
    for k, (socket, text) in enumerate(zip(sockets, locals_, strict=True)):
        below = count > 1 and k == count - 1
        glyph.labels.append(Label(4, socket + (10 if below else -3.5), text, "local"))
        tip, direction = _touch((lead_in, socket), (body, middle), half_width, half_height)
        glyph.stubs.append([(0.0, socket), (lead_in, socket), tip])
        glyph.tips.append((tip, direction))
    _add_plug(glyph, vertex, body + half_width)
    return glyph


def _touch(start: Point, middle: Point, rx: float, ry: float) -> tuple[Point, float]:
    """Return where a line towards the middle of a body meets its edge, and its angle."""
    core = max(rx - ry, 0.0)  # a capsule is a segment with a radius
    x, y = middle[0] - core, middle[1]
    angle = math.atan2(y - start[1], x - start[0])
    return (x - ry * math.cos(angle), y - ry * math.sin(angle)), angle


def _folded(vertex: Vertex, group: Group, sockets: int) -> Glyph:
    """Draw a whole stage as one box: its name, and as much of its code as fits."""
    code = group.text if len(group.text) <= 30 else group.text[:29] + "…"
    title = group.name or vertex.label
    half_width = max(text_width(title, SYMBOL), text_width(code, SMALL)) / 2 + 8
    height = max(40.0, 14.0 * sockets + 12)
    middle = height / 2
    places = [middle + 14.0 * (k - (sockets - 1) / 2) for k in range(sockets)]
    glyph = Glyph(Box(0.0, height, places, middle), half_width, middle, half_width)
    glyph.about = group.text
    glyph.labels.append(Label(half_width, middle - 3, title, "symbol", "middle"))
    glyph.labels.append(Label(half_width, middle + 11, code, "code", "middle"))
    glyph.tips = [((0.0, place), 0.0) for place in places]
    _add_plug(glyph, vertex, 2 * half_width)
    return glyph


# Stages.


@dataclass(slots=True)
class _Block:
    """A stage laid out by itself: its box, whose sockets belong to ``sources``, and its parts."""

    box: Box
    sources: list[int]
    frame: Frame | None
    glyphs: list[Glyph]
    wires: list[list[Point]]
    forks: list[Point]


def _block(circuit: Circuit, group: Group, folded: bool, alarms: Mapping[str, str]) -> _Block:
    inside = {v: k for k, v in enumerate(group.vertices)}
    sources: list[int] = []
    for v in group.vertices:
        for lead in circuit.vertices[v].leads:
            if lead.source not in inside and lead.source not in sources:
                sources.append(lead.source)
    alarm = alarms.get(group.name, "")
    about = f"{group.text}\n{alarm}" if alarm else group.text
    last = circuit.vertices[group.vertices[-1]]
    if folded:
        glyph = _folded(last, group, len(sources))
        return _Block(glyph.box, sources, None, [glyph], [], [])
    glyphs = [_gate(circuit.vertices[v], group.text) for v in group.vertices]
    ports = [Box(0.0, 0.0) for _ in sources]
    shift = len(ports)
    at = {source: k for k, source in enumerate(sources)}
    at.update({v: shift + k for v, k in inside.items()})
    wires = [
        Wire(at[lead.source], shift + k, s)
        for k, v in enumerate(group.vertices)
        for s, lead in enumerate(circuit.vertices[v].leads)
    ]
    layout = layered([*ports, *(glyph.box for glyph in glyphs)], wires, gap=10.0, distance=10.0)
    left, top, bottom = (_PAD, _TITLE, 8.0) if group.name else (0.0, 0.0, 0.0)
    for glyph, (x, y) in zip(glyphs, layout.corners[shift:], strict=True):
        glyph.x, glyph.y = x + left, y + top
    width = max(layout.width + 2 * left, text_width(group.name, SMALL + 1) + 18)
    height = layout.height + top + bottom
    routes = [[(x + left, y + top) for x, y in route] for route in layout.routes]
    forks = _forks(wires, routes)
    heights = [layout.corners[k][1] + top for k in range(shift)]
    routes.extend([(0.0, y), (left, y)] for y in heights)
    end = glyphs[-1]
    plug = end.y + end.box.plug
    routes.append([(end.x + end.box.width, plug), (width, plug)])
    frame = Frame(0.0, 0.0, width, height, group.name, about, bool(alarm)) if group.name else None
    return _Block(Box(width, height, heights, plug), sources, frame, glyphs, routes, forks)


def _forks(wires: Sequence[Wire], routes: Sequence[list[Point]]) -> list[Point]:
    """Find where wires of one plug part: the last point that all of them go through."""
    together: dict[int, list[list[Point]]] = {}
    for wire, route in zip(wires, routes, strict=True):
        together.setdefault(wire.source, []).append(route)
    forks = []
    for shared in together.values():
        common = [points[0] for points in zip(*shared, strict=False) if len(set(points)) == 1]
        if len(shared) > 1:
            forks.append(common[-1])
    return forks


def _assemble(circuit: Circuit, blocks: Sequence[_Block]) -> Drawing:
    """Place inputs, stages and the arrow of the result beside one another."""
    if not circuit.vertices:  # the result depends on nothing
        return Drawing(circuit.title, 2 * _MARGIN, 2 * _MARGIN)
    inputs = [k for k, vertex in enumerate(circuit.vertices) if vertex.is_input]
    glyphs = [_input(circuit.vertices[k]) for k in inputs]
    place = {v: k for k, v in enumerate(inputs)}
    for k, group in enumerate(circuit.groups):
        place[group.vertices[-1]] = len(inputs) + k
    boxes = [glyph.box for glyph in glyphs] + [block.box for block in blocks]
    wires = [
        Wire(place[source], len(inputs) + k, s)
        for k, block in enumerate(blocks)
        for s, source in enumerate(block.sources)
    ]
    boxes.append(Box(10.0, 10.0, (5.0,), 5.0))
    wires.append(Wire(place[len(circuit.vertices) - 1], len(boxes) - 1))
    layout = layered(boxes, wires)
    drawing = Drawing(circuit.title, layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN)
    corners = [(x + _MARGIN, y + _MARGIN) for x, y in layout.corners]
    drawing.wires = [[(x + _MARGIN, y + _MARGIN) for x, y in route] for route in layout.routes]
    drawing.forks = _forks(wires, drawing.wires)
    for glyph, (x, y) in zip(glyphs, corners, strict=False):
        glyph.x, glyph.y = x, y
        drawing.glyphs.append(glyph)
    for block, (x, y) in zip(blocks, corners[len(inputs) :], strict=False):
        for glyph in block.glyphs:
            glyph.x, glyph.y = glyph.x + x, glyph.y + y
            drawing.glyphs.append(glyph)
        drawing.wires.extend([(px + x, py + y) for px, py in route] for route in block.wires)
        drawing.forks.extend((px + x, py + y) for px, py in block.forks)
        if block.frame is not None:
            block.frame.x, block.frame.y = x, y
            drawing.frames.append(block.frame)
    x, y = corners[-1]
    arrow = Glyph(boxes[-1], 0.0, 0.0, about="the result", x=x, y=y)
    arrow.stubs, arrow.tips = [[(0.0, 5.0), (10.0, 5.0)]], [((10.0, 5.0), 0.0)]
    drawing.glyphs.append(arrow)
    return drawing
