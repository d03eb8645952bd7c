"""Derivatives of formulas that fail for large or small numbers: taken once more, in stable form.

``np.log(np.sum(np.exp(x)))`` overflows at 1000, and its gradient with it, though that is an
ordinary number. Compiled code rewrites such formulas before it runs (`chainrule.graph.stabilise`).
Here the same rules serve a derivative that met something infinite: what was recorded becomes a
graph, which is rewritten, recorded anew, and differentiated again; so derivatives of any order are
those of the stable formula. The user's function is not run again, and where everything is finite
nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from types import NoneType
from typing import Any

import numpy as np

from chainrule.core.apply import Given, apply
from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.backward import Derive
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder, computed
from chainrule.core.reach import dependent, reach
from chainrule.core.recording import Recording, has_ended
from chainrule.graph.chosen_zeros import evaluated_by_choices
from chainrule.graph.graph import Apply, Input, Vertex, evaluate, from_nodes, topological
from chainrule.graph.repetition import without_repetition
from chainrule.graph.rewrite import Rule, only_of, rewrite, share
from chainrule.graph.stabilise.rules import OVERFLOWING, may_overflow
from chainrule.graph.stabilise.scaled import SCALED
from chainrule.operations import elementwise

__all__ = ["derived_again", "stable_forms"]

_MOST_NODES = 20_000  # beyond it, rewriting would take seconds


def derived_again(
    derive: Derive,
    outputs: Sequence[Array],
    inputs: Sequence[Node],
    values: Sequence[Any],
    found: list[Any],
    sure: bool,
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
        sure: whether they met nothing infinite, so that the numbers found are right.
    """
    recording = outputs[0].node.recording
    observed = recording.note is not None and not has_ended(recording)
    if observed and sure and not _may_overflow(outputs, inputs):
        return found
    graph = _Graph(outputs, inputs, values)
    again = graph.stable(OVERFLOWING if sure else (*SCALED, *OVERFLOWING))
    if again is not None:
        new, _ = derive(again, graph.fresh, False)
        if observed and sure:
            return [
                Array(x.held, y.node) if type(x) is type(y) is Array else y
                for x, y in zip(found, new, strict=True)
            ]
        if observed:
            return new
        found = [_merged(x, y) for x, y in zip(new, found, strict=True)]
    if observed or all(map(_is_finite, outputs)) or not any(map(_has_zeros, found)):
        return found
    try:
        derived, _ = derive(again or graph.alive(), graph.fresh, True)
    except Exception:  # a rule of the user's may be for plain values alone, and has served already
        return found
    wanted = [k for k, x in enumerate(derived) if type(x) is Array]
    known = _Graph([derived[k] for k in wanted], graph.fresh, values).vertices
    for k, known_to_be in zip(wanted, evaluated_by_choices(known), strict=True):
        found[k] = _without_lost_zeros(found[k], known_to_be)
    return found


def stable_forms(
    outputs: Sequence[Array], inputs: Sequence[Node], values: Sequence[Any]
) -> list[Array] | None:
    """Record outputs anew in forms that do not fail; None where none is known."""
    return _Graph(outputs, inputs, values).stable((*SCALED, *OVERFLOWING))


def _may_overflow(outputs: Sequence[Array], inputs: Sequence[Node]) -> bool:
    nodes, _ = reach([y.node for y in outputs], inputs)
    return any(may_overflow(node.operation, node.params) for node in nodes if node.parents)


