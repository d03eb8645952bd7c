"""How arithmetic is written: operators, numbers, and what is a formula in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core import kinds
from chainrule.core.array import is_complex
from chainrule.graph.graph import Apply, is_number, is_operation
from chainrule.numpy.casting import to_integers
from chainrule.operations import elementwise, error_functions
from chainrule.staged.speller import Speller, Spellings, is_array
from chainrule.staged.text import (
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

__all__ = ["ELEMENTWISE"]

ELEMENTWISE = Spellings()


# Arithmetic.


@ELEMENTWISE.of(elementwise.negative)
def _negative(speller: Speller, vertex: Apply, x: Text) -> Text:
    (operand,) = vertex.operands
    if is_operation(operand, elementwise.negative) and operand not in speller.names:
        return speller.text(operand.operands[0])
    return negated(x)


@ELEMENTWISE.of(elementwise.positive, kinds.identity, kinds.stopped)
def _itself(speller: Speller, vertex: Apply, x: Text) -> Text:
    return x


@ELEMENTWISE.of(elementwise.invert)
def _invert(speller: Speller, vertex: Apply, x: Text) -> Text:
    return Text("~" + negated(x).text[1:], negated(x).precedence)


@ELEMENTWISE.of(elementwise.power)
def _power(speller: Speller, vertex: Apply, a: Text, b: Text) -> Text:
    return power(a, b)


@ELEMENTWISE.of(elementwise.square)
def _square(speller: Speller, vertex: Apply, x: Text) -> Text:
    return power(x, literal(2))


@ELEMENTWISE.of(elementwise.absolute)
def _absolute(speller: Speller, vertex: Apply, x: Text) -> Text:
    return call("abs" if isinstance(vertex.value, float) else "np.abs", x)


@ELEMENTWISE.of(kinds.guarded_multiply)
def _guarded(speller: Speller, vertex: Apply, g: Text, local: Text) -> Text:
    product = infix("*", g, local)
    factor = vertex.operands[1]
    is_named = factor in speller.names
    if is_operation(factor, elementwise.divide) and is_number(factor.operands[0], 1):
        product = product if is_named else infix("/", g, speller.text(factor.operands[1]))
    if vertex.shape == () and vertex.operands[0].shape == ():
        return Text(f"{product.text} if {g.within(BIT_OR)} != 0 else 0.0", CONDITIONAL)
    return call("np.where", infix("==", g, literal(0)), literal(0), product)


@ELEMENTWISE.of(elementwise.where)
def _where(speller: Speller, vertex: Apply, c: Text, a: Text, b: Text) -> Text:
    return call("np.where", c, a, b)


@ELEMENTWISE.of(kinds.astype, to_integers)
def _astype(speller: Speller, vertex: Apply, x: Text, dtype: Any) -> Text:
    name = np.dtype(dtype).name
    if is_array(vertex):
        return method(x, "astype", "float" if name == "float64" else f"np.{name}")
    return call(f"np.{name}", x)


@ELEMENTWISE.of(kinds.to_float)
def _to_float(speller: Speller, vertex: Apply, x: Text) -> Text:
    (operand,) = vertex.operands
    return x if type(operand.value) is float else call("float", x)


@ELEMENTWISE.of(elementwise.around)
def _around(speller: Speller, vertex: Apply, x: Text, decimals: int = 0) -> Text:
    return call("np.round", x, *([literal(decimals)] if decimals else []))


# Special functions that `math` has, and NumPy does not.


@ELEMENTWISE.of(error_functions.erf, error_functions.erfc)
def _of_math(speller: Speller, vertex: Apply, x: Text) -> Text:
    name = f"math.{vertex.operation.name}"
    if is_complex(vertex.value):
        return call(f"scipy.special.{vertex.operation.name}", x)
    if vertex.shape == ():
        return call(name, x)
    return atom(f"np.vectorize({name}, otypes=[float])({x.text})")
