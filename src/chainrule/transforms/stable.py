"""Derivatives of formulas that fail for large or small numbers: taken once more, in stable form.

``np.log(np.sum(np.exp(x)))`` overflows at 1000, and its gradient with it, though that is an
ordinary number. Compiled code rewrites such formulas before it runs (`chainrule.graph.stabilise`).
Here the same rules serve a derivative that met something infinite: what was recorded becomes a
graph, which is rewritten, recorded anew, and differentiated again; so derivatives of any order are
those of the stable formula. The user's function is not run again, and where everything is finite
nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.reach import dependent, is_observed, reach
from chainrule.core.recording import Recording, has_ended
from chainrule.graph.chosen_zeros import evaluated_by_choices
from chainrule.graph.graph import Apply, Input, Vertex, evaluate, from_nodes, topological
from chainrule.graph.repetition import without_repetition
from chainrule.graph.rewrite import share
from chainrule.graph.stabilise.rules import OVERFLOWING, stabilised
from chainrule.graph.stabilise.scaled import SCALED
from chainrule.operations import elementwise
from chainrule.transforms.inputs import Derive

__all__ = ["derived_again"]

_MOST_NODES = 20_000  # beyond it, rewriting would take seconds


def derived_again(
    derive: Derive,
    outputs: Sequence[Array],
    inputs: Sequence[Node],
    values: Sequence[Any],
    found: list[Any],
) -> list[Any]:
    """Return derivatives whose entries are finite wherever a stable form is known.

    Entries for which no stable form is finite stay, but for zeros that met infinity though no
    choice made them: where an output is infinite, too, they are NaN.

    Args:
        derive: derives outputs by nodes.
        outputs: what is derived.
        inputs: the nodes that it is derived by.
        values: the values of the inputs.
        found: what the rules gave; None where there is none.
    """
    overflowed = not all(_is_finite(y) for y in outputs)
    graph = _Graph(outputs, inputs, values)
    if len(graph.nodes) > _MOST_NODES or not graph.vertices:
        return found
    observed = is_observed(list(graph.nodes))
    if observed:
        overflowed = overflowed or not all(map(_is_finite, found))
    before = share(without_repetition(graph.vertices))
    rules = OVERFLOWING if observed and not overflowed else (*SCALED, *OVERFLOWING)
    after = stabilised(before, _is_real, rules)
    if after == before and (observed or not overflowed):
        return found
    recording = Recording()
    fresh = [Leaf(recording) if has_ended(node.recording) else node for node in inputs]
    graph.arrays.update(
        (x, Array(value, node)) for x, value, node in zip(graph.inputs, values, fresh, strict=True)
    )
    again = _recorded(after, graph.arrays, set(topological(before)))
    if again is None:
        again = _recorded(before, graph.arrays, set(topological(before)))
        assert again is not None
    elif after != before:
        new, _ = derive(graph.outputs(again), fresh, False)
        if observed:  # the values are those that eager derivatives have
            return [
                Array(x.value, y.node) if type(x) is type(y) is Array and _is_finite(x) else y
                for x, y in zip(found, new, strict=True)
            ]
        found = [_merged(x, y) for x, y in zip(new, found, strict=True)]
    if not overflowed or not any(_has_zeros(x) for x in found):
        return found
    try:
        derived, _ = derive(graph.outputs(again), fresh, True)
    except Exception:  # a rule of the user's may be for plain values alone, and has served already
        return found
    wanted = [k for k, x in enumerate(derived) if type(x) is Array]
    strict = evaluated_by_choices(_Graph([derived[k] for k in wanted], fresh, values).vertices)
    for k, known_to_be in zip(wanted, strict, strict=True):
        found[k] = _without_lost_zeros(found[k], known_to_be)
    return found


class _Graph:
    """What was recorded between inputs and outputs, as vertices.

    Attributes:
        nodes: those that depend on an input.
        inputs: the vertices of the inputs.
        vertices: those of the outputs that depend on an input.
        arrays: what the vertices stand for at which the graph begins besides.
    """

    def __init__(
        self, outputs: Sequence[Array], inputs: Sequence[Node], values: Sequence[Any]
    ) -> None:
        self._outputs = outputs
        nodes, _ = reach([y.node for y in outputs], inputs)
        self.nodes = set(dependent(nodes, inputs))
        self.inputs = [Input(f"x{k}", value) for k, value in enumerate(values)]
        self.arrays: dict[Vertex, Any] = {}
        known: dict[Node, Vertex] = dict(zip(inputs, self.inputs, strict=True))
        for node in self.nodes:
            if node in known:
                continue
            for x, parent in zip(node.operands, node.parents, strict=True):
                if parent is not None and parent not in self.nodes and parent not in known:
                    x = value_of(x)
                    known[parent] = outside = Input("outside", x)
                    ended = has_ended(parent.recording)
                    self.arrays[outside] = x if ended else Array(x, parent)
        self._depend = [y.node in self.nodes for y in outputs]
        wanted = [y.node for y, depends in zip(outputs, self._depend, strict=True) if depends]
        self.vertices = from_nodes(wanted, known)

    def outputs(self, again: Sequence[Any]) -> list[Array]:
        """Return the outputs, with others in the place of those that depend on an input."""
        rest = iter(again)
        pairs = zip(self._outputs, self._depend, strict=True)
        return [next(rest) if depends else y for y, depends in pairs]


def _recorded(
    outputs: Sequence[Vertex], arrays: Mapping[Vertex, Any], kept: Set[Vertex]
) -> list[Any] | None:
    """Record a graph: what was kept with its values, what is new by computing it.

    None where that takes a value that no rule reads, and that no node kept.
    """
    order = topological(outputs)
    needed: set[Vertex] = set()
    computed: set[Vertex] = set()
    for vertex in reversed(order):
        unknown = vertex in needed and isinstance(vertex.value, Placeholder)
        if isinstance(vertex, Apply) and (unknown or vertex not in kept):
            computed.add(vertex)
            needed.update(vertex.operands)
        elif unknown:
            return None
    made = dict(arrays)
    for vertex in order:
        if isinstance(vertex, Apply):
            operation = vertex.operation
            compute = _computing(operation) if vertex in computed else _giving(vertex.value)
            operands = [made[x] for x in vertex.operands]
            made[vertex] = apply(operation, compute, operands, vertex.params)
        elif vertex not in made:
            made[vertex] = vertex.value
    return [made[output] for output in outputs]


def _computing(operation: Any) -> Any:
    return lambda *operands, **params: evaluate(operation, operands, params)


def _giving(value: Any) -> Any:
    return lambda *operands, **params: value


def _merged(new: Any, old: Any) -> Any:
    """Return a derivative, with the entries of another one where it is not finite."""
    if new is None or old is None or shape_of(new) != shape_of(old):
        return old
    finite = np.isfinite(value_of(new))
    return new if np.all(finite) else elementwise.where(finite, new, old)


def _without_lost_zeros(derivative: Any, known_to_be: Any) -> Any:
    """Return a derivative with NaN for zeros that another evaluation does not know to be zeros.

    A plausible 0 would stop a training without a word.
    """
    value = value_of(derivative)
    if known_to_be is not None and shape_of(known_to_be) != shape_of(value):
        return derivative
    lost = np.equal(value, 0) & (True if known_to_be is None else np.isnan(known_to_be))
    if not np.any(lost):
        return derivative
    # A product, so that derivatives of it are NaN, too.
    return derivative * np.where(lost, np.nan, 1.0).astype(dtype_of(value))[()]


def _has_zeros(derivative: Any) -> bool:
    return derivative is not None and not np.all(value_of(derivative))


def _is_finite(y: Any) -> bool:
    return y is None or bool(np.all(np.isfinite(value_of(y))))


def _is_real(dtype: np.dtype[Any]) -> bool:
    return dtype.kind != "c"