class _Graph:
    """What was recorded between inputs and outputs, as vertices.

    Attributes:
        fresh: the inputs, or leaves in their places where their recording has ended.
        vertices: those of the outputs that depend on an input.
    """

    def __init__(
        self, outputs: Sequence[Array], inputs: Sequence[Node], values: Sequence[Any]
    ) -> None:
        nodes, _ = reach([y.node for y in outputs], inputs)
        self._between = set(dependent(nodes, inputs))
        recording = Recording()
        self.fresh = [Leaf(recording) if has_ended(x.recording) else x for x in inputs]
        self._arrays: dict[Vertex, Any] = {}  # where the graph begins
        known: dict[Node, Vertex] = {}
        for node, value, new in zip(inputs, values, self.fresh, strict=True):
            known[node] = Input("input", value)
            self._arrays[known[node]] = Array(value if new is node else computed([value])[0], new)
        read: dict[Node, Any] = {}  # what some rule reads, whichever nodes hold placeholders
        for node in self._between.difference(inputs):
            for x, parent in zip(node.operands, node.parents, strict=True):
                if parent is not None and type(read.get(parent)) in (NoneType, Placeholder):
                    read[parent] = x.held if type(x) is Array else x
        for parent, x in read.items():
            if parent not in self._between and parent not in known:
                known[parent] = outside = Input("outside", x)
                ended = has_ended(parent.recording)
                self._arrays[outside] = computed([x])[0] if ended else Array(x, parent)
        self._outputs = outputs
        self._depend = [y.node in self._between for y in outputs]
        wanted = [y.node for y, depends in zip(outputs, self._depend, strict=True) if depends]
        made: dict[Node, Vertex] = {}
        self.vertices = from_nodes(wanted, known, made=made, values=read)
        self._nodes = {vertex: node for node, vertex in made.items()}

    def stable(self, rules: Sequence[Rule]) -> list[Array] | None:
        """Record the outputs anew as rules rewrite them; None where these have nothing to say."""
        if len(self._between) > _MOST_NODES:
            return None
        before = share(without_repetition(self.vertices))
        after = rewrite(before, [only_of(_is_real, *rules)])
        return None if after == before else self._recorded(share(after), set(topological(before)))

    def alive(self) -> list[Array]:
        """Return the outputs, recorded anew where their recording has ended."""
        recorded = self._recorded(self.vertices, set(self._nodes))
        assert recorded is not None
        return recorded

    def _recorded(self, outputs: Sequence[Vertex], kept: Set[Vertex]) -> list[Array] | None:
        """Record vertices: what was kept with its values, what is new by computing it.

        None where that takes a value that no rule reads, and that no node kept.
        """
        order = topological(outputs)
        needed: set[Vertex] = set()
        computed: set[Vertex] = set()
        for vertex in reversed(order):
            unknown = vertex in needed and type(vertex.value) is Placeholder
            if isinstance(vertex, Apply) and (unknown or vertex not in kept):
                computed.add(vertex)
                needed.update(vertex.operands)
            elif unknown:
                return None
        made = dict(self._arrays)
        for vertex in order:
            if vertex in made:
                continue
            node = self._nodes.get(vertex)
            if not isinstance(vertex, Apply):
                made[vertex] = vertex.value
            elif vertex not in computed and node is not None and not has_ended(node.recording):
                made[vertex] = Array(vertex.value, node)
            else:
                compute = _computing(vertex) if vertex in computed else Given(vertex.value)
                operands = [made[x] for x in vertex.operands]
                made[vertex] = apply(vertex.operation, compute, operands, vertex.params)
        rest = (made[output] for output in outputs)
        pairs = zip(self._outputs, self._depend, strict=True)
        return [next(rest) if depends else y for y, depends in pairs]


def _computing(vertex: Apply) -> Callable[..., Any]:
    return lambda *operands, **params: evaluate(vertex.operation, operands, params)


def _merged(new: Any, old: Any) -> Any:
    """Return a derivative, with the entries of another one where it is not finite.

    A zero does not replace an infinity: that of ``sqrt(x * x)`` comes of a root that is infinite.
    """
    if new is None or old is None or shape_of(new) != shape_of(old):
        return old
    value = value_of(new)
    serves = np.isfinite(value) | (np.isinf(value) & np.equal(value_of(old), 0))
    return new if np.all(serves) else elementwise.where(serves, new, old)


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
