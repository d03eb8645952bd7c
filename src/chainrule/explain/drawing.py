"""A circuit on paper: where everything is.

Stages are laid out by themselves first and then as boxes among their inputs, so frames never
overlap. What is wider than a page goes on in another row, as a text does: there the values from
above begin again under their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.errors import UnsupportedError
from chainrule.explain.circuit import Circuit, Group
from chainrule.explain.glyphs import SMALL, Glyph, gate, loop_box, origin, stage_box, text_width
from chainrule.explain.layout import Box, Layout, Point, Wire, layered
from chainrule.explain.numbers import is_scalar

__all__ = ["MOST_GATES", "PAGE", "Drawing", "Frame", "draw", "position"]

#: Above this many gates stages are drawn as one box each.
MOST_GATES = 60
_MOST_STAGES = 250
#: Width of a row, where stages allow it; what stands left of them comes in addition.
PAGE = 980.0
_EXCESS = 1.2  # how much wider than a page is not worth another row

_MARGIN = 16.0
_TITLE = 20.0  # height of a frame's title
_PAD = 10.0
_GAP, _INNER_GAP = 26.0, 10.0  # between the layers of a row, and between those of a stage
_CLIMB = 15.0  # what a gap between layers grows by for the sake of wires that climb
_BETWEEN_ROWS = 24.0
_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)  # of a page, tried for rows of even width


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
    width: float = 2 * _MARGIN
    height: float = 2 * _MARGIN
    frames: list[Frame] = field(default_factory=list)
    glyphs: list[Glyph] = field(default_factory=list)
    wires: list[list[Point]] = field(default_factory=list)
    forks: list[Point] = field(default_factory=list)  # where the wires of one plug part
    has_arrays: bool = False


def draw(circuit: Circuit, alarms: Mapping[str, str] | None = None) -> Drawing:
    """Lay a circuit out.

    Args:
        circuit: what to draw.
        alarms: what was found at the stages and inputs of these names; they are marked.

    Raises:
        UnsupportedError: it has so many stages that nobody could read it.
    """
    if len(circuit.groups) > _MOST_STAGES:
        raise UnsupportedError(
            f"a picture of {len(circuit.groups)} stages could not be read: explain a part of the "
            "function or a shorter loop, or read the text"
        )
    alarms = alarms or {}
    marks: dict[int, str] = {}
    if sum(not vertex.is_input for vertex in circuit.vertices) > MOST_GATES:
        blocks = [_folded(circuit, group, alarms) for group in circuit.groups]
    else:
        loops = [_folded(circuit, group, alarms) for group in circuit.groups if group.body]
        parts = [p for group in circuit.groups if not group.body for p in _parts(circuit, group)]
        marks = _marks(circuit, parts)
        blocks = [*loops, *(_block(circuit, part, marks, alarms) for part in parts)]
    return _assemble(circuit, blocks, marks, alarms)


def _rows(
    things: Sequence[int],
    width: Callable[[int], float],
    sources: Callable[[int], Sequence[int]],
    gap: float,
) -> list[list[int]]:
    """Divide what is drawn from left to right into even rows that a page has room for.

    Args:
        things: in an order in which each comes after its sources.
        width: of each.
        sources: what leads to each; those that are not in the same row stand at its left.
        gap: between two layers.
    """
    rows = _filled(things, width, sources, gap, _EXCESS * PAGE)
    if len(rows) < 2:
        return rows
    rows = _filled(things, width, sources, gap, PAGE)
    narrower = (_filled(things, width, sources, gap, share * PAGE) for share in _SHARES)
    return next((even for even in narrower if len(even) == len(rows)), rows)


def _filled(
    things: Sequence[int],
    width: Callable[[int], float],
    sources: Callable[[int], Sequence[int]],
    gap: float,
    room: float,
) -> list[list[int]]:
    """Put as much into each row as there is room for."""
    rows: list[list[int]] = []
    layers: dict[int, int] = {}
    widths: list[float] = []
    for thing in things:
        layer = 1 + max((layers.get(source, -1) for source in sources(thing)), default=-1)
        wider = [*widths, 0.0] if layer == len(widths) else list(widths)
        wider[layer] = max(wider[layer], width(thing))
        if rows and sum(wider) + gap * (len(wider) - 1) <= room:
            rows[-1].append(thing)
            layers[thing], widths = layer, wider
        else:
            rows.append([thing])
            layers, widths = {thing: 0}, [width(thing)]
    return rows


# Stages.


@dataclass(slots=True)
class _Part:
    """A stage, or as much of one as there is room for in a row."""

    group: Group
    vertices: list[int]
    number: int
    count: int

    @property
    def title(self) -> str:
        """The stage's name, and which part of it this is."""
        name = self.group.name
        return name if self.count == 1 or not name else f"{name}, {self.number} of {self.count}"

    @property
    def result(self) -> int | None:
        """The vertex whose value leaves the stage, None where that is made in a later part."""
        return self.vertices[-1] if self.number == self.count else None


