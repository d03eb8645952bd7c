"""Formulas, traced: what a row says its operation is made of, as vertices.

A formula is written like a rule, with operators, ufuncs and operations, and runs on arrays as it
is. Here it runs on operands without values: the vertices that it makes have a shape and a dtype
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.kinds import identity
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Placeholder
from chainrule.core.symbolic import Symbolic
from chainrule.errors import UnsupportedError
from chainrule.graph.graph import Apply, Constant, Vertex, evaluate
from chainrule.graph.placeholder import cast, full, together
from chainrule.numpy.dispatch import full_name
from chainrule.numpy.ufuncs import UFUNCS
from chainrule.operations import contraction, elementwise

__all__ = ["by_formula", "traced"]


def by_formula(vertex: Apply) -> Apply | None:
    """Return what a vertex is by the formula of its operation.

    None where its row has no formula, or none that holds for these operands and parameters.
    """
    if vertex.operation.formula is None:
        return None
    found = traced(vertex.operation.formula, *vertex.operands, **vertex.params)
    if isinstance(found, Constant) and found.shape == ():
        return full(found.value, vertex.dtype, vertex.shape)
    if found is None or found.shape != vertex.shape:
        return None
    if not np.can_cast(found.dtype, vertex.dtype, "same_kind"):
        return None
    found = cast(found, vertex.dtype)
    if not isinstance(found, Apply) or found in vertex.operands:
        return Apply(identity, (found,), {}, vertex.value)
    return Apply(found.operation, found.operands, found.params, vertex.value)


def traced(formula: Callable[..., Any], *operands: Vertex, **params: Any) -> Vertex | None:
    """Run a formula on vertices. A number among its results is a constant; None stays None."""
    found = formula(*map(_Operand, operands), **params)
    return None if found is None else _vertex(found)


def _vertex(operand: Any) -> Vertex:
    return operand.vertex if isinstance(operand, _Operand) else Constant(operand)


class _Operand(Symbolic):
    """A vertex, as an operand of operators and operations."""

    __slots__ = ("vertex",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, vertex: Vertex) -> None:
        self.vertex = vertex

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        operation = UFUNCS.get(ufunc)
        if operation is None or method != "__call__" or options:
            return NotImplemented
        return operation(*inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any], kwargs: Any
    ) -> Any:
        raise UnsupportedError(
            f"{full_name(function)} cannot stand in a formula, which is made of operators, ufuncs "
            "and the rows of chainrule.operations: reduction.sum(x, axis=(0,)) for np.sum(x, 0)"
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.vertex.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.vertex.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype; float64 for a Python float."""
        return self.vertex.dtype

    def applied(
        self, operation: Operation, operands: Sequence[Any], params: Mapping[str, Any]
    ) -> _Operand:
        """Make the vertex of an operation."""
        vertices = tuple(map(_vertex, operands))
        return _Operand(Apply(operation, vertices, params, _result(operation, vertices, params)))


def _operator(operation: Operation, reflected: bool = False) -> Callable[..., _Operand]:
    if reflected:
        return lambda self, other: operation(other, self)
    return lambda *operands: operation(*operands)


for _name, _operation in {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "matmul": contraction.matmul,
    "truediv": elementwise.divide,
    "pow": elementwise.power,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
}.items():
    setattr(_Operand, f"__{_name}__", _operator(_operation))
    setattr(_Operand, f"__r{_name}__", _operator(_operation, reflected=True))
for _name, _operation in {
    "neg": elementwise.negative,
    "abs": elementwise.absolute,
    "invert": elementwise.invert,
    "eq": elementwise.equal,
    "ne": elementwise.not_equal,
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
}.items():
    setattr(_Operand, f"__{_name}__", _operator(_operation))


def _result(operation: Operation, operands: Sequence[Vertex], params: Mapping[str, Any]) -> Any:
    """Return a placeholder for what an operation gives; of Python's numbers, the number itself.

    Its dtype is found by computing as few entries as possible.
    """
    values = [x.value for x in operands]
    if all(isinstance(x, (bool, int, float)) for x in values):
        return evaluate(operation, values, params)
    sizes = [x.shape for x in operands]
    size: tuple[int, ...] | None = None
    if operation.entrywise:
        size = together(sizes)
        sizes = [()] * len(sizes)
    elif "keepdims" in params:  # a reduction
        size = _reduced(*sizes, **params)
        sizes = [(1,) * len(sizes[0])]
        # Of one entry there are no degrees of freedom to take, of which NumPy would warn.
        params = {name: x for name, x in params.items() if name != "ddof"}
    ones = [_ones(x, n) for x, n in zip(values, sizes, strict=True)]
    found = evaluate(operation, ones, params)
    return Placeholder(shape_of(found) if size is None else size, dtype_of(found))


def _ones(value: Any, size: tuple[int, ...]) -> Any:
    """Return ones in the place of a value; Python's numbers, which have no dtype, as they are."""
    if not hasattr(value, "dtype"):
        return value
    one = np.ones((), value.dtype)[()]
    return np.broadcast_to(one, size) if size else one


def _reduced(
    size: tuple[int, ...], *, axis: tuple[int, ...] | None, keepdims: bool, **_: Any
) -> tuple[int, ...]:
    axes = range(len(size)) if axis is None else axis
    if keepdims:
        return tuple(1 if k in axes else n for k, n in enumerate(size))
    return tuple(n for k, n in enumerate(size) if k not in axes)
