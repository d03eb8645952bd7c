"""The gradient of one stage, derived over the whole stage and then simplified.

The stage's expression is replayed on fresh leaves, and the backward pass of that little graph is
recorded: the library's own rules, applied to Arrays, give the gradient as a graph in the stage's
inputs, its own output and the upstream gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from chainrule.core.array import Array, is_complex
from chainrule.core.backward import backward
from chainrule.core.kinds import guarded_multiply
from chainrule.core.node import Leaf, Node
from chainrule.core.recording import Observer, Recording
from chainrule.graph.arrange import Arranger, arrange
from chainrule.graph.closed_forms import added
from chainrule.graph.common_factors import as_value, shared_factors
from chainrule.graph.finite import all_finite, always_finite
from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    apply_to,
    from_nodes,
    is_number,
    topological,
)
from chainrule.graph.looks import saw
from chainrule.graph.recognise import RECOGNITION, recognised_as_a_whole
from chainrule.graph.rewrite import Rule, rewrite, share
from chainrule.graph.simplify.guarded_products import as_plain_product
from chainrule.graph.simplify.rules import as_given, simplify
from chainrule.operations import elementwise
from chainrule.staged.statements import shared_subexpressions

__all__ = ["Derived", "Style", "derive", "is_scalar", "may_be_infinite"]


class Derived(NamedTuple):
    """The gradient by each input, None where none flows, and the parts of them to be named."""

    gradients: list[Vertex | None]
    named: set[Vertex]


def is_scalar(expression: Vertex) -> bool:
    """Tell whether a stage is a formula of numbers, so that local and upstream can stand apart.

    The upstream gradient of a complex number does not only scale the local one: the real part may
    be taken of their product.
    """
    return not is_complex(expression.value) and all(
        vertex.shape == () for vertex in topological([expression])
    )


class Style(NamedTuple):
    """How gradients are written.

    ``math`` says that functions of numbers are those of `math` rather than of NumPy, ``plain`` that
    formulas stay as the rules give them.
    """

    math: bool
    plain: bool


def derive(
    variable: Input | None,
    expression: Vertex,
    upstream: Vertex,
    inputs: Sequence[Input],
    guarded: bool,
    style: Style,
    looked: Observer | None = None,
) -> Derived:
    """Derive the gradients of a stage's inputs.

    Args:
        variable: what holds the stage's value, which its gradient may refer to; None for nothing.
        expression: what is assigned to it.
        upstream: its gradient; the number 1 gives the local gradients themselves.
        inputs: the variables to differentiate by.
        guarded: a later operation selects entries, so products with local gradients that may be
            infinite must give 0 where the upstream gradient is 0.
        style: how to write it.
        looked: is told where a rule looks at a value.
    """
    prepared = expression
    if not style.plain:
        (prepared,) = share(rewrite(share([expression]), RECOGNITION))
        prepared = recognised_as_a_whole(prepared)
    recording = Recording(note=lambda node, value: None, guard=looked, every_guard=True)
    leaves = {x: Leaf(recording) for x in topological([prepared]) if isinstance(x, Input)}
    known: dict[Node, Vertex] = {leaf: x for x, leaf in leaves.items()}
    root = _replay(prepared, leaves, recording, known)
    if _is_quotient_of_number(prepared):
        variable = None
    if variable is not None:
        known[root.node] = variable
    g = Leaf(recording)
    known[g] = upstream
    pulled = backward([(root, Array(upstream.value, g))], [leaves[x] for x in inputs])
    recording.end()
    reached = [k for k, g in enumerate(pulled) if g is not None]
    gradients = _vertices([pulled[k] for k in reached], known, style.math)
    result: list[Vertex | None] = [None] * len(inputs)
    if style.plain:
        for k, gradient in zip(reached, as_given(gradients), strict=True):
            result[k] = gradient
        return Derived(result, set())
    rules = [_with_exact_exponents(prepared)]
    if not guarded:
        rules.append(_unguarded)
    written = topological([prepared])
    *gradients, whole = simplify([*gradients, prepared], *rules, written=written)
    seen_as = None if variable is None else (whole, variable)
    gradients, named = _arranged(gradients, upstream, not is_scalar(expression), seen_as)
    for k, gradient in zip(reached, gradients, strict=True):
        result[k] = gradient
    return Derived(result, named)


def _arranged(
    gradients: list[Vertex], upstream: Vertex, ordered: bool, value: tuple[Vertex, Input] | None
) -> tuple[list[Vertex], set[Vertex]]:
    """Put products in order, merged across shared parts where that leaves less to compute.

    Returns:
        The gradients, and the common factors that get a name.
    """
    separate, merged = (
        _factored(gradients, upstream, kept, ordered, value)
        for kept in (set(shared_subexpressions(gradients)), set())
    )
    return merged if _written(*merged) < _written(*separate) else separate


def _factored(
    gradients: list[Vertex],
    upstream: Vertex,
    kept: set[Vertex],
    ordered: bool,
    value: tuple[Vertex, Input] | None,
) -> tuple[list[Vertex], set[Vertex]]:
    """Put products in order and take out the factors that they have in common."""
    arranger = Arranger((), upstream, ordered)
    outputs = share(arrange(gradients, upstream, kept, ordered))
    if value is not None:
        whole, variable = value
        *outputs, whole = share([*outputs, *arrange([whole], upstream, (), ordered)])
        outputs = share(as_value(outputs, whole, variable, arranger))
    outputs, named = shared_factors(outputs, shared_subexpressions(outputs), arranger)
    arranger = Arranger({*named, *shared_subexpressions(outputs, named)}, upstream, ordered)
    arranger.arrange(outputs)
    return [arranger.of(x) for x in outputs], {arranger.of(x) for x in named}


def _written(outputs: list[Vertex], also: set[Vertex]) -> int:
    """Count the operations that are written out: those of a part with a name once."""
    named = set(shared_subexpressions(outputs, also))
    sizes: dict[Vertex, int] = {}
    for vertex in topological(outputs):
        operands = vertex.operands if isinstance(vertex, Apply) else ()
        inner = sum(sizes[x] for x in operands if x not in named)
        sizes[vertex] = inner + isinstance(vertex, Apply)
    return sum(sizes[x] for x in named) + sum(sizes[x] for x in outputs if x not in named)


def may_be_infinite(local: Vertex, guarded: bool) -> bool:
    """Tell whether a zero upstream gradient has to be kept from an infinite local one."""
    if not all_finite(local.value):
        return True
    return guarded and not always_finite(local)


def _unguarded(vertex: Apply) -> Vertex | None:
    if vertex.operation is not guarded_multiply:
        return None
    return as_plain_product(vertex) if saw(all_finite, vertex.operands[1]) else None


def _replay(
    expression: Vertex, leaves: dict[Input, Leaf], recording: Recording, known: dict[Node, Vertex]
) -> Array:
    """Record a graph anew: the same operations and values, on other leaves.

    Captured arrays and numbers in quotients are recorded too, so that the gradient of ``x @ W`` is
    made of ``W.T`` and not of another constant, that of ``x / 3`` of ``1 / 3`` and not of 0.333.
    Their leaves are added to ``known``.
    """
    made: dict[Vertex, Any] = {x: Array(x.value, leaf) for x, leaf in leaves.items()}
    for vertex in topological([expression]):
        if isinstance(vertex, Constant):
            made[vertex] = vertex.value
            if isinstance(vertex.value, np.ndarray) and vertex.value.dtype.kind in "fc":
                known[leaf := Leaf(recording)] = vertex
                made[vertex] = Array(vertex.value, leaf)
        elif isinstance(vertex, Apply):
            operands = [made[x] for x in vertex.operands]
            divisor = vertex.operands[-1]
            if vertex.operation is elementwise.divide and is_number(divisor):
                known[leaf := Leaf(recording)] = divisor
                operands[-1] = Array(divisor.value, leaf)
            parents = tuple(x.node if type(x) is Array else None for x in operands)
            values = tuple(x.value for x in vertex.operands)
            if not any(parents):
                made[vertex] = vertex.value
                continue
            node = Node(vertex.operation, parents, values, vertex.value, vertex.params, recording)
            made[vertex] = Array(vertex.value, node)
    root = made[expression]
    assert isinstance(root, Array)
    return root


def _with_exact_exponents(expression: Vertex) -> Rule:
    """Make the rule that writes ``x ** (1 / 3 - 1)`` as ``x ** (-2 / 3)``, the nearest number."""
    exact: dict[float, float] = {}
    for vertex in topological([expression]):
        if _is_power_of_number(vertex):
            exponent = vertex.operands[1].value
            if (less := added(exponent, -1)) is not None:
                exact[exponent - 1] = less

    def rule(vertex: Apply) -> Vertex | None:
        if not _is_power_of_number(vertex):
            return None
        base, exponent = vertex.operands
        number = exact.get(exponent.value)
        if number is None or number == exponent.value:
            return None
        return apply_to(elementwise.power, base, Constant(number))

    return rule


def _is_power_of_number(vertex: Vertex) -> TypeGuard[Apply]:
    return (
        isinstance(vertex, Apply)
        and vertex.operation is elementwise.power
        and is_number(vertex.operands[1])
    )


def _is_quotient_of_number(vertex: Vertex) -> bool:
    """``1 / x`` is differentiated to ``-1 / x**2``, not to ``-y / x``, as people know it."""
    return (
        isinstance(vertex, Apply)
        and vertex.operation is elementwise.divide
        and is_number(vertex.operands[0])
    )


def _vertices(gradients: list[Any], known: dict[Node, Vertex], math: bool) -> list[Vertex]:
    nodes = [g.node for g in gradients if type(g) is Array]
    made = iter(from_nodes(nodes, known, recompute=math))
    return [next(made) if type(g) is Array else Constant(g) for g in gradients]
