"""The speller turns a graph into an expression.

An operation with a Python operator is written with it, any other as its row says: by a template
(``source``), as a call of the function that ``numpy`` names, or as what it is made of
(``formula``). The table of `Spellings` holds those that are written otherwise.
What needs more than one statement (writing at an index) is in `chainrule.staged.statements`.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from chainrule.core.operation import Operation
from chainrule.errors import UnsupportedError
from chainrule.graph.formula import by_formula
from chainrule.graph.graph import Apply, Constant, Input, Vertex
from chainrule.staged.constants import Constants
from chainrule.staged.templates import from_template
from chainrule.staged.text import Text, atom, call, infix, literal, subscript

__all__ = ["Speller", "Spelling", "Spellings", "function_of", "is_array"]

#: A function of (speller, vertex, *operand texts, **params).
Spelling: TypeAlias = "Callable[..., Text]"


class Spellings(dict[Operation, Spelling]):
    """How operations are written, each by a function of its operands' texts."""

    def of(self, *operations: Operation) -> Callable[[Spelling], Spelling]:
        """Enter the function that is decorated for some operations."""

        def enter(spelling: Spelling) -> Spelling:
            self.update(dict.fromkeys(operations, spelling))
            return spelling

        return enter


class Speller:
    """Writes vertices as expressions.

    Args:
        constants: names the arrays that a function captured.
        spellings: how to write what is not simply a call.
        variables: what variables are called, if not by their own names; and what entries are read
            of, if not of their own variable.

    Attributes:
        names: variables that hold the value of a vertex already.
    """

    def __init__(
        self, constants: Constants, spellings: Spellings, variables: Mapping[Vertex, str]
    ) -> None:
        self.constants = constants
        self.spellings = spellings
        self.variables = variables
        self.names: dict[Vertex, str] = {}

    def text(self, vertex: Vertex) -> Text:
        """Return a vertex as an expression.

        Raises:
            UnsupportedError: there is no way to write an operation with NumPy and SciPy.
        """
        if vertex in self.names:
            return atom(self.names[vertex])
        if isinstance(vertex, Input):
            return atom(self.variables.get(vertex, vertex.name))
        if isinstance(vertex, Constant):
            return self.constants.text(vertex.value)
        return self._application(vertex)

    def _application(self, vertex: Apply) -> Text:
        operation = vertex.operation
        operands = [
            self.constants.typed(x.value) if self._widens(x, vertex) else self.text(x)
            for x in vertex.operands
        ]
        if operation in self.spellings:
            return self.spellings[operation](self, vertex, *operands, **vertex.params)
        if operation.symbol is not None and not vertex.params and len(operands) == 2:
            return infix(operation.symbol, *operands)
        if operation.scalar is not None and _is_python_float(vertex):
            return call(f"math.{operation.scalar.__name__}", *operands)
        if operation.source is not None:
            made = operation.source
            source = made if isinstance(made, str) else made(**vertex.params)
            return from_template(source, operands, vertex.params)
        function = function_of(operation)
        if function is None or function.startswith("scipy."):
            made_of = by_formula(vertex)  # which may do without SciPy
            if made_of is not None:
                return self.text(made_of)
        if function is not None:
            text = call(function, *operands, **_given(operation, vertex.params))
            return subscript(text, str(vertex.params["part"])) if operation.parts else text
        cure = operation.unprinted or (
            f'declare it with source=, for example source="np.{operation.name}({{0}})", or write '
            "it in NumPy"
        )
        raise UnsupportedError(
            f"the operation `{operation.name}` cannot be printed with NumPy alone, so a function "
            f"that uses it cannot be staged: {cure}"
        )

    def _widens(self, x: Vertex, vertex: Apply) -> TypeGuard[Constant]:
        """Tell whether a number of NumPy makes the result double, which Python's own would not."""
        if not self.constants.mixed or not isinstance(x, Constant) or x.ndim:
            return False
        if not isinstance(x.value, (np.float64, np.integer)) or vertex.dtype != np.float64:
            return False
        others = (y for y in vertex.operands if y is not x and y.dtype.kind == "f")
        return vertex.operation.entrywise and all(
            type(y.value) is float or y.dtype.itemsize < vertex.dtype.itemsize for y in others
        )


def function_of(operation: Operation) -> str | None:
    """Return the function of NumPy or SciPy that an operation is, as code calls it."""
    if not operation.numpy:
        return None
    library, _, name = operation.numpy[0].partition(".")
    if library == "numpy":
        found: Any = np
        for part in name.split("."):
            found = getattr(found, part, None)
        return f"np.{name}" if callable(found) else None
    return operation.numpy[0] if library == "scipy" else None


def _is_python_float(vertex: Apply) -> bool:
    """Tell whether user code called the function of `math`: NumPy's never returns a float."""
    return type(vertex.value) is float


def _given(operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the parameters that have their default value."""
    if not params:
        return {}
    known: Mapping[str, inspect.Parameter] = {}
    with contextlib.suppress(ValueError):  # functions written in C
        known = inspect.signature(operation.compute).parameters
    return {
        key: literal(value)
        for key, value in params.items()
        if (key not in known or known[key].default is not value)
        and not (key == "part" and operation.parts)
    }


def is_array(vertex: Vertex) -> bool:
    """Tell whether what is written for a vertex has the methods of an ndarray.

    A number may be a float, whatever it was in the run: constants are written as Python's own.
    """
    return vertex.ndim > 0
