"""The backward pass before it is printed: what each stage gives to the gradients of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.kinds import Elementwise, identity
from chainrule.graph.graph import Apply, Constant, Input, Vertex, is_operation, topological
from chainrule.staged.alike import Derivations
from chainrule.staged.derive import Style, is_scalar
from chainrule.staged.partition import Assignment, Partition
from chainrule.staged.writes import Write

__all__ = ["Step", "active_variables", "handed_on", "one_like", "steps"]


@dataclass(slots=True)
class Step:
    """The backward pass of one stage.

    Attributes:
        number: the place of the stage in the forward pass.
        assignment: the stage.
        upstream: the gradient of its variable; the number 1 for the output.
        entries: of a write, the entries that were written, as the backward pass may refer to them.
        received: of a write, the gradient of these entries; else ``upstream``.
        gradients: pairs of an input and what flows to it.
        named: parts of these that get a name.
        product: whether they are local gradients still, to be multiplied with ``received``.
        guarded: whether a later operation selects entries.
        follows: of a write, whether what was written into has no other gradient, so that this one
            becomes its gradient.
        is_zero: whether the upstream gradient is 0, as nobody reads what a loop hands on.
    """

    number: int
    assignment: Assignment
    upstream: Input | Constant
    entries: Input | None
    received: Input | Constant
    gradients: list[tuple[Input, Vertex]]
    named: set[Vertex]
    product: bool
    guarded: bool
    follows: bool = False
    is_zero: bool = False


def handed_on(partition: Partition, end: Input) -> Vertex:
    """Return what the last turn of a loop hands on in a variable, given that behind the loop."""
    expression = next(x.expression for x in partition.assignments if x.variable is end)
    return expression.operands[0] if is_operation(expression, identity) else expression


def steps(partition: Partition, active: Collection[Input], style: Style) -> list[Step]:
    """Derive every stage that the output depends on, the last one first.

    Args:
        partition: the stages.
        active: the variables that gradients flow through.
        style: how to write gradients.
    """
    assignments = partition.assignments
    derivations = Derivations(style)
    guarded = _guarded(assignments)
    totals: dict[Input, Any] = {}
    ends = [end for loop in partition.loops for _, end in loop.carried]
    left = {handed_on(partition, end) for end in ends} & set(active)
    found: list[Step] = []
    for number in range(len(assignments) - 1, -1, -1):
        assignment = assignments[number]
        variable, write = assignment.variable, assignment.write
        upstream: Input | Constant
        read_later = variable in totals
        if variable is partition.output:
            upstream = Constant(one_like(variable.value))
        elif variable in totals:
            upstream = Input("", totals.pop(variable))
        elif variable in left:  # of a loop, behind which nobody reads it
            upstream = Input("", np.zeros_like(variable.value))
        else:
            continue
        expression, entries, received = _written(assignment, upstream)
        read = topological([expression])
        inputs = [x for x in read if isinstance(x, Input) and x in active]
        old = None if write is None else write.old
        if not inputs and old not in active:
            continue
        scalar = is_scalar(expression) and old not in inputs  # which is not multiplied, but written
        product = scalar and isinstance(received, Input)
        seed = Constant(one_like(received.value)) if scalar else received
        step = Step(
            number, assignment, upstream, entries, received, [], set(), product, guarded[variable]
        )
        step.is_zero = variable in left and isinstance(upstream, Input) and not read_later
        if inputs:
            itself = variable if write is None else entries
            derived = derivations.derive(itself, expression, seed, inputs, step.guarded)
            pairs = zip(inputs, derived.gradients, strict=True)
            step.gradients = [(x, g) for x, g in pairs if g is not None]
            step.named = derived.named
        if isinstance(old, Input) and old in active:
            assert write is not None
            step.follows = old not in totals
            _add(totals, old, _rest(write, upstream.value))
        for x, g in step.gradients:
            with np.errstate(all="ignore"):
                _add(totals, x, g.value * received.value if product else g.value)
        found.append(step)
    return found


def one_like(value: Any) -> Any:
    """Return 1 in the type of a value."""
    return value.dtype.type(1) if hasattr(value, "dtype") else 1.0


def _add(totals: dict[Input, Any], variable: Input, value: Any) -> None:
    totals[variable] = totals[variable] + value if variable in totals else value


def _written(
    assignment: Assignment, upstream: Input | Constant
) -> tuple[Vertex, Input | None, Input | Constant]:
    """Return what is differentiated, the entries that hold it, and their gradient."""
    write = assignment.write
    if write is None:
        return assignment.expression, None, upstream
    received = Input("", write.of(upstream.value))
    if write.adds:
        return write.new, None, received
    variable = assignment.variable
    return write.new, Input("", write.of(variable.value), variable.finite), received


def _rest(write: Write, gradient: Any) -> Any:
    """Return the gradient of what was written into, but for what flows there through new values."""
    if write.adds:
        return gradient
    rest = np.array(gradient)
    rest[write.key] = 0
    return rest


def active_variables(wanted: Iterable[Input], partition: Partition) -> set[Input]:
    """Return the variables that gradients flow through: those that depend on one of some.

    What a watched loop hands on is one of them from the first turn on, if it is in the end.
    """
    active = set(wanted)
    while True:
        for assignment in partition.assignments:
            if assignment.variable.dtype.kind in "fc" and _flows(assignment.expression, active):
                active.add(assignment.variable)
        carried = (pair for loop in partition.loops for pair in loop.carried)
        more = {begin for begin, end in carried if end in active} - active
        if not more:
            return active
        active |= more


def _flows(expression: Vertex, active: set[Input]) -> bool:
    """Tell whether a gradient flows from an expression to one of some variables."""
    reached: set[Vertex] = set()
    for vertex in topological([expression]):
        if vertex in active or (
            isinstance(vertex, Apply)
            and vertex.operation.differentiable
            and any(x in reached and _passes(vertex, k) for k, x in enumerate(vertex.operands))
        ):
            reached.add(vertex)
    return expression in reached


def _passes(vertex: Apply, k: int) -> bool:
    """Tell whether an operation has a derivative by an operand that is not zero everywhere."""
    operation = vertex.operation
    return not isinstance(operation, Elementwise) or bool(operation.d[k])


def _guarded(assignments: Sequence[Assignment]) -> dict[Input, bool]:
    """Tell which stages have entries that they, or later stages, may not select."""
    guarded: dict[Input, bool] = {}
    for assignment in reversed(assignments):
        vertices = topological([assignment.expression])
        here = guarded.get(assignment.variable, False) or any(map(_selects, vertices))
        guarded[assignment.variable] = here
        if here:
            guarded.update({x: True for x in vertices if isinstance(x, Input)})
    return guarded


def _selects(vertex: Vertex) -> bool:
    if not isinstance(vertex, Apply):
        return False
    masks = vertex.operation.shaping([x.value for x in vertex.operands])
    return vertex.operation.selects or bool(masks)
