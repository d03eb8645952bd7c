"""How each operation is written in NumPy.

The speller turns a graph into an expression; `SPELLINGS` says how, one function per operation that
is not simply ``np.name(operands)``. What needs more than one statement (writing at an index) is in
`chainrule.staged.statements`.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import string
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.operation import Operation
from chainrule.errors import UnsupportedError
from chainrule.graph.graph import Apply, Constant, Input, Vertex, is_number, is_operation
from chainrule.operations import elementwise
from chainrule.staged.constants import Constants
from chainrule.staged.text import (
    ATOM,
    BIT_OR,
    CONDITIONAL,
    Text,
    atom,
    call,
    infix,
    literal,
    method,
    negated,
    power,
)

__all__ = ["SPELLINGS", "Speller", "spelled"]

Spelling: TypeAlias = "Callable[..., Text]"

#: Operation name -> function of (speller, vertex, *operand texts, **params).
SPELLINGS: dict[str, Spelling] = {}


def spelled(*names: str) -> Callable[[Spelling], Spelling]:
    """Enter a function into `SPELLINGS`."""

    def enter(spelling: Spelling) -> Spelling:
        for name in names:
            SPELLINGS[name] = spelling
        return spelling

    return enter


class Speller:
    """Writes vertices as expressions.

    Args:
        constants: names the arrays that a function captured.
        names: variables that hold the value of a vertex already.
    """

    def __init__(self, constants: Constants, names: Mapping[Vertex, str] | None = None) -> None:
        self.constants = constants
        self.names: dict[Vertex, str] = dict(names or {})

    def text(self, vertex: Vertex) -> Text:
        """Return a vertex as an expression.

        Raises:
            UnsupportedError: there is no way to write an operation with NumPy and SciPy.
        """
        if vertex in self.names:
            return atom(self.names[vertex])
        if isinstance(vertex, Input):
            return atom(vertex.name)
        if isinstance(vertex, Constant):
            return self.constants.text(vertex.value)
        return self._application(vertex)

    def _application(self, vertex: Apply) -> Text:
        operation = vertex.operation
        operands = [self.text(x) for x in vertex.operands]
        if operation.name in SPELLINGS:
            return SPELLINGS[operation.name](self, vertex, *operands, **vertex.params)
        if operation.symbol is not None and not vertex.params and len(operands) == 2:
            return infix(operation.symbol, *operands)
        if operation.scalar is not None and _is_python_float(vertex):
            return call(f"math.{operation.scalar.__name__}", *operands)
        if operation.source is not None:
            return _from_template(operation.source, operands, vertex.params)
        function = _function_of(operation)
        if function is not None:
            return call(function, *operands, **_given(operation, vertex.params))
        raise UnsupportedError(
            f"the operation `{operation.name}` cannot be printed with NumPy alone, so a function "
            "that uses it cannot be staged: declare it with source=, for example "
            f'source="np.{operation.name}({{0}})", or write it in NumPy'
        )


def _function_of(operation: Operation) -> str | None:
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


def _from_template(source: str, operands: list[Text], params: Mapping[str, Any]) -> Text:
    """Fill a template in: operands get parentheses unless brackets or commas are around them."""
    pieces = [(before, field) for before, field, _, _ in string.Formatter().parse(source)]
    behind = [before for before, _ in pieces[1:]]
    text = ""
    for (before, field), after in zip(pieces, [*behind, ""], strict=True):
        text += before
        if field is None:
            continue
        if not field.isdigit():
            text += literal(params.get(field)).text
        elif text.rstrip()[-1:] in "(,[" and after.lstrip()[:1] in "),]":
            text += operands[int(field)].text
        else:
            text += operands[int(field)].within(ATOM)
    return Text(text, ATOM if _is_atom(source) else CONDITIONAL)


@functools.cache
def _is_atom(source: str) -> bool:
    """Tell whether what a template prints needs no parentheses: a call, an attribute, an entry."""
    fields = {field for _, field, _, _ in string.Formatter().parse(source) if field is not None}
    names = {field: "x" for field in fields if not field.isdigit()}
    body = ast.parse(source.format(*["x"] * len(fields), **names), mode="eval").body
    return isinstance(body, (ast.Call, ast.Attribute, ast.Subscript, ast.Name))


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
        if key not in known or known[key].default is not value
    }


def is_array(vertex: Vertex) -> bool:
    """Tell whether a value has the methods of an ndarray."""
    return isinstance(vertex.value, (np.ndarray, np.generic))


# Arithmetic.


@spelled("negative")
def _negative(speller: Speller, vertex: Apply, x: Text) -> Text:
    return negated(x)


@spelled("positive", "identity", "stop_gradient")
def _itself(speller: Speller, vertex: Apply, x: Text) -> Text:
    return x


@spelled("invert")
def _invert(speller: Speller, vertex: Apply, x: Text) -> Text:
    return Text("~" + negated(x).text[1:], negated(x).precedence)


@spelled("power")
def _power(speller: Speller, vertex: Apply, a: Text, b: Text) -> Text:
    return power(a, b)


@spelled("square")
def _square(speller: Speller, vertex: Apply, x: Text) -> Text:
    return power(x, literal(2))


@spelled("absolute")
def _absolute(speller: Speller, vertex: Apply, x: Text) -> Text:
    return call("abs" if type(vertex.value) is float else "np.abs", x)


@spelled("sigmoid")
def _sigmoid(speller: Speller, vertex: Apply, x: Text) -> Text:
    (operand,) = vertex.operands
    name = "math.exp" if type(operand.value) is float else "np.exp"
    exponent = negated(x)
    if operand not in speller.names and is_operation(operand, elementwise.negative):
        exponent = speller.text(operand.operands[0])
    return infix("/", literal(1), infix("+", literal(1), call(name, exponent)))


@spelled("guarded_multiply")
def _guarded(speller: Speller, vertex: Apply, g: Text, local: Text) -> Text:
    product = infix("*", g, local)
    factor = vertex.operands[1]
    inverse = is_operation(factor, elementwise.divide) and is_number(factor.operands[0], 1)
    if isinstance(factor, Apply) and inverse and factor not in speller.names:
        product = infix("/", g, speller.text(factor.operands[1]))
    if shape_of(vertex.value) == () and shape_of(vertex.operands[0].value) == ():
        return Text(f"{product.text} if {g.within(BIT_OR)} != 0 else 0.0", CONDITIONAL)
    return call("np.where", infix("==", g, literal(0)), literal(0), product)


@spelled("where")
def _where(speller: Speller, vertex: Apply, c: Text, a: Text, b: Text) -> Text:
    return call("np.where", c, a, b)


@spelled("astype", "to_integers")
def _astype(speller: Speller, vertex: Apply, x: Text, dtype: Any) -> Text:
    name = np.dtype(dtype).name
    (operand,) = vertex.operands
    is_literal = isinstance(operand, Constant) and shape_of(operand.value) == ()
    if is_array(operand) and not is_literal:
        return method(x, "astype", "float" if name == "float64" else f"np.{name}")
    return call(f"np.{name}", x)


@spelled("around")
def _around(speller: Speller, vertex: Apply, x: Text, decimals: int = 0) -> Text:
    return call("np.round", x, *([literal(decimals)] if decimals else []))


import chainrule.staged.spelling_arrays  # noqa: E402, F401  # the other spellings