def _parts(circuit: Circuit, group: Group) -> list[_Part]:
    def width(v: int) -> float:
        return gate(circuit.vertices[v], "").box.width

    def sources(v: int) -> list[int]:
        return [lead.source for lead in circuit.vertices[v].leads]

    rows = _rows(group.vertices, width, sources, _INNER_GAP + _CLIMB)
    return [_Part(group, row, number, len(rows)) for number, row in enumerate(rows, 1)]


def _marks(circuit: Circuit, parts: Sequence[_Part]) -> dict[int, str]:
    """Give signs to the values inside of a stage that go on in another part of it."""
    part_of = {v: part for part in parts for v in part.vertices}
    marks: dict[int, str] = {}
    for v, part in part_of.items():
        for lead in circuit.vertices[v].leads:
            source = part_of.get(lead.source)
            if source is not None and source is not part and lead.source != source.result:
                marks.setdefault(lead.source, _sign(len(marks)))
    return marks


def _sign(number: int) -> str:
    return chr(ord("①") + number) if number < 20 else f"({number + 1})"


@dataclass(slots=True)
class _Block:
    """A part of a stage laid out by itself.

    The sockets of its box belong to ``sources``; ``result`` is the vertex whose value leaves it.
    """

    box: Box
    name: str
    vertices: list[int]
    result: int | None
    sources: list[int]
    glyphs: list[Glyph]
    frame: Frame | None = None
    wires: list[list[Point]] = field(default_factory=list)
    forks: list[Point] = field(default_factory=list)


def _sources(circuit: Circuit, vertices: Sequence[int]) -> list[int]:
    """List what leads into some vertices from outside, in the order in which it is met."""
    inside = set(vertices)
    leads = [lead.source for v in vertices for lead in circuit.vertices[v].leads]
    return list(dict.fromkeys(source for source in leads if source not in inside))


def _folded(circuit: Circuit, group: Group, alarms: Mapping[str, str]) -> _Block:
    sources = _sources(circuit, group.vertices)
    result = group.vertices[-1]
    alarm = "\n".join(alarms[x] for x in group.variables or (group.name,) if x in alarms)
    box = loop_box if group.body else stage_box
    glyph = box(circuit.vertices[result], group, len(sources), alarm)
    return _Block(glyph.box, group.name, group.vertices, result, sources, [glyph])


def _block(
    circuit: Circuit, part: _Part, marks: Mapping[int, str], alarms: Mapping[str, str]
) -> _Block:
    group, vertices = part.group, part.vertices
    sources = _sources(circuit, vertices)
    glyphs = [gate(circuit.vertices[v], group.text, marks.get(v, "")) for v in vertices]
    ports = [Box(0.0, 0.0) for _ in sources]
    shift = len(ports)
    at = {v: k for k, v in enumerate([*sources, *vertices])}
    wires = [
        Wire(at[lead.source], at[v], s)
        for v in vertices
        for s, lead in enumerate(circuit.vertices[v].leads)
    ]
    boxes = [*ports, *(glyph.box for glyph in glyphs)]
    layout = layered(boxes, wires, gap=_INNER_GAP, distance=10.0)
    left, top, bottom = (_PAD, _TITLE, 8.0) if group.name else (0.0, 0.0, 0.0)
    alarm = alarms.get(group.name, "")
    title = f"! {part.title}" if alarm else part.title
    width = max(layout.width + 2 * left, text_width(title, SMALL + 1) + 18)
    height = layout.height + top + bottom
    block = _Block(Box(width, height), group.name, vertices, part.result, sources, glyphs)
    position(block, glyphs, layout, shift, wires, left, top)
    block.box.sockets = [layout.corners[k][1] + top for k in range(shift)]
    block.wires.extend([(0.0, y), (left, y)] for y in block.box.sockets)
    end = glyphs[-1]
    block.box.plug = end.y + end.box.plug
    if part.result is not None:
        block.wires.append([(end.x + end.box.width, block.box.plug), (width, block.box.plug)])
    if group.name:
        about = f"{group.text}\n{alarm}".rstrip()
        block.frame = Frame(0.0, 0.0, width, height, title, about, bool(alarm))
    return block


