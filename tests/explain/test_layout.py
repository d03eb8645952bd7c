import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.explain.layout import Box, Wire, layered

CLOSE = 1e-6


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 14))
    boxes, wires = [], []
    for k in range(count):
        height = draw(st.floats(10, 80))
        inputs = draw(st.lists(st.integers(0, k - 1), max_size=4)) if k else []
        sockets = [height * (s + 1) / (len(inputs) + 1) for s in range(len(inputs))]
        boxes.append(Box(draw(st.floats(5, 120)), height, sockets, height / 2))
        wires.extend(Wire(source, k, s) for s, source in enumerate(inputs))
    return boxes, wires


def overlap(a, b, c, d):
    return min(b, d) - max(a, c) > CLOSE


@settings(max_examples=120, deadline=None)
@given(graphs())
def test_nothing_overlaps_and_wires_go_from_left_to_right(graph):
    boxes, wires = graph
    layout = layered(boxes, wires)
    places = list(zip(boxes, layout.corners, strict=True))
    for (a, (ax, ay)), (b, (bx, by)) in itertools.combinations(places, 2):
        assert not (
            overlap(ax, ax + a.width, bx, bx + b.width)
            and overlap(ay, ay + a.height, by, by + b.height)
        )
    for box, (x, y) in places:
        assert x >= 0
        assert y >= -CLOSE
        assert x + box.width <= layout.width + CLOSE
        assert y + box.height <= layout.height + CLOSE
    for wire, route in zip(wires, layout.routes, strict=True):
        (sx, sy), (tx, ty) = layout.corners[wire.source], layout.corners[wire.target]
        source, target = boxes[wire.source], boxes[wire.target]
        assert route[0] == pytest.approx((sx + source.width, sy + source.plug))
        assert route[-1] == pytest.approx((tx, ty + target.sockets[wire.socket]))
        for (x0, y0), (x1, y1) in itertools.pairwise(route):
            assert x1 >= x0
            for box, (x, y) in places:  # no piece of a wire runs through a box
                assert not (
                    overlap(x0, x1, x, x + box.width)
                    and min(y0, y1) < y + box.height - CLOSE
                    and max(y0, y1) > y + CLOSE
                )


def test_layers_are_the_longest_paths():
    boxes = [Box(10, 10, (5.0, 5.0), 5.0) for _ in range(4)]
    layout = layered(boxes, [Wire(0, 1), Wire(1, 2), Wire(0, 2, 1), Wire(2, 3)])
    assert layout.layers == [0, 1, 2, 3]


def test_a_chain_is_a_straight_line():
    boxes = [Box(20, height, (height / 2,), height / 2) for height in (10, 50, 30, 10)]
    layout = layered(boxes, [Wire(0, 1), Wire(1, 2), Wire(2, 3)])
    heights = {round(y, 6) for route in layout.routes for _, y in route}
    assert len(heights) == 1


def test_crossings_that_need_not_be_are_removed():
    # 0 and 1 lead to 3 and 2: drawn in the order of the numbers the wires would cross.
    boxes = [Box(10, 10, (5.0,), 5.0) for _ in range(4)]
    layout = layered(boxes, [Wire(0, 3), Wire(1, 2)], order=[0, 1, 2, 3])
    y = [corner[1] for corner in layout.corners]
    assert (y[0] < y[1]) == (y[3] < y[2])


def test_wires_of_one_plug_share_their_way():
    boxes = [Box(10, 10, (5.0, 5.0), 5.0) for _ in range(4)]
    layout = layered(boxes, [Wire(0, 1), Wire(1, 2), Wire(2, 3), Wire(0, 2, 1), Wire(0, 3, 1)])
    short, long = layout.routes[3], layout.routes[4]
    assert short[:3] == long[:3]


def test_a_cycle_is_refused():
    boxes = [Box(10, 10, (5.0,), 5.0) for _ in range(2)]
    with pytest.raises(ValueError, match="cycle"):
        layered(boxes, [Wire(0, 1), Wire(1, 0)])


def test_nothing_at_all():
    layout = layered([], [])
    assert (layout.corners, layout.routes, layout.width, layout.height) == ([], [], 0.0, 0.0)
