"""The pictures of docs/compiling.md: the function on that page, at each step of its compilation.

They are drawn from what the library made of it: the recorded and the rewritten program, the
schedule, and the layout of the call.
"""

import re
from pathlib import Path

from chainrule.explain.circuit import symbol
from chainrule.explain.drawing import Drawing, Frame, position
from chainrule.explain.glyphs import (
    NAME,
    SMALL,
    SYMBOL,
    Glyph,
    Label,
    operation,
    source,
    text_width,
)
from chainrule.explain.layout import Box, Wire, layered
from chainrule.explain.svg import svg
from chainrule.graph.graph import Apply, Constant, Input, topological
from chainrule.native.describe import rewritten
from chainrule.native.lower.roles import Role
from chainrule.native.pipeline import build
from chainrule.native.schedule.plan import Kernel
from chainrule.native.schedule.survey import Survey

PAGE = Path(__file__).resolve().parent / "compiling.md"
ARGUMENTS = ("w", "b", "x", "y")
RESULTS = ("value", "dw", "db")

#: What is written in gates that would be wide.
SHORT = {"identity": "id", "unbroadcast": "sum"}

MARGIN, PAD, TITLE, BETWEEN = 16.0, 12.0, 22.0, 14.0
GAP, DISTANCE = 4.0, 5.0
FORWARD, BACKWARD = "value", "gradient"  # the roles whose colours they have
LEGEND = [(FORWARD, "forward pass"), (BACKWARD, "backward pass")]


def pictures():
    """Return the pictures by file name."""
    page = {}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1], page)
    lowered = page["step"].lower(*(page[name] for name in ARGUMENTS))
    built = build(lowered.program, parts=1)
    return {
        "compiling-recorded.svg": graph(lowered.program, "the recorded graph"),
        "compiling-rewritten.svg": graph(rewritten(built), "the rewritten graph"),
        "compiling-schedule.svg": schedule(built, lowered.schedule.splitlines()),
        "compiling-call.svg": call(built),
    }


# Graphs.


class Part:
    """Vertices that are drawn together, with what leads to them and what becomes of them."""

    def __init__(self, program, vertices, sources, results):
        """Draw each by itself.

        Args:
            program: which they are of.
            vertices: applications, operands first.
            sources: what is not computed here: name, role and shape of each.
            results: for those that lead out, name, role and shape.
        """
        self.glyphs, self.wires = [], []
        names, forward = program.names(), set(topological(program.outputs[:1]))
        places = {}
        for vertex, (name, role, size) in sources.items():
            places[vertex] = self._add(_source(name, role, size))
        for vertex in vertices:
            leads = [x for x in vertex.operands if x in places]
            about = f"{names[vertex]} = {vertex.operation.name}"
            about += f"({', '.join(names[x] for x in vertex.operands)})"
            glyph = operation(_symbol(vertex), [""] * len(leads), about=about)
            glyph.tone = FORWARD if vertex in forward else BACKWARD
            places[vertex] = self._add(glyph)
            self.wires += [Wire(places[x], places[vertex], s) for s, x in enumerate(leads)]
        for vertex, (name, role, size) in results.items():
            self.wires.append(Wire(places[vertex], self._add(_result(name, role, size))))

    def _add(self, glyph):
        self.glyphs.append(glyph)
        return len(self.glyphs) - 1

    def draw(self, drawing, left, top):
        """Add it to a drawing; return how wide and high it is."""
        layout = layered([g.box for g in self.glyphs], self.wires, gap=GAP, distance=DISTANCE)
        position(drawing, self.glyphs, layout, 0, self.wires, left, top)
        drawing.glyphs += self.glyphs
        return layout.width, layout.height


def graph(program, title):
    """Draw a program: forward and backward pass are one graph."""
    applied = [vertex for vertex in program.vertices() if isinstance(vertex, Apply)]
    used = {x for vertex in applied for x in vertex.operands}
    sources = {x: (x.name, "input", _size(x)) for x in program.inputs if x in used}
    results = {
        vertex: (name, "input", _size(vertex))
        for vertex, name in zip(program.outputs, RESULTS, strict=True)
    }
    drawing = Drawing(title)
    part = Part(program, applied, sources, results)
    width, height = part.draw(drawing, MARGIN, MARGIN)
    drawing.width, drawing.height = width + 2 * MARGIN, height + 2 * MARGIN
    return svg(drawing, LEGEND)


# The schedule.


