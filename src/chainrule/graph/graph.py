"""A computation as data: immutable vertices that the passes rewrite and the printers read.

A recording is made of nodes, which belong to a run and carry what its backward pass needs. A graph
is what is left when the run is over: inputs, constants, and applications of operations, each with
its value in that run. Passes never change a vertex; they build new ones. That its fields are final
is for the type checker to see: a frozen dataclass takes three times as long to make, and passes
make little else.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeGuard, TypeVar

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.kinds import identity
from chainrule.core.node import Node
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Placeholder
from chainrule.core.saved import as_numpy

__all__ = [
    "Apply",
    "Constant",
    "Input",
    "Vertex",
    "apply_to",
    "axes_of",
    "copied",
    "evaluate",
    "fact",
    "from_nodes",
    "is_float",
    "is_number",
    "is_operation",
    "topological",
]


_Found = TypeVar("_Found")


class _Valued:
    """What every vertex tells about its value; found when it is asked for, and kept."""

    __slots__ = ("_dtype", "_facts", "_shape")

    value: Any
    _dtype: np.dtype[Any]
    _shape: tuple[int, ...]
    _facts: dict[Callable[[Apply], Any], Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, () for a number."""
        try:
            return self._shape
        except AttributeError:
            self._shape = shape_of(self.value)
            return self._shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How much memory the entries take."""
        return self.size * self.dtype.itemsize

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype; float64 for a Python float."""
        try:
            return self._dtype
        except AttributeError:
            self._dtype = dtype_of(self.value)
            return self._dtype

    def _with_facts(self) -> dict[Callable[[Apply], Any], Any]:
        self._facts = {}
        return self._facts


@dataclass(eq=False, slots=True)
class Input(_Valued):
    """A variable that comes from outside: an argument, or the value of an earlier stage.

    ``finite`` is False where it may be infinite or NaN though the arguments are not, as a logarithm
    is.
    """

    name: Final[str]
    value: Final[Any]
    finite: Final[bool] = True


@dataclass(eq=False, slots=True)
class Constant(_Valued):
    """A number or an array.

    ``literal`` says of an array that it is a part of the code, which nobody can change: so equal
    ones are one. Any other is the user's, and told apart by its identity.
    """

    value: Final[Any]
    literal: Final[bool] = False


@dataclass(eq=False, slots=True)
class Apply(_Valued):
    """An operation applied to other vertices."""

    operation: Final[Operation]
    operands: Final[tuple[Vertex, ...]]
    params: Final[Mapping[str, Any]] = field(default_factory=dict)
    value: Final[Any] = None

    def __repr__(self) -> str:
        return f"Apply({self.operation.name}, {len(self.operands)} operands)"


Vertex: TypeAlias = "Input | Constant | Apply"


def fact(find: Callable[[Apply], _Found]) -> Callable[[Apply], _Found]:
    """Make of a function of a vertex one that finds out once: the vertex keeps what it found."""

    @functools.wraps(find)
    def known(vertex: Apply) -> _Found:
        facts = getattr(vertex, "_facts", None)
        if facts is None:
            facts = vertex._with_facts()
        elif find in facts:
            return facts[find]  # type: ignore[no-any-return]
        found = facts[find] = find(vertex)
        return found

    return known


def topological(outputs: Iterable[Vertex]) -> list[Vertex]:
    """Return every vertex that the outputs need, operands before what uses them."""
    order: list[Vertex] = []
    seen: set[Vertex] = set()
    for output in outputs:
        if output in seen:
            continue
        seen.add(output)
        path, left = [output], [iter(output.operands if type(output) is Apply else ())]
        while path:
            for operand in left[-1]:
                if operand in seen:
                    continue
                seen.add(operand)
                if type(operand) is Apply:
                    path.append(operand)
                    left.append(iter(operand.operands))
                    break
                order.append(operand)
            else:
                order.append(path.pop())
                left.pop()
    return order


def copied(x: Vertex) -> Apply:
    """Return a vertex of the same value that is nothing else's."""
    return Apply(identity, (x,), {}, x.value)


