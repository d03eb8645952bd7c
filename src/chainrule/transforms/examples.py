"""One run for many examples: what it makes of one of them is computed for all, as it is made.

The function is run once, on the first example, and its recording is told of each node. Whenever
there is one, the operation's batching rule computes it for all examples at once; so masks, indices
and the local gradients of a transform inside are batched as the function's own operations are. What
does not depend on an example is computed once.

The values of all examples may be plain, or Arrays of whoever differentiates, records or batches
around it. Nothing of this run is visible there: its recording counts as the outermost, so that it
owns each node in which an example has a part. A value that Python looks at must be the same for all
of them, for one run goes one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.batching import LOOP, OtherShapeError, batched_result
from chainrule.core.kinds import astype, broadcast_to
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Deferred
from chainrule.core.recording import Recording, has_ended
from chainrule.core.saved import lift
from chainrule.core.source import where_am_i
from chainrule.errors import ExamplesDisagreeError
from chainrule.numpy.boundary import OF_OTHERS
from chainrule.operations.shape import stack

__all__ = ["Examples", "sees"]


class Examples:
    """The examples of one run; a context in which it is done.

    Args:
        size: how many there are; with none at all, the run is done on ones.
        constant: a recording around it of which nobody asks for a derivative.
    """

    def __init__(self, size: int, constant: Recording | None = None) -> None:
        self.size = size
        self._constant = constant
        self.recording = Recording(self._note, self._looked, every_guard=True, outermost=True)
        self.recording.converted = self._looked
        self.recording.examples = self.all_of
        self.recording.unseen = False
        self._all: dict[Node, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recording = self.recording
        recording.guard = recording.converted = recording.examples = None
        recording.end()
        self._all.clear()

    def fresh(self, values: Any) -> Array:
        """Return the Array that stands for examples, whose axis is the first."""
        node = Leaf(self.recording)
        self._all[node] = values
        if self.size:
            one = value_of(values)[0]
            one = np.array(one) if type(one) is np.ndarray else one
        else:
            one = np.ones(shape_of(values)[1:], dtype_of(values))[()]
        return Array(one, node)

    def is_one(self, value: Any) -> bool:
        """Tell whether a value stands for examples."""
        return type(value) is Array and value.node is not None and value.node in self._all

    def all_of(self, value: Any) -> Any:
        """Return a value of all examples, whose axis is the first."""
        if self.is_one(value):
            return self._of(value.node)
        value = value if type(value) is Array else np.asarray(value)
        return broadcast_to(value, shape=(self.size, *shape_of(value)))

    # What the recording tells.

    def _note(self, node: Node, value: Any) -> None:
        batched, operands = [], []
        for x, parent in zip(node.operands, node.parents, strict=True):
            is_one = parent is not None and parent.recording is self.recording
            batched.append(is_one)
            operands.append(self._of(parent) if is_one else self._from_outside(x, parent))
        values = batched_result(node.operation, batched, operands, node.params)
        if values is LOOP:
            values = self._one_by_one(node, batched, operands, value)
        self._all[node] = self._checked(node, values, value)
        if type(values) is Array and values.node is not None and values.node.recording.unseen:
            self.recording.unseen = True

    def _of(self, node: Any) -> Any:
        """Return the value of a node for all examples."""
        values = self._all[node]
        if type(values) is Array and values.node is not None and has_ended(values.node.recording):
            values = self._all[node] = values.value
        return values

    def _from_outside(self, x: Any, parent: Node | None) -> Any:
        """Return an operand that all examples share, with its history if that is an outer one.

        What belongs to a transform inside is a constant: its derivative is taken of this run.
        """
        outside = None if parent is None else parent.recording
        if outside not in (None, self._constant) and outside.age < self.recording.age:
            return lift(x, parent)
        return x.value if type(x) is Deferred else x

    def _one_by_one(
        self, node: Node, batched: Sequence[bool], operands: Sequence[Any], value: Any
    ) -> Any:
        if not self.size:
            return np.empty((0, *shape_of(value)), dtype_of(value))
        parts = []
        for k in range(self.size):
            of_one = [x[k] if b else x for b, x in zip(batched, operands, strict=True)]
            try:
                part = node.operation(*of_one, **node.params)
                shape = shape_of(part)
            except OtherShapeError as other:
                shape = other.shape
            if shape != shape_of(value):
                raise ExamplesDisagreeError(
                    f"`{node.operation.name}` gives shape {shape_of(value)} for example 0 and "
                    f"{shape} for example {k}, at {where_am_i()}: under vmap the shape must be "
                    "the same for all. Write np.where(mask, x, 0) in place of x[mask], and tell "
                    "a solver where its solution is wanted (t_eval)"
                )
            parts.append(part)
        return stack(*parts, axis=0)

    def _checked(self, node: Node, values: Any, value: Any) -> Any:
        """Return what a batching rule gave, in the dtype that one example by itself has."""
        shape = (self.size, *shape_of(value))
        if shape_of(values) != shape:
            raise AssertionError(
                f"the batching rule of {node.operation!r} gave shape {shape_of(values)} in place "
                f"of {shape}"
            )
        dtype, found = dtype_of(value), dtype_of(values)
        if found != dtype and dtype.kind in "fc" and found.kind in "fc":
            if found.kind == "c" and dtype.kind == "f" and np.any(np.imag(value_of(values))):
                raise ExamplesDisagreeError(
                    f"`{node.operation.name}` gives real numbers for example 0 and complex ones "
                    f"for others, at {where_am_i()}: under vmap all are of one type. Give it "
                    "complex numbers: x + 0j in place of x"
                )
            return astype(values, dtype=dtype)
        return values

    def _looked(self, node: Node, outcome: Any) -> None:
        """Raise where Python looked at a value on which the examples disagree."""
        if not self.size:
            return
        agree = sees(self._of(node), outcome)
        if np.all(agree):
            return
        where = "" if type(agree) is Array else f" and {_other(self._of(node), agree, outcome)}"
        raise ExamplesDisagreeError(
            f"the examples disagree at {where_am_i()}: Python saw {outcome!r} for example 0{where}."
            f" Under vmap one run serves all examples, and goes one way. {_cure(outcome)}"
        )


OF_OTHERS.add(Examples._note.__code__)


def sees(values: Any, outcome: Any) -> Any:
    """Tell for each example whether Python would have seen the same."""
    if isinstance(outcome, tuple):  # a ratio of whole numbers
        outcome = outcome[0] / outcome[1]
    kind = dtype_of(values).kind
    if isinstance(outcome, (bool, np.bool_)) and kind != "b":
        values = np.not_equal(values, 0)
    elif isinstance(outcome, int) and kind == "f":
        values = np.trunc(values)
    agree = np.equal(values, outcome)
    if kind in "fc" and not np.all(np.isfinite(outcome)):
        agree = agree | (np.isnan(values) & np.isnan(outcome))
    return agree


def _other(values: Any, agree: Any, outcome: Any) -> str:
    """Say what Python would have seen of the first example that is not as example 0."""
    k = int(np.argmin(np.reshape(agree, (len(agree), -1)).all(axis=1)))
    found = value_of(values)[k]
    if isinstance(outcome, (bool, int, float)):
        found = type(outcome)(found)
    return f"{found!r} for example {k}"


def _cure(outcome: Any) -> str:
    if isinstance(outcome, (bool, np.bool_)):
        return (
            "Write np.where(condition, a, b) in place of the branch: it computes both sides and "
            "chooses for each example"
        )
    if isinstance(outcome, int) or (isinstance(outcome, np.ndarray) and outcome.dtype.kind in "iu"):
        return (
            "Write np.take(table, i, axis=0) in place of an index into a plain array, table[i]; a "
            "count or a shape must be the same for all, so pass it with None in in_axes"
        )
    return "Keep the Array, which works wherever a number or an ndarray does"
