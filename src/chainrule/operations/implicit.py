"""Solutions of equations, differentiated by the implicit function theorem.

Where r(x, p) = 0 says what x is, dx/dp = -(dr/dx)^-1 dr/dp. How x was found plays no part. The rule
is written in operations and retraces r, so that it can be differentiated again (Griewank and
Walther, Evaluating Derivatives, 2008, section 15.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.apply import Given, apply
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.backward import backward
from chainrule.core.forward import attempt_forward
from chainrule.core.joint import Joint, added
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder, computed
from chainrule.core.recording import Recording
from chainrule.core.retrace import Retrace, fresh
from chainrule.core.source import where_am_i
from chainrule.errors import UnsupportedError
from chainrule.operations.linalg import solve
from chainrule.operations.shape import reshape, stack

__all__ = ["depends_on_arrays", "solution"]


class _Equation:
    """What a solution solves: a residual that was recorded at it, and what that depends on."""

    def __init__(self, residual: Retrace, unknown: Node) -> None:
        self.residual = residual
        self.unknown = unknown

    def _by_unknown(self, parameters: Sequence[Any], x: Any) -> Any:
        """Return the Jacobian by the unknown, as a matrix."""
        at = fresh(x)
        known = dict(zip(self.residual.parameters, parameters, strict=True))
        r = self.residual.again({**known, self.unknown: at})
        rows = []
        for unit in _units(r):
            (row,) = backward([(r, unit)], [at.node]) if type(r) is Array else (None,)
            row = np.zeros(shape_of(x), dtype_of(x)) if row is None else row
            rows.append(reshape(row, shape=(-1,)))
        return stack(*rows, axis=0)

    def _by_parameters(self, parameters: Sequence[Any], x: Any) -> tuple[Any, list[Node]]:
        """Return the residual as a function of the parameters, and their nodes."""
        at = [fresh(p) for p in parameters]
        known = dict(zip(self.residual.parameters, at, strict=True))
        r = self.residual.again({**known, self.unknown: x})
        return r, [p.node for p in at]

    def pull(self, g: Any, operands: Sequence[Any], x: Any) -> list[Any]:
        """Return the gradients by all parameters."""
        matrix = np.swapaxes(self._by_unknown(operands, x), 0, 1)
        upstream = _solved(matrix, reshape(g, shape=(-1,)))
        r, nodes = self._by_parameters(operands, x)
        return backward([(r, reshape(-upstream, shape=shape_of(r)))], nodes)

    def push(self, tangents: Sequence[Any], operands: Sequence[Any], x: Any) -> Any:
        """Return the tangent of the solution."""
        r, nodes = self._by_parameters(operands, x)
        (moved,), _ = attempt_forward([r], nodes, tangents, False)
        if moved is None:
            return None
        change = _solved(self._by_unknown(operands, x), reshape(-moved, shape=(-1,)))
        return reshape(change, shape=shape_of(x))


def _units(r: Any) -> list[Any]:
    if not shape_of(r):
        return [1.0]
    return list(np.eye(r.size, dtype=dtype_of(r)).reshape(r.size, *r.shape))


def _solved(matrix: Any, b: Any) -> Any:
    try:
        return solve(matrix, b)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(
            "the equation does not say where its solution moves: its Jacobian by the unknown is "
            "singular there (a double root, a flat minimum), so there is no derivative"
        ) from error


class _Solution(Joint):
    def pull_together(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
        guarded: bool,
    ) -> Sequence[Any]:
        return added(sums, params["equation"].pull(g, operands, output), operands)


_implicit = _Solution(
    "solution",
    lambda *parameters, equation, x: x,
    pushforward=lambda tangents, *rest, equation, x: equation.push(tangents, rest[:-1], rest[-1]),
    unprinted=(
        "compile it, for compiled code calls the solver again (chainrule.compile), or stage the "
        "function that the solver is given"
    ),
)


def depends_on_arrays(y: Any) -> bool:
    """Tell whether a value is recorded."""
    return type(y) is Array and y.node is not None


def solution(residual: Callable[[Any], Any], x: Any) -> Any:
    """Return a solution as what it is of all that the residual depends on.

    Args:
        residual: the equation is ``residual(x) = 0``, with as many entries as x has.
        x: its solution, a float or an array, as found by whatever means.

    Returns:
        An Array of this value; x itself where the residual depends on nothing else.

    Raises:
        UnsupportedError: code is being recorded for other numbers, with arrays too large to look
            at.
    """
    unknown = Array(x, Leaf(Recording()))
    r = residual(unknown)
    if not depends_on_arrays(r):
        return x
    residual_of = Retrace(r, unknown.node)
    parameters = residual_of.parameters
    for node, value in parameters.items():
        if node.recording.guard is not None:  # another number may have another solution
            if type(value) is Placeholder:
                raise UnsupportedError(
                    "a solution of equations with large arrays cannot be compiled, at "
                    f"{where_am_i()}"
                )
            node.recording.guard(node, computed([value])[0])
    if not parameters:
        return x
    operands = [Array(value, node) for node, value in parameters.items()]
    equation = _Equation(residual_of, unknown.node)
    return apply(_implicit, Given(x), operands, {"equation": equation, "x": x})