def position(
    to: _Block | Drawing,
    glyphs: Sequence[Glyph],
    layout: Layout,
    first: int,
    wires: Sequence[Wire],
    left: float,
    top: float,
) -> None:
    """Move glyphs, whose boxes are the layout's from `first` on, and draw the wires."""
    for glyph, (x, y) in zip(glyphs, layout.corners[first:], strict=False):
        glyph.x, glyph.y = x + left, y + top
    routes = [[(x + left, y + top) for x, y in route] for route in layout.routes]
    to.wires.extend(routes)
    to.forks.extend(_forks(wires, routes))


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


# The whole.


def _assemble(
    circuit: Circuit, blocks: Sequence[_Block], marks: Mapping[int, str], alarms: Mapping[str, str]
) -> Drawing:
    """Put the stages into rows, and these below one another."""
    vertices = circuit.vertices
    drawing = Drawing(circuit.title)
    drawing.has_arrays = any(not is_scalar(vertex.value) for vertex in vertices)
    names = {k: vertex.label for k, vertex in enumerate(vertices)}
    names.update({b.result: b.name for b in blocks if b.name and b.result is not None})
    names.update(marks)
    block_of = {v: k for k, block in enumerate(blocks) for v in block.vertices}
    rows = _rows(
        sorted(range(len(blocks)), key=lambda k: blocks[k].vertices[-1]),
        lambda k: blocks[k].box.width,
        lambda k: [block_of[source] for source in blocks[k].sources if source in block_of],
        _GAP + _CLIMB,
    )
    if not blocks and vertices:  # the result is an input
        rows = [[]]
    for row in rows:
        _add_row(drawing, circuit, [blocks[k] for k in row], names, alarms)
    drawing.height -= _BETWEEN_ROWS if rows else 0.0
    return drawing


def _add_row(
    drawing: Drawing,
    circuit: Circuit,
    blocks: Sequence[_Block],
    names: Mapping[int, str],
    alarms: Mapping[str, str],
) -> None:
    """Place a row's inputs, its stages, and arrows for what leaves it, below what is there."""
    made = {block.result for block in blocks}
    needed = {source for block in blocks for source in block.sources} - made
    outside = sorted(needed) if blocks else [len(circuit.vertices) - 1]
    origins = [_origin(circuit, v, names, alarms) for v in outside]
    place: dict[int | None, int] = {v: k for k, v in enumerate(outside)}
    place.update({block.result: len(outside) + k for k, block in enumerate(blocks)})
    wires = [
        Wire(place[source], len(outside) + k, s)
        for k, block in enumerate(blocks)
        for s, source in enumerate(block.sources)
    ]
    used = {source for block in blocks for source in block.sources}
    # The last box is the first in the order in which the layout begins its search.
    results = [block.result for block in reversed(blocks)] if blocks else outside
    ends = [v for v in results if v is not None and v not in used]
    arrows = [_arrow() for _ in ends]
    boxes = [*(o.box for o in origins), *(b.box for b in blocks), *(a.box for a in arrows)]
    shift = len(boxes) - len(arrows)
    wires.extend(Wire(place[v], shift + k) for k, v in enumerate(ends))
    layout = layered(boxes, wires, gap=_GAP)
    left, top = _MARGIN, drawing.height - _MARGIN
    position(drawing, origins, layout, 0, wires, left, top)
    for arrow, (x, y) in zip(arrows, layout.corners[shift:], strict=True):
        arrow.x, arrow.y = x + left, y + top
    drawing.glyphs += [*origins, *arrows]
    for block, (x, y) in zip(blocks, layout.corners[len(outside) : shift], strict=True):
        _add_block(drawing, block, x + left, y + top)
    drawing.width = max(drawing.width, layout.width + 2 * _MARGIN)
    drawing.height += layout.height + _BETWEEN_ROWS


def _origin(circuit: Circuit, v: int, names: Mapping[int, str], alarms: Mapping[str, str]) -> Glyph:
    vertex = circuit.vertices[v]
    return origin(vertex, names[v], alarms.get(names[v], "") if vertex.is_input else "")


def _arrow() -> Glyph:
    arrow = Glyph(Box(10.0, 10.0, (5.0,), 5.0), 0.0, 0.0)
    arrow.stubs, arrow.tips = [[(0.0, 5.0), (10.0, 5.0)]], [((10.0, 5.0), 0.0)]
    return arrow


def _add_block(drawing: Drawing, block: _Block, x: float, y: float) -> None:
    for glyph in block.glyphs:
        glyph.x, glyph.y = glyph.x + x, glyph.y + y
    drawing.glyphs += block.glyphs
    drawing.wires.extend([(px + x, py + y) for px, py in route] for route in block.wires)
    drawing.forks.extend((px + x, py + y) for px, py in block.forks)
    if block.frame is not None:
        block.frame.x, block.frame.y = x, y
        drawing.frames.append(block.frame)