def is_operation(vertex: Vertex, *operations: Operation) -> TypeGuard[Apply]:
    """Tell whether a vertex applies one of some operations."""
    return isinstance(vertex, Apply) and vertex.operation in operations


def is_number(vertex: Vertex, *numbers: float) -> bool:
    """Tell whether a vertex is a constant number, and (if any are given) one of those."""
    if not isinstance(vertex, Constant) or isinstance(vertex.value, (bool, np.bool_)):
        return False
    if not isinstance(vertex.value, (int, float, np.integer, np.floating)):
        return False
    return not numbers or vertex.value in numbers


def is_float(vertex: Vertex) -> bool:
    """Tell whether a vertex has real numbers."""
    return vertex.dtype.kind == "f"


def axes_of(vertex: Apply) -> tuple[int, ...]:
    """Return the axes along which an operation goes, as non-negative numbers."""
    axis = vertex.params.get("axis")
    ndim = vertex.operands[0].ndim
    if axis is None:
        return tuple(range(ndim))
    return tuple(k % ndim for k in ((axis,) if isinstance(axis, int) else axis))


def evaluate(operation: Operation, values: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """Compute an operation on plain values, with NumPy's inf and NaN where Python would raise."""
    compute = operation.compute
    with np.errstate(all="ignore"):
        try:
            if operation.scalar is not None and all(type(x) is float for x in values):
                return operation.scalar(*values)
            return compute(*values, **params)
        except (ZeroDivisionError, OverflowError, ValueError):
            return compute(*as_numpy(values), **params)


def apply_to(operation: Operation, *operands: Vertex, **params: Any) -> Apply:
    """Make a vertex and compute its value."""
    return Apply(operation, operands, params, evaluate(operation, _values(operands), params))


def _values(vertices: Iterable[Vertex]) -> list[Any]:
    return [vertex.value for vertex in vertices]


def from_nodes(
    outputs: Sequence[Node],
    known: Mapping[Node, Vertex],
    constant: Callable[[Any], Constant] = Constant,
    recompute: bool = False,
    made: dict[Node, Vertex] | None = None,
    values: Mapping[Node, Any] | None = None,
    kept: Callable[[Any], Any] | None = None,
) -> list[Vertex]:
    """Turn recorded nodes into vertices.

    Args:
        outputs: the nodes wanted.
        known: the vertex for each leaf, and for nodes to stop at.
        constant: makes the vertex of an operand that has no history.
        recompute: give functions of Python floats the value that `math` computes, so that they
            print as ``math.cos`` and not as ``np.cos``.
        made: is given the vertex of every node.
        values: of nodes that do not have their own, for no rule of theirs reads it.
        kept: returns what a vertex keeps of a value; all of it if not given.

    Raises:
        KeyError: a leaf is not known.
    """
    made = {} if made is None else made
    made.update(known)
    constants: dict[int, Constant] = {}
    stack = list(outputs)
    while stack:
        node = stack[-1]
        if node in made:
            stack.pop()
            continue
        missing = [p for p in node.parents if p is not None and p not in made]
        if missing:
            stack.extend(missing)
            continue
        if not node.parents:
            raise KeyError(node)
        stack.pop()
        operands: list[Vertex] = []
        for value, parent in zip(node.operands, node.parents, strict=True):
            if parent is not None:
                operands.append(made[parent])
                continue
            if type(value) is Array:  # of a recording that has ended
                value = value.value
            known_as = constants.get(id(value))
            if known_as is None:
                known_as = constants[id(value)] = constant(value)
            operands.append(known_as)
        value = node.output
        if values is not None and type(value) is Placeholder:
            value = values.get(node, value)
        if recompute and node.operation.scalar is not None:
            value = evaluate(node.operation, _values(operands), node.params)
        if kept is not None:
            value = kept(value)
        made[node] = Apply(node.operation, tuple(operands), dict(node.params), value)
    return [made[node] for node in outputs]
