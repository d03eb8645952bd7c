"""Operations on single entries as JavaScript: which of the library's rows are written, and how.

A boolean is 1 or 0, an integer a double, so it is exact up to 2**53. A row that is not here has
no counterpart in JavaScript's ``Math``, and what depends on it is not written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.core import kinds
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply
from chainrule.native.ir.elements import operand_dtypes
from chainrule.operations import elementwise, error_functions, special

__all__ = ["HELPERS", "element", "has_element"]

_BITS = frozenset({elementwise.bitwise_and, elementwise.bitwise_or, elementwise.bitwise_xor})

_TEXT: dict[Operation, str] = {
    elementwise.add: "{0} + {1}",
    elementwise.subtract: "{0} - {1}",
    elementwise.multiply: "{0} * {1}",
    elementwise.divide: "{0} / {1}",
    elementwise.negative: "-{0}",
    elementwise.positive: "{0}",
    kinds.identity: "{0}",
    elementwise.conjugate: "{0}",
    kinds.real: "{0}",
    kinds.stopped: "{0}",
    kinds.astype: "{0}",
    kinds.to_float: "{0}",
    elementwise.square: "{0} * {0}",
    elementwise.reciprocal: "1 / {0}",
    kinds.guarded_multiply: "({0} === 0 ? 0 : {1} * {0})",
    elementwise.maximum: "Math.max({0}, {1})",
    elementwise.minimum: "Math.min({0}, {1})",
    elementwise.fmax: "fmax({0}, {1})",
    elementwise.fmin: "-fmax(-{0}, -{1})",
    elementwise.absolute: "Math.abs({0})",
    elementwise.fabs: "Math.abs({0})",
    elementwise.sign: "Math.sign({0})",
    elementwise.clip: "Math.min(Math.max({0}, {1}), {2})",
    elementwise.where: "({0} ? {1} : {2})",
    elementwise.sqrt: "Math.sqrt({0})",
    elementwise.floor: "Math.floor({0})",
    elementwise.ceil: "Math.ceil({0})",
    elementwise.trunc: "Math.trunc({0})",
    elementwise.rint: "rint({0})",
    elementwise.copysign: "copysign({0}, {1})",
    elementwise.floor_divide: "floorDivide({0}, {1})",
    elementwise.remainder: "remainder({0}, {1})",
    elementwise.fmod: "{0} % {1}",
    elementwise.signbit: "signbit({0})",
    elementwise.deg2rad: f"{{0}} * {np.pi / 180!r}",
    elementwise.rad2deg: f"{{0}} * {180 / np.pi!r}",
    elementwise.equal: "({0} === {1} ? 1 : 0)",
    elementwise.not_equal: "({0} !== {1} ? 1 : 0)",
    elementwise.less: "({0} < {1} ? 1 : 0)",
    elementwise.less_equal: "({0} <= {1} ? 1 : 0)",
    elementwise.greater: "({0} > {1} ? 1 : 0)",
    elementwise.greater_equal: "({0} >= {1} ? 1 : 0)",
    elementwise.logical_and: "{0} & {1}",
    elementwise.logical_or: "{0} | {1}",
    elementwise.logical_xor: "{0} ^ {1}",
    elementwise.logical_not: "1 - {0}",
    elementwise.bitwise_and: "{0} & {1}",
    elementwise.bitwise_or: "{0} | {1}",
    elementwise.bitwise_xor: "{0} ^ {1}",
    elementwise.invert: "1 - {0}",
    elementwise.isnan: "({0} !== {0} ? 1 : 0)",
    elementwise.isinf: "(Math.abs({0}) === Infinity ? 1 : 0)",
    elementwise.isfinite: "(Number.isFinite({0}) ? 1 : 0)",
    elementwise.power: "power({0}, {1})",
    elementwise.float_power: "power({0}, {1})",
    elementwise.exp: "Math.exp({0})",
    elementwise.exp2: "power(2, {0})",
    elementwise.expm1: "Math.expm1({0})",
    elementwise.log: "Math.log({0})",
    elementwise.log2: "Math.log2({0})",
    elementwise.log10: "Math.log10({0})",
    elementwise.log1p: "Math.log1p({0})",
    elementwise.sin: "Math.sin({0})",
    elementwise.cos: "Math.cos({0})",
    elementwise.tan: "Math.tan({0})",
    elementwise.arcsin: "Math.asin({0})",
    elementwise.arccos: "Math.acos({0})",
    elementwise.arctan: "Math.atan({0})",
    elementwise.sinh: "Math.sinh({0})",
    elementwise.cosh: "Math.cosh({0})",
    elementwise.tanh: "Math.tanh({0})",
    elementwise.arcsinh: "Math.asinh({0})",
    elementwise.arccosh: "Math.acosh({0})",
    elementwise.arctanh: "Math.atanh({0})",
    elementwise.cbrt: "Math.cbrt({0})",
    elementwise.hypot: "Math.hypot({0}, {1})",
    elementwise.arctan2: "Math.atan2({0}, {1})",
    elementwise.sigmoid: "sigmoid({0})",
    elementwise.logaddexp: "logaddexp({0}, {1})",
    special.log_expit: "-logaddexp(0, -{0})",
    error_functions.erf: "erf({0})",
    error_functions.erfc: "erfc({0})",
    error_functions.ndtr: f"0.5 * erfc({{0}} * {-math.sqrt(0.5)!r})",
}

#: Functions that the texts call. NumPy has ``1 ** nan == 1``, and rounds halves to even. erf is a
#: series of positive terms near 0, and 1 less a continued fraction far out (Abramowitz and Stegun,
#: "Handbook of Mathematical Functions", formulas 7.1.6 and 7.1.14).
HELPERS = """\
const within = (k, n) => { const at = k < 0 ? k + n : k; return at >= 0 && at < n ? at : 0; };
const isOne = (x, y) => x === 1 || y === 0 || (x === -1 && Math.abs(y) === Infinity);
const power = (x, y) => (isOne(x, y) ? 1 : x ** y);
const fmax = (x, y) => (x !== x || x < y ? y : x);
const rint = (x) => {
  const down = Math.floor(x), rest = x - down;
  return rest < 0.5 ? down : rest > 0.5 ? down + 1 : rest === 0.5 ? down + (down % 2 !== 0) : x;
};
const signbit = (x) => (x < 0 || Object.is(x, -0) ? 1 : 0);
const copysign = (x, y) => (signbit(y) ? -Math.abs(x) : Math.abs(x));
const remainder = (x, y) => {
  const rest = x % y;
  return rest !== 0 ? (rest < 0 !== y < 0 ? rest + y : rest) : copysign(0, y);
};
const floorDivide = (x, y) => (y === 0 ? x / y : Math.round((x - remainder(x, y)) / y));
const near = (x) => {
  let term = x, total = x;
  for (let n = 1; n < 80; n++) total += term *= 2 * x * x / (2 * n + 1);
  return total * Math.exp(-x * x) * 1.1283791670955126;
};
const far = (x) => {
  let rest = x;
  for (let n = 200; n > 0; n--) rest = x + n / 2 / rest;
  return Math.exp(-x * x) / rest * 0.5641895835477563;
};
const erf = (x) => (Math.abs(x) < 2 ? near(x) : x < 0 ? far(-x) - 1 : x > 0 ? 1 - far(x) : x);
const erfc = (x) => (x < 1 ? 1 - erf(x) : far(x));
const sigmoid = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const logaddexp = (x, y) =>
  x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
"""


def has_element(vertex: Apply) -> bool:
    """Tell whether an operation that is lowered can be written."""
    if vertex.operation in _BITS or vertex.operation is elementwise.invert:
        return vertex.dtype.kind == "b"
    return vertex.operation in _TEXT


def element(vertex: Apply, operands: Sequence[str]) -> str:
    """Write an operation on entries that are written, names or numbers."""
    text = _TEXT[vertex.operation].format(*operands)
    if vertex.dtype == np.float32 and operand_dtypes(vertex):
        return f"Math.fround({text})"
    return text
