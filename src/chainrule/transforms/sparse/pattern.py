"""The pattern of a Jacobian, from the graph: index sets from the inputs to the outputs.

Each entry of an input is an index. Each node has, for each of its entries, the set of indices that
it depends on, which follows from those of its operands by what its row says
(`chainrule.core.dependence`). Values play no part in it, besides integers that say which entries
are meant, an index array or the order that `sort` found, and zeros in a constant factor. The
pattern is right for all arguments for which Python goes the same way and these come out the same.
So they are looked at, as an ``if`` looks at a condition: under `vmap` they must be the same for all
examples, and compiled code guards them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.dependence import dependence, whole
from chainrule.core.node import Node
from chainrule.core.placeholder import Deferred, Placeholder
from chainrule.core.reach import reach
from chainrule.core.saved import lift
from chainrule.transforms.sparse.index_sets import IndexSets

__all__ = ["Key", "key_of", "looked_at", "nodes_between", "pattern"]

Key: TypeAlias = tuple[Any, ...]
#: By a node, and the number of an operand or the name of a parameter.
Values: TypeAlias = dict[tuple[Node, int | str], Any]


def nodes_between(outputs: Sequence[Array], inputs: Sequence[Node]) -> list[Node]:
    """Return the nodes from inputs to outputs that a derivative goes through, the first first."""
    found, _ = reach([y.node for y in outputs], inputs)
    active = set(inputs)
    nodes = []
    for node in reversed(found):
        if node in active:
            continue
        if any(True for _ in _flowing(node, active)):
            active.add(node)
            nodes.append(node)
    return nodes


def _flowing(node: Node, active: Any) -> Iterable[int]:
    """Yield the operands by which a node has a derivative that somebody asks for."""
    if node.parents and node.operation.differentiable:
        for k, parent in enumerate(node.parents):
            if parent in active and node.operation.flows(k):
                yield k


def looked_at(nodes: Sequence[Node], inputs: Sequence[Node]) -> Values:
    """Look at what decides the pattern besides the graph, and return it.

    It is integers that say which entries are meant, which entries of a constant factor are not 0
    if few are, and the pattern of a parameter that has one, with a method `look_at_pattern`.
    """
    values: Values = {}
    active = {*inputs, *nodes}
    seen: set[tuple[Node, bool]] = set()
    for node in nodes:
        if node.operation.entrywise:
            continue
        for k, (x, parent) in enumerate(zip(node.operands, node.parents, strict=True)):
            if parent in active or type(x) is Placeholder:
                continue
            is_factor = node.operation.annihilates
            if not is_factor and (node.operation.flows(k) or dtype_of(x).kind not in "iub"):
                continue
            value = np.asarray(x.value if type(x) is Deferred else x)
            if is_factor:
                value = np.not_equal(value, 0)
                if 2 * np.count_nonzero(value) > value.size:
                    continue
            values[node, k] = value
            if parent is not None and (parent, is_factor) not in seen:
                seen.add((parent, is_factor))
                _look(lift(x, parent), value, is_factor)
        for name, param in node.params.items():
            look = getattr(param, "look_at_pattern", None)
            if look is not None:
                values[node, name] = look(lift(node.operands[0], node.parents[0]))
    return values


def _look(x: Any, value: Any, is_factor: bool) -> None:
    """Let whoever guards x be told of its entries; of a factor, of those that are 0."""
    if type(x) is Array and x.node is not None:
        equal = np.equal(x, 0 if is_factor else value)
        bool(np.all(np.logical_or(equal, value) if is_factor else equal))


def key_of(
    nodes: Sequence[Node],
    inputs: Sequence[Node],
    outputs: Sequence[Any],
    given: Sequence[Any],
    values: Values,
) -> Key | None:
    """Return what decides the pattern, so that it is found once; None where nobody can tell."""
    numbers: dict[Any, int] = {node: k for k, node in enumerate(inputs)}
    numbers |= {node: k for k, node in enumerate(nodes, len(numbers))}
    key: list[Any] = [(shape_of(x), dtype_of(x)) for x in given]
    for node in nodes:
        key.append((node.operation, *(numbers.get(parent, -1) for parent in node.parents)))
        key.append(tuple(shape_of(x) for x in node.operands))
        key += [_digest(values[node, k]) for k in range(len(node.operands)) if (node, k) in values]
        key += [(name, _frozen(x), values.get((node, name))) for name, x in node.params.items()]
    ends = [numbers.get(y.node, -1) if type(y) is Array else -1 for y in outputs]
    key += [(shape_of(y), dtype_of(y), end) for y, end in zip(outputs, ends, strict=True)]
    made = tuple(key)
    try:
        hash(made)
    except TypeError:
        return None
    return made


def _digest(value: Any) -> Any:
    array = np.asarray(value)
    return array.dtype.str, array.shape, hashlib.blake2b(array.tobytes(), digest_size=16).digest()


def _frozen(value: Any) -> Any:
    """Return a parameter as something that can be hashed, if it can be told by its value."""
    if isinstance(value, slice):
        return slice, value.start, value.stop, value.step
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(_frozen, value))
    return _digest(value) if isinstance(value, np.ndarray) else value


def pattern(
    nodes: Sequence[Node],
    inputs: Sequence[Node],
    shapes: Sequence[tuple[int, ...]],
    outputs: Sequence[Any],
    values: Values,
) -> list[IndexSets]:
    """Return for each output what its entries depend on.

    Args:
        nodes: those between inputs and outputs, the first first.
        inputs: their nodes. Their entries are numbered one input after the other.
        shapes: those of the inputs.
        outputs: Arrays, or values that depend on nothing.
        values: what `looked_at` found.
    """
    sizes = [math.prod(shape) for shape in shapes]
    width = sum(sizes)
    sets: dict[Node, IndexSets] = {}
    first = 0
    for node, size in zip(inputs, sizes, strict=True):
        sets[node] = IndexSets.singles(first, size, width)
        first += size
    kept = {y.node for y in outputs if type(y) is Array}
    last = {parent: node for node in nodes for parent in node.parents}
    for node in nodes:
        sets[node] = _of_node(node, sets, values)
        for parent in set(node.parents):
            if parent is not None and last[parent] is node and parent not in kept:
                sets.pop(parent, None)  # nobody reads it again
    none = [IndexSets.empty(math.prod(shape_of(y)), width) for y in outputs]
    return [
        sets.get(y.node, empty) if type(y) is Array else empty
        for y, empty in zip(outputs, none, strict=True)
    ]


def _of_node(node: Node, sets: dict[Node, IndexSets], values: Values) -> IndexSets:
    operation = node.operation
    operands = [
        values.get((node, k), Placeholder(shape_of(x), dtype_of(x)))
        for k, x in enumerate(node.operands)
    ]
    count = math.prod(shape_of(node.output))
    rule = whole if _is_hidden(node, operands) else dependence
    parts = [
        (sets[node.parents[k]], rule(operation, k, operands, node.output, node.params))  # type: ignore[index]
        for k in _flowing(node, sets)
    ]
    if len(parts) > 2:  # of a list of numbers, say
        pairs = [part.pairs_through(links, count) for part, links in parts]
        entries, members = (np.concatenate(x) for x in zip(*pairs, strict=True))
        return IndexSets.of_pairs(entries, members, count, parts[0][0].width)
    first, *others = (part.through(links, count) for part, links in parts)
    return first.merged(others[0]) if others else first


def _is_hidden(node: Node, operands: Sequence[Any]) -> bool:
    """Tell whether indices are among the values that nobody has kept."""
    operation = node.operation
    return not operation.entrywise and any(
        type(x) is Placeholder and x.dtype.kind in "iub" and not operation.flows(k)
        for k, x in enumerate(operands)
    )
