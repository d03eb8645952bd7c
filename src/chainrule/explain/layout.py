"""Where the boxes and wires of a picture go: a layered drawing that is read from left to right.

The steps are those of Sugiyama, Tagawa and Toda (1981): layers by longest path, dummy vertices
where a wire passes a layer, fewer crossings by barycentres, and coordinates. The coordinates are
found as in Gansner et al. (1993): vertices of a layer keep their order and their distance, and the
weighted lengths of the vertical detours are as small as possible, a linear program.

Nothing here knows of graphs of operations: boxes have a size and places where wires are plugged in.
Wires bend only in the gaps between two layers, where no box is, so nothing is ever drawn over.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Box", "Layout", "Wire", "layered"]

Point: TypeAlias = "tuple[float, float]"

_SWEEPS = 12
_WIDEST = 60.0  # how much a gap grows for the sake of steep wires
_STRAIGHT = 8.0  # how much more a bend within a long wire costs than one at its ends


@dataclass(slots=True)
class Box:
    """A rectangle to be placed. Sockets and plug are heights below its upper edge."""

    width: float
    height: float
    sockets: Sequence[float] = ()  # on the left side, where wires come in
    plug: float = 0.0  # on the right side, where the wire goes out


@dataclass(slots=True)
class Wire:
    """From the plug of a box to a socket of another one."""

    source: int
    target: int
    socket: int = 0


@dataclass(slots=True)
class Layout:
    """Upper left corners of the boxes, and the points that each wire goes through."""

    corners: list[Point]
    routes: list[list[Point]]
    layers: list[int]
    width: float
    height: float


def layered(
    boxes: Sequence[Box],
    wires: Sequence[Wire],
    *,
    order: Sequence[int] | None = None,
    gap: float = 26.0,
    distance: float = 12.0,
) -> Layout:
    """Place boxes so that every wire runs from left to right and nothing overlaps.

    Args:
        boxes: what to place.
        wires: a directed graph without cycles.
        order: the boxes in the order, top to bottom, in which the search starts; by default the
            order in which the wires lead to them from the last box backwards.
        gap: least horizontal distance between two layers.
        distance: least vertical distance between two boxes.
    """
    layers = _longest_paths(len(boxes), wires)
    plan = _with_dummies(boxes, wires, layers)
    _order(plan, order if order is not None else _reading_order(len(boxes), wires))
    y = _heights(plan, distance)
    return _routed(boxes, wires, plan, y, gap)


# Layers.


def _longest_paths(count: int, wires: Sequence[Wire]) -> list[int]:
    """Return for each box the number of wires on the longest way to it."""
    waiting = [0] * count
    followers: list[list[int]] = [[] for _ in range(count)]
    for wire in wires:
        waiting[wire.target] += 1
        followers[wire.source].append(wire.target)
    layers = [0] * count
    ready = [v for v in range(count) if not waiting[v]]
    for v in ready:
        for target in followers[v]:
            layers[target] = max(layers[target], layers[v] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < count:
        raise ValueError("the wires form a cycle")
    return layers


@dataclass(slots=True)
class _Piece:
    """The part of a wire between two neighbouring layers."""

    source: int
    target: int
    plug: float
    socket: float
    weight: float


@dataclass(slots=True)
class _Plan:
    """Boxes and dummies, the pieces of wire between them, and the order in each layer."""

    boxes: list[Box]
    layer: list[int]
    pieces: list[_Piece] = field(default_factory=list)
    chains: list[list[int]] = field(default_factory=list)  # per wire: source, dummies, target
    rows: list[list[int]] = field(default_factory=list)


def _with_dummies(boxes: Sequence[Box], wires: Sequence[Wire], layers: Sequence[int]) -> _Plan:
    """Put a dummy into every layer that a wire passes; wires of one plug share theirs."""
    plan = _Plan(list(boxes), list(layers))
    dummies: dict[tuple[int, int], int] = {}
    laid: set[tuple[int, int]] = set()
    for wire in wires:
        chain = [wire.source]
        for layer in range(layers[wire.source] + 1, layers[wire.target]):
            key = wire.source, layer
            if key not in dummies:
                dummies[key] = len(plan.boxes)
                plan.boxes.append(Box(0.0, 0.0, (0.0,), 0.0))
                plan.layer.append(layer)
            chain.append(dummies[key])
        chain.append(wire.target)
        plan.chains.append(chain)
        for source, target in itertools.pairwise(chain):
            last = target == wire.target
            if not last and (source, target) in laid:
                continue
            laid.add((source, target))
            inner = (source >= len(boxes)) + (not last)
            plan.pieces.append(
                _Piece(
                    source,
                    target,
                    plan.boxes[source].plug,
                    boxes[target].sockets[wire.socket] if last else 0.0,
                    (1.0, 2.0, _STRAIGHT)[inner],
                )
            )
    return plan


# Order within the layers.


def _reading_order(count: int, wires: Sequence[Wire]) -> list[int]:
    """List boxes as one meets them going from the last box backwards, sockets in order."""
    sources: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for wire in wires:
        sources[wire.target].append((wire.socket, wire.source))
    seen = [False] * count
    found: list[int] = []
    for start in range(count - 1, -1, -1):
        stack = [(start, False)]
        while stack:
            v, done = stack.pop()
            if done:
                found.append(v)
            elif not seen[v]:
                seen[v] = True
                stack.append((v, True))
                stack.extend((source, False) for _, source in sorted(sources[v], reverse=True))
    return found


def _order(plan: _Plan, start: Sequence[int]) -> None:
    """Choose the order in every layer, keeping the one with the fewest crossings."""
    rank = {v: k for k, v in enumerate(start)}
    # A dummy starts beside the box that its wire leads to.
    for chain in plan.chains:
        for v in chain[1:-1]:
            rank[v] = min(rank.get(v, len(start)), rank[chain[0]])
    rows: list[list[int]] = [[] for _ in range(max(plan.layer, default=-1) + 1)]
    for v in sorted(range(len(plan.boxes)), key=lambda v: (rank[v], v)):
        rows[plan.layer[v]].append(v)
    plan.rows = rows
    incoming, outgoing = _by_layer(plan)
    best, fewest = [list(row) for row in rows], _crossings(plan, incoming)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        forwards = sweep % 2 == 0
        for layer in range(1, len(rows)) if forwards else range(len(rows) - 2, -1, -1):
            _by_barycentre(plan, layer, incoming[layer] if forwards else outgoing[layer], forwards)
        _swap_neighbours(plan, incoming, outgoing)
        count = _crossings(plan, incoming)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    plan.rows = best


def _by_layer(plan: _Plan) -> tuple[list[list[_Piece]], list[list[_Piece]]]:
    """Return the pieces that end in each layer, and those that begin there."""
    incoming: list[list[_Piece]] = [[] for _ in plan.rows]
    outgoing: list[list[_Piece]] = [[] for _ in plan.rows]
    for piece in plan.pieces:
        incoming[plan.layer[piece.target]].append(piece)
        outgoing[plan.layer[piece.source]].append(piece)
    return incoming, outgoing


def _places(plan: _Plan, layer: int) -> dict[int, int]:
    return {v: k for k, v in enumerate(plan.rows[layer])}


def _end(plan: _Plan, place: int, v: int, height: float) -> float:
    """Return where a wire meets a box: its place, and how far down the side of the box."""
    return place + height / (plan.boxes[v].height + 1.0)


def _by_barycentre(plan: _Plan, layer: int, pieces: Sequence[_Piece], forwards: bool) -> None:
    """Sort a layer by the mean place of what each box is connected with in the layer beside it."""
    beside = _places(plan, layer - 1 if forwards else layer + 1)
    ends: dict[int, list[float]] = {}
    for p in pieces:
        if forwards:
            ends.setdefault(p.target, []).append(_end(plan, beside[p.source], p.source, p.plug))
        else:
            ends.setdefault(p.source, []).append(_end(plan, beside[p.target], p.target, p.socket))
    row = plan.rows[layer]
    means = {v: sum(found) / len(found) for v, found in ends.items()}
    movable = iter(sorted(means, key=lambda v: (means[v], row.index(v))))
    row[:] = [next(movable) if v in means else v for v in row]


def _swap_neighbours(
    plan: _Plan, incoming: Sequence[Sequence[_Piece]], outgoing: Sequence[Sequence[_Piece]]
) -> None:
    """Swap two neighbours wherever that removes crossings."""
    for layer, row in enumerate(plan.rows):
        if len(row) > 40:
            continue
        before = _places(plan, layer - 1) if layer else {}
        after = _places(plan, layer + 1) if layer + 1 < len(plan.rows) else {}
        left: dict[int, list[float]] = {}
        right: dict[int, list[float]] = {}
        for p in incoming[layer]:
            left.setdefault(p.target, []).append(_end(plan, before[p.source], p.source, p.plug))
        for p in outgoing[layer]:
            right.setdefault(p.source, []).append(_end(plan, after[p.target], p.target, p.socket))
        better = True
        while better:
            better = False
            for k in range(len(row) - 1):
                a, b = row[k], row[k + 1]
                gain = 0
                for ends in (left, right):
                    for i in ends.get(a, ()):
                        for j in ends.get(b, ()):
                            gain += (i > j) - (i < j)
                if gain > 0:
                    row[k], row[k + 1] = b, a
                    better = True


def _crossings(plan: _Plan, incoming: Sequence[Sequence[_Piece]]) -> int:
    total = 0
    for layer in range(1, len(plan.rows)):
        before, here = _places(plan, layer - 1), _places(plan, layer)
        ends = sorted(
            (
                _end(plan, before[p.source], p.source, p.plug),
                _end(plan, here[p.target], p.target, p.socket),
            )
            for p in incoming[layer]
        )
        passed: list[float] = []
        for _, end in ends:
            at = bisect.bisect_right(passed, end)
            total += len(passed) - at
            passed.insert(at, end)
    return total


# Coordinates.


def _heights(plan: _Plan, distance: float) -> list[float]:
    """Return the upper edge of every box and dummy, by a linear program.

    Variables are the upper edges, then for each piece and each centring its absolute deviation.
    """
    if not plan.boxes:
        return []
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    count = len(plan.boxes)
    rows: list[tuple[dict[int, float], float]] = []  # each sum(coefficient * y) <= bound
    costs = [1e-6] * count  # as far up as nothing else decides
    for row in plan.rows:
        for a, b in itertools.pairwise(row):
            slack = distance if plan.boxes[a].height or plan.boxes[b].height else distance * 0.75
            rows.append(({a: 1.0, b: -1.0}, -(plan.boxes[a].height + slack)))

    def cost(terms: dict[int, float], bound: float, weight: float) -> None:
        """Let |sum(terms) - bound| cost its weight."""
        deviation = len(costs)
        costs.append(weight)
        rows.append((terms | {deviation: -1.0}, bound))
        rows.append(({v: -c for v, c in terms.items()} | {deviation: -1.0}, -bound))

    into: dict[int, list[_Piece]] = {}
    for p in plan.pieces:
        cost({p.source: 1.0, p.target: -1.0}, p.socket - p.plug, p.weight)
        into.setdefault(p.target, []).append(p)
    for v, pieces in into.items():
        if len(pieces) > 1:  # between its inputs rather than anywhere among them
            share = 1.0 / len(pieces)
            terms = {v: -1.0}
            for p in pieces:
                terms[p.source] = terms.get(p.source, 0.0) + share
            cost(terms, sum(p.socket - p.plug for p in pieces) * share, 0.4)
    entries = [(k, v, c) for k, (terms, _) in enumerate(rows) for v, c in terms.items()]
    if not entries:
        return [0.0] * count
    i, j, c = zip(*entries, strict=True)
    found: Any = linprog(
        np.array(costs),
        A_ub=coo_array((c, (i, j)), shape=(len(rows), len(costs))).tocsr(),
        b_ub=np.array([bound for _, bound in rows]),
        bounds=(0, None),
        method="highs",
    )
    if found.x is None:
        raise ValueError(f"the picture could not be laid out: {found.message}")
    return [float(v) for v in found.x[:count]]


def _routed(
    boxes: Sequence[Box], wires: Sequence[Wire], plan: _Plan, y: Sequence[float], gap: float
) -> Layout:
    """Give every layer a column wide enough for it, and every wire its points."""
    steps = [0.0] * len(plan.rows)  # the steepest climb in the gap before each layer
    for p in plan.pieces:
        climb = abs(y[p.source] + p.plug - y[p.target] - p.socket)
        layer = plan.layer[p.target]
        steps[layer] = max(steps[layer], climb)
    left: list[float] = []
    right: list[float] = []
    for layer, row in enumerate(plan.rows):
        before = right[-1] + gap + min(0.3 * steps[layer], _WIDEST) if layer else 0.0
        left.append(before)
        right.append(before + max(plan.boxes[v].width for v in row))
    top = min(y, default=0.0)
    routes = []
    for wire, chain in zip(wires, plan.chains, strict=True):
        points: list[Point] = []
        for v in chain:
            box, layer = plan.boxes[v], plan.layer[v]
            edge = y[v] - top
            if v == wire.target:
                points.append((left[layer], edge + box.sockets[wire.socket]))
                continue
            height = edge + box.plug
            start = left[layer] + (box.width if v == wire.source else 0.0)
            points.extend([(start, height), (right[layer], height)])
        routes.append(points)
    return Layout(
        [(left[plan.layer[v]], y[v] - top) for v in range(len(boxes))],
        routes,
        plan.layer[: len(boxes)],
        right[-1] if right else 0.0,
        max((y[v] - top + plan.boxes[v].height for v in range(len(plan.boxes))), default=0.0),
    )
