"""The picture: its numbers, its layout on paper, and its file formats."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pydot
import pytest

import chainrule as cr
from chainrule.explain.drawing import MOST_GATES, PAGE, draw
from chainrule.explain.glyphs import text_width
from chainrule.explain.svg import _ALARM, _FRAME, _PAPER, _ROLES
from tests.programs.lecture import staged

SVG = "{http://www.w3.org/2000/svg}"


def circuit1(x, y, z):
    return (x + y) * z


def neuron(w0, x0, w1, x1, w2):
    return 1 / (1 + math.exp(-(w0 * x0 + w1 * x1 + w2)))


def patterns(x, y, z, w):
    return (x * y + np.maximum(z, w)) * 2


def network(x, W1, b1, W2, b2, y):
    h1 = x @ W1 + b1
    z1 = 1 / (1 + np.exp(-h1))
    z2 = z1 @ W2 + b2
    loss = np.sum((z2 - y) ** 2)
    return loss


def relu_of_product(x, w):
    h = x @ w
    z = h * (h > 0)
    return np.sum(z) + np.mean(np.where(h > 0, h, 0.1 * h))


def written_out(line, count):
    """Return a function of x with so many lines, which are no loop."""
    names = {"np": np}
    lines = [f"    {line}\n"] * count
    exec(f"def long_chain(x):\n{''.join(lines)}    return x\n", names)
    return names["long_chain"]


long_chain = written_out("x = np.sin(x)", MOST_GATES + 5)


def network_in_one_line(x, W1, b1, W2, b2, y):
    return np.sum((1 / (1 + np.exp(-(x @ W1 + b1))) @ W2 + b2 - y) ** 2)


def loop(x, a):
    h = x
    for _ in range(20):
        h = np.sin(a * h + x)
    return h


def forks(x):
    a, b, c, d = x * 2, x + 1, np.sin(x), np.cos(x)
    e, g, h, i = np.exp(x), x * x, x**3, np.tanh(x)
    s = a + b + c + d + e + g + h + i
    return s * x


def wide_names(幅, 高さ):
    面積 = 幅 * 高さ
    結果 = 面積**2 + 幅
    return 結果


def same_twice(x):
    y = x * x
    return y + x * y + np.clip(x, -1.0, 5.0)


def identity(x):
    return x


RNG = np.random.default_rng(0)
NETWORK = tuple(RNG.normal(size=s) for s in [(4, 3), (3, 5), (5,), (5, 2), (2,), (4, 2)])
PROGRAMS = [
    (circuit1, (-2.0, 5.0, -4.0)),
    (neuron, (2.0, -1.0, -3.0, -2.0, -3.0)),
    (patterns, (3.0, -4.0, 2.0, -1.0)),
    (staged, (3.0, -4.0)),
    (network, NETWORK),
    (relu_of_product, (RNG.normal(size=(4, 3)), RNG.normal(size=(3, 5)))),
    (long_chain, (0.5,)),
    (wide_names, (2.0, 3.0)),
    (same_twice, (2.0,)),
    (identity, (2.0,)),
    (network_in_one_line, NETWORK),
    (loop, (0.5, 1.2)),
    (forks, (0.3,)),
]
every_program = pytest.mark.parametrize(
    ("f", "args"), PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS]
)


def gates(f, *args):
    """Return label, value and gradient of every gate, rounded as the diagrams of cs231n are."""
    vertices = cr.explain(f, *args).graph.vertices
    return [
        (v.label, round(float(v.value), 2), round(float(v.gradient), 2))
        for v in vertices
        if not v.is_input
    ]


def inputs(f, *args):
    vertices = cr.explain(f, *args).graph.vertices
    return {v.label: round(float(v.gradient), 2) for v in vertices if v.is_input}


# The values of the circuit diagrams in the cs231n notes.


def test_the_first_circuit():
    assert gates(circuit1, -2.0, 5.0, -4.0) == [("+", 3.0, -4.0), ("*", -12.0, 1.0)]
    assert inputs(circuit1, -2.0, 5.0, -4.0) == {"x": -4.0, "y": -4.0, "z": 3.0}


def test_the_neuron():
    assert gates(neuron, 2.0, -1.0, -3.0, -2.0, -3.0) == [
        ("*", -2.0, 0.2),
        ("*", 6.0, 0.2),
        ("+", 4.0, 0.2),
        ("+", 1.0, 0.2),
        ("*-1", -1.0, -0.2),
        ("exp", 0.37, -0.53),
        ("+1", 1.37, -0.53),
        ("1/x", 0.73, 1.0),
    ]
    expected = {"w0": -0.2, "x0": 0.39, "w1": -0.39, "x1": -0.59, "w2": 0.2}
    assert inputs(neuron, 2.0, -1.0, -3.0, -2.0, -3.0) == expected


def test_the_local_gradients_of_the_neuron():
    vertices = cr.explain(neuron, 2.0, -1.0, -3.0, -2.0, -3.0).graph.vertices
    local = {v.label: [round(lead.local, 2) for lead in v.leads] for v in vertices}
    assert local["*-1"] == [-1.0]
    assert local["exp"] == [0.37]
    assert local["+1"] == [1.0]
    assert local["1/x"] == [-0.53]
    first = next(v for v in vertices if v.label == "*")
    assert [lead.local for lead in first.leads] == [-1.0, 2.0]


def test_the_patterns():
    assert gates(patterns, 3.0, -4.0, 2.0, -1.0) == [
        ("*", -12.0, 2.0),
        ("max", 2.0, 2.0),
        ("+", -10.0, 2.0),
        ("*2", -20.0, 1.0),
    ]
    assert inputs(patterns, 3.0, -4.0, 2.0, -1.0) == {"x": -8.0, "y": 6.0, "z": 2.0, "w": 0.0}


def test_the_staged_function():
    explanation = cr.explain(staged, 3.0, -4.0)
    assert explanation.value == 1.5456448841066441
    assert explanation.gradients == pytest.approx((2.0595697955721652, 1.5922327514838093))
    names = [group.name for group in explanation.graph.groups]
    assert names == ["sigy", "num", "sigx", "xpy", "xpysqr", "den", "invden", "f"]
    sizes = [len(group.vertices) for group in explanation.graph.groups]
    assert sizes == [4, 1, 4, 1, 1, 1, 1, 1]


def test_each_node_has_the_gradient_times_its_local_gradient():
    for vertex in (graph := cr.explain(staged, 3.0, -4.0).graph).vertices:
        if vertex.is_input or vertex is graph.vertices[-1]:
            continue
        here = graph.vertices.index(vertex)
        arriving = [
            lead.local * user.gradient
            for user in graph.vertices
            for lead in user.leads
            if lead.source == here
        ]
        assert sum(arriving) == pytest.approx(vertex.gradient)


@pytest.mark.parametrize(
    ("f", "label"),
    [
        (lambda x: x - 3, "-3"),
        (lambda x: 3 - x, "3-x"),
        (lambda x: x / 4.0, "/4"),
        (lambda x: 2.5 * x, "*2.5"),
        (lambda x: x**3, "**3"),
        (lambda x: 2.0**x, "2**x"),
        (np.tanh, "tanh"),
        (lambda x: -x, "*-1"),
        (lambda x: np.maximum(x, 0), "max 0"),
    ],
)
def test_constants_stand_in_the_gate(f, label):
    graph = cr.explain(f, 1.5).graph
    assert [v.label for v in graph.vertices] == ["x", label]


def test_captured_arrays_stand_in_the_gate_by_name():
    A = np.eye(2)

    def f(x):
        return np.sum(A @ x)

    assert [v.label for v in cr.explain(f, np.ones(2)).graph.vertices] == ["x", "A@x", "sum"]


def test_comparisons_have_no_gradient():
    graph = cr.explain(relu_of_product, *PROGRAMS[5][1]).graph
    for vertex in graph.vertices:
        assert (vertex.gradient is None) == (vertex.label == ">0")


# On paper.


def boxes_of(drawing):
    return [(g.x, g.y, g.box.width, g.box.height) for g in drawing.glyphs]


def frames_of(drawing):
    return [(f.x, f.y, f.width, f.height) for f in drawing.frames]


def meet(a, b):
    return all(min(a[k] + a[k + 2], b[k] + b[k + 2]) - max(a[k], b[k]) > 1e-6 for k in (0, 1))


@every_program
def test_gates_and_stages_do_not_overlap(f, args):
    drawing = draw(cr.explain(f, *args).graph)
    for boxes in (boxes_of(drawing), frames_of(drawing)):
        assert not any(meet(a, b) for a, b in itertools.combinations(boxes, 2))
    for x, y, width, height in boxes_of(drawing) + frames_of(drawing):
        assert x >= 0
        assert y >= 0
        assert x + width <= drawing.width
        assert y + height <= drawing.height


@every_program
def test_a_gate_is_inside_its_frame_or_outside_all(f, args):
    drawing = draw(cr.explain(f, *args).graph)
    for x, y, width, height in boxes_of(drawing):
        for fx, fy, fw, fh in frames_of(drawing):
            inside = fx <= x and fy <= y and x + width <= fx + fw and y + height <= fy + fh
            assert inside or not meet((x, y, width, height), (fx, fy, fw, fh))


@every_program
def test_text_stays_in_the_box_of_its_gate(f, args):
    for glyph in draw(cr.explain(f, *args).graph).glyphs:
        placed = []
        for label in glyph.labels:
            size = _ROLES[label.role][0]
            width = text_width(label.text, size)
            left = label.x - (width / 2 if label.anchor == "middle" else 0)
            assert left >= -1e-6
            assert left + width <= glyph.box.width + 1e-6
            assert label.y - 0.8 * size >= -1e-6
            assert label.y + 0.2 * size <= glyph.box.height + 1e-6
            placed.append((left, label.y - 0.8 * size, width, size))
        assert not any(meet(a, b) for a, b in itertools.combinations(placed, 2))


@every_program
def test_wires_go_from_left_to_right(f, args):
    for route in draw(cr.explain(f, *args).graph).wires:
        assert all(b[0] >= a[0] for a, b in itertools.pairwise(route))


def rows_of(drawing):
    """Return the names that begin each row, top to bottom, and the names of its frames."""
    starts = [g for g in drawing.glyphs if g.labels and g.labels[0].role in ("input", "carried")]
    rows = []
    for glyph in sorted(starts, key=lambda g: g.y):
        if not rows or glyph.y - rows[-1][-1][1] > 50:
            rows.append([])
        rows[-1].append((glyph.labels[0].text, glyph.y))
    return [[name for name, _ in row] for row in rows]


def test_stages_go_on_in_another_row():
    drawing = draw(cr.explain(network, *NETWORK).graph)
    assert rows_of(drawing) == [["x", "W1", "b1"], ["h1"], ["z1", "W2", "b2", "y"]]
    assert [frame.title for frame in drawing.frames] == ["h1", "z1", "z2", "loss"]
    h1, z1, z2, loss = drawing.frames
    assert h1.y + h1.height < z1.y < z1.y + z1.height < z2.y < loss.y + loss.height


def test_a_long_expression_goes_on_in_another_row():
    def f(x, y):
        z = np.exp(np.sin(np.cos(np.tanh(np.exp(np.sin(np.cos(np.tanh(x * y))))))) * y)
        return z

    drawing = draw(cr.explain(f, 0.5, 0.2).graph)
    assert [frame.title for frame in drawing.frames] == ["z, 1 of 2", "z, 2 of 2"]
    assert rows_of(drawing) == [["x", "y"], ["①", "y"]]
    carried = [label.text for g in drawing.glyphs for label in g.labels if label.role == "carried"]
    assert carried.count("①") == 2  # where it ends and where it goes on


@every_program
def test_a_picture_fits_a_page_and_shows_every_gate_once(f, args):
    graph = cr.explain(f, *args).graph
    drawing = draw(graph)
    starts = [text_width(v.label, 12) for v in graph.vertices] + [120]
    assert drawing.width <= 1.25 * PAGE + 120 + max(starts)
    gates = sum(bool(glyph.half_width) for glyph in drawing.glyphs)
    assert gates == (
        len(graph.groups) if f is long_chain else sum(bool(v.leads) for v in graph.vertices)
    )


def test_what_a_stage_fits_in_is_not_divided():
    drawing = draw(cr.explain(neuron, 2.0, -1.0, -3.0, -2.0, -3.0).graph)
    assert [frame.title for frame in drawing.frames] == ["value"]
    assert len(rows_of(drawing)) == 1


def test_large_graphs_are_drawn_by_stage():
    drawing = draw(cr.explain(long_chain, 0.5).graph)
    assert not drawing.frames
    texts = {label.text for glyph in drawing.glyphs for label in glyph.labels}
    assert {"x_1", "x_1 = np.sin(x)"} <= texts


def test_far_too_large_graphs_are_refused_in_words():
    explanation = cr.explain(written_out("x = x * 1.01", 400), 1.0)
    with pytest.raises(cr.errors.UnsupportedError, match="400 stages could not be read"):
        explanation.svg()
    assert explanation._repr_svg_() is None
    assert "forward pass" in explanation._repr_html_()


# SVG.


@every_program
def test_svg_is_well_formed_and_says_everything(f, args):
    explanation = cr.explain(f, *args)
    text = explanation.svg()
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert explanation.title in (root.get("aria-label"), root.findtext(f"{SVG}title"))
    assert "nan" not in text
    written = [node.text for node in root.iter(f"{SVG}text")]
    for vertex in explanation.graph.vertices:
        if vertex.value is not None and not np.ndim(vertex.value) and abs(vertex.value) >= 0.01:
            assert f"{float(vertex.value):.2f}" in written
        if f is not long_chain:
            assert vertex.label in written or f"! {vertex.label}" in written
    for group in explanation.graph.groups:
        name = re.escape(group.name)
        assert any(re.fullmatch(rf"(! )?{name}(, \d of \d)?", text) for text in written)
        assert {line.lstrip() for line in group.body} <= set(written)


def test_svg_of_the_neuron_has_the_numbers_of_the_lecture():
    root = ET.fromstring(cr.explain(neuron, 2.0, -1.0, -3.0, -2.0, -3.0).svg())
    by_colour = {}
    for node in root.iter(f"{SVG}text"):
        by_colour.setdefault(node.get("fill"), []).append(node.text)
    values, gradients = by_colour[_ROLES["value"][1]], by_colour[_ROLES["gradient"][1]]
    assert values[5:13] == ["-2.00", "6.00", "4.00", "1.00", "-1.00", "0.37", "1.37", "0.73"]
    assert gradients[5:13] == ["0.20"] * 4 + ["-0.20", "-0.53", "-0.53", "1.00"]


def test_svg_escapes_what_a_user_wrote():
    def f(x):
        small = np.where(x < 1, x, x**2)
        return np.sum(small)

    explanation = cr.explain(f, np.array([0.5, 2.0]))
    assert ET.fromstring(explanation.svg()) is not None
    assert "&lt;1" in explanation.svg()


def test_a_stage_with_a_finding_is_marked():
    def f(h):
        z = np.tanh(h)
        return np.sum(z)

    quiet, alarming = (cr.explain(f, np.full(3, h)).svg() for h in (0.1, 9.0))
    assert "#d4861f" in alarming
    assert ">! z</text>" in alarming  # not by colour alone
    assert "saturated" in alarming
    assert "#d4861f" not in quiet
    assert ">z</text>" in quiet


def test_an_input_with_a_finding_is_marked():
    text = cr.explain(patterns, 3.0, -4.0, 2.0, -1.0).svg()
    assert ">! w</text>" in text
    assert "the gradient of w is exactly 0" in text
    assert ">x</text>" in text


def test_a_stage_with_a_finding_is_marked_where_stages_are_boxes():
    text = cr.explain(written_out("x = np.tanh(9 * x)", MOST_GATES + 5), 0.5).svg()
    assert ">! x_1</text>" in text
    assert "#d4861f" in text


def test_the_legend_explains_what_there_is():
    def legend(f, *args):
        root = ET.fromstring(cr.explain(f, *args).svg())
        last = max(float(node.get("y")) for node in root.findall(f"{SVG}text"))
        return [n.text for n in root.findall(f"{SVG}text") if float(n.get("y")) == last]

    assert legend(circuit1, -2.0, 5.0, -4.0) == ["value", "gradient", "×local gradient"]
    assert legend(long_chain, 0.5) == ["value", "gradient"]
    assert legend(network, *NETWORK)[0] == "value (arrays: shape and norm)"


def channels(colour):
    """Return linear red, green and blue."""
    values = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values])


@pytest.mark.parametrize("role", _ROLES)
@pytest.mark.parametrize("background", [_PAPER, _FRAME, _ALARM])
def test_colours_are_legible(role, background):
    ink, paper = (
        np.dot(channels(c), [0.2126, 0.7152, 0.0722]) for c in (_ROLES[role][1], background)
    )
    assert (paper + 0.05) / (ink + 0.05) >= 4.5  # WCAG 2, level AA


# Machado, Oliveira and Fernandes (2009): how linear RGB looks without one kind of cone.
PROTANOPIA = [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
DEUTERANOPIA = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]


@pytest.mark.parametrize("seen", [np.eye(3), PROTANOPIA, DEUTERANOPIA])
def test_values_and_gradients_differ_for_colour_blind_readers(seen):
    value, gradient = (np.clip(seen @ channels(_ROLES[r][1]), 0, 1) for r in ("value", "gradient"))
    assert np.linalg.norm(np.sqrt(value) - np.sqrt(gradient)) > 0.25


def test_svg_depends_on_nothing_outside_and_has_no_ids():
    text = cr.explain(staged, 3.0, -4.0).svg()
    assert not re.search(r"\bid=|href|<style|<script|url\(", text)


# DOT, notebooks and files.


@every_program
def test_dot_is_balanced_and_complete(f, args):
    explanation = cr.explain(f, *args)
    text = explanation.dot()
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("[") == bare.count("]")
    assert bare.startswith('digraph "" {')
    count = len(explanation.graph.vertices)
    assert text.count(" -> ") == sum(len(v.leads) for v in explanation.graph.vertices) + 1
    assert all(re.search(rf"\bv{k} \[", text) for k in range(count))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot")
@every_program
def test_dot_is_read_by_an_independent_parser(f, args):
    explanation = cr.explain(f, *args)
    (graph,) = pydot.graph_from_dot_data(explanation.dot())
    assert len(graph.get_edges()) == sum(len(v.leads) for v in explanation.graph.vertices) + 1


@every_program
def test_notebooks_show_picture_and_text(f, args):
    explanation = cr.explain(f, *args)
    fragment = ET.fromstring(explanation._repr_html_())
    assert fragment.find(f".//{SVG}svg") is not None
    assert "".join(fragment.find("pre").itertext()) == "\n".join(
        "".join(span.text for span in line) for line in explanation.lines()
    )
    assert explanation._repr_svg_() == explanation.svg()


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".svg", "<svg"), (".dot", "digraph"), (".html", "<!DOCTYPE html>"), (".txt", "staged(x, y)")],
)
def test_saving_by_suffix(tmp_path, suffix, start):
    path = tmp_path / f"picture{suffix}"
    cr.explain(staged, 3.0, -4.0).save(path)
    assert path.read_text(encoding="utf-8").startswith(start)


def test_saving_by_an_unknown_suffix(tmp_path):
    with pytest.raises(cr.errors.ArgumentError, match=r"'picture\.png'.* \.svg, \.dot"):
        cr.explain(staged, 3.0, -4.0).save(tmp_path / "picture.png")