def schedule(built, lines):
    """Draw the steps below one another: what each loads, computes and stores."""
    plan, program = built.schedule, rewritten(built)
    names = program.names()
    results = dict(zip(program.outputs, RESULTS, strict=True))
    drawing = Drawing("the schedule")
    top, widest = MARGIN, 0.0

    def stored(vertex):
        if vertex in results:
            return results[vertex], "input", _size(vertex)
        return names[vertex], "carried", f"{_size(vertex)} scratch memory".strip()

    def loaded(vertex):
        base, views = plan.viewed(vertex)
        name = results.get(base, names[base])
        role = "input" if isinstance(base, Input) else "carried"
        return name + "".join(map(_symbol, views)), role, _size(vertex)

    for step, line in zip(plan.steps, lines, strict=False):
        if isinstance(step, Kernel):
            items = Survey(step, plan)
            reads = [vertex for vertex, _ in items.strides]
            inside = {vertex for vertex, _ in items.depends}.difference(reads)
            roots = step.roots
        else:
            reads, inside, roots = step.operands, {step}, [step]
        part = Part(
            program,
            [v for v in program.vertices() if v in inside and isinstance(v, Apply)],
            {x: loaded(x) for x in dict.fromkeys(reads) if plan.roles[x] is not Role.NUMBER},
            {vertex: stored(vertex) for vertex in roots},
        )
        width, height = part.draw(drawing, MARGIN + PAD, top + TITLE)
        drawing.frames.append(
            Frame(MARGIN, top, 0.0, height + TITLE + PAD, " ".join(line.split()), line, False)
        )
        widest = max(widest, width + 2 * PAD, text_width(line, SMALL + 1) + 18)
        top += height + TITLE + PAD + BETWEEN
    for frame in drawing.frames:
        frame.width = widest
    drawing.width, drawing.height = widest + 2 * MARGIN, top - BETWEEN + MARGIN
    return svg(drawing, LEGEND)


# The call.


def call(built):
    """Draw what a call does: the way through machine code, and where it leaves for Python."""
    layout, program = built.layout, built.program
    given = [
        f"{x.name}: {_slot(slot)}" for x, slot in zip(program.inputs, layout.inputs, strict=True)
    ]
    made = [
        f"{name}: {_slot(slot)}"
        for name, slot in zip(RESULTS, layout.outputs, strict=True)
        if slot.kind == "array"
    ]
    steps = [
        "kernel" if isinstance(step, Kernel) else built.schedule.roles[step].name.lower()
        for step in built.schedule.steps
    ]
    glyphs = [
        _source("step", "input", ""),
        _box("look at the arguments", given),
        _box("otherwise: Python", ["copies an argument, or", "records and compiles anew"]),
        _box("get memory", [*made, f"scratch: {built.arena_bytes:,} bytes"]),
        _box("run", steps),
        _box("return", [_structure(layout.structure)]),
    ]
    drawing = Drawing("a call")
    wires = [Wire(0, 1), Wire(1, 2), Wire(1, 3), Wire(3, 4), Wire(4, 5)]
    placed = layered([g.box for g in glyphs], wires, gap=22.0, distance=16.0)
    position(drawing, glyphs, placed, 0, wires, MARGIN, MARGIN)
    drawing.glyphs = glyphs
    drawing.width, drawing.height = placed.width + 2 * MARGIN, placed.height + 2 * MARGIN
    return svg(drawing, [])


def _slot(slot):
    if slot.kind == "float":
        return "float"
    return " ".join([slot.dtype.name, "×".join(map(str, slot.shape))]).strip()


def _structure(structure):
    if isinstance(structure, int):
        return RESULTS[structure]
    return f"({', '.join(map(_structure, structure))})"


# Glyphs.


def _box(title, lines):
    """Draw a step of a call: its name, and below it what it is about."""
    width = max(text_width(title, SYMBOL), *(text_width(line, SMALL) for line in lines)) + 16
    height = 26.0 + 13.0 * len(lines)
    glyph = Glyph(Box(width, height, (height / 2,), height / 2), width / 2, height / 2, width / 2)
    glyph.labels = [Label(8.0, 16.0, title, "symbol")]
    glyph.labels += [Label(8.0, 31.0 + 13 * k, line, "code") for k, line in enumerate(lines)]
    glyph.tips = [((0.0, height / 2), 0.0)]
    return glyph


def _source(name, role, size):
    glyph = source(name, role, size)
    glyph.labels[1].role = "code"
    return glyph


def _result(name, role, size):
    """Draw the end of a wire: an arrow to a name."""
    arrow = 12.0
    glyph = Glyph(Box(0.0, 32.0, (16.0,), 16.0), 0.0, 0.0)
    glyph.stubs, glyph.tips = [[(0.0, 16.0), (arrow, 16.0)]], [((arrow, 16.0), 0.0)]
    after = arrow + 5 + text_width(name, NAME)
    glyph.labels = [Label(arrow + 5, 20.0, name, role), Label(after + 6, 20.0, size, "code")]
    glyph.box.width = after + 6 + text_width(size, SMALL)
    return glyph


def _symbol(vertex):
    if vertex.operation.name in SHORT:
        return SHORT[vertex.operation.name]
    parents = [None if isinstance(x, Constant) else x for x in vertex.operands]
    return symbol(vertex.operation, parents, [x.value for x in vertex.operands], {})


def _size(vertex):
    return "×".join(map(str, vertex.shape))
