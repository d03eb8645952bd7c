"""Operations on single entries as IR: which of the library's rows are lowered, and to what.

An entry of the table writes the instructions of one row, given its operands in registers. It says
to which dtype NumPy converts the operands first: to that of the result, to their common one, or to
booleans. A row that is not here is made of others (see `chainrule.native.lower.primitives`), or
computed by NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.core import kinds
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex, fact
from chainrule.native.ir import division, math
from chainrule.native.ir.text import Code, constant, is_native, register_type
from chainrule.operations import elementwise, error_functions, special

__all__ = ["TABLE", "Element", "has_fast_path", "is_cheap", "lowered", "operand_dtypes"]

_BOOL = np.dtype(bool)


@dataclass(frozen=True)
class Element:
    """How one row is written.

    ``write(code, operands, dtype, params)`` returns the register of the result, where ``dtype`` is
    the one that the operands were converted to. ``cheap`` rows may be computed anew rather than
    stored; they take about so many ``steps``. ``floating`` rows are lowered for floating-point
    numbers alone, ``arithmetic`` ones not for booleans. ``fast_path`` says that there is one for
    ordinary operands: see `chainrule.native.codegen.loops`.
    """

    write: Callable[[Code, Sequence[str], np.dtype[Any], Mapping[str, Any]], str]
    convert: Literal["result", "common", "boolean", "choice", "none"] = "result"
    cheap: bool = True
    floating: bool = False
    arithmetic: bool = False
    steps: int = 1
    fast_path: bool = False


def operand_dtypes(vertex: Apply) -> list[np.dtype[Any]]:
    """Return the dtypes to which NumPy converts the operands of an operation."""
    element = TABLE[vertex.operation]
    own = [x.dtype for x in vertex.operands]
    if element.convert == "none":
        return own
    if element.convert == "boolean":
        return [_BOOL] * len(own)
    if element.convert == "common":
        common = np.result_type(*(_typed(x) for x in vertex.operands))
        return [common] * len(own)
    result = vertex.dtype
    if element.convert == "choice":
        return [_BOOL, result, result]
    return [result] * len(own)


def _typed(vertex: Vertex) -> Any:
    """Return what NumPy takes a dtype from: Python's numbers adapt to the others."""
    return vertex.value if type(vertex.value) in (bool, int, float) else vertex.dtype


@fact
def lowered(vertex: Apply) -> bool:
    """Tell whether an operation is written as instructions, for the dtypes that it has here."""
    element = TABLE.get(vertex.operation)
    if element is None:
        return False
    dtypes = {vertex.dtype, *[x.dtype for x in vertex.operands]}
    converted = operand_dtypes(vertex)
    dtypes.update(converted)
    if not all(map(is_native, dtypes)):
        return False
    if element.floating and not all(d.kind == "f" for d in converted):
        return False
    if element.arithmetic and vertex.dtype.kind == "b":
        return False  # a sum of booleans is their disjunction: seldom, and left to NumPy
    return all(name == "dtype" for name in vertex.params)


def is_cheap(vertex: Apply) -> bool:
    """Tell whether an entry takes a few instructions, so that it need not be stored."""
    element = TABLE.get(vertex.operation)
    return element is not None and element.cheap


def has_fast_path(vertex: Apply) -> bool:
    """Tell whether an operation has a fast path for ordinary operands."""
    element = TABLE.get(vertex.operation)
    return element is not None and element.fast_path


def _binary(floating: str, integer: str) -> Callable[..., str]:
    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        operation = floating if dtype.kind == "f" else integer
        return code.let(f"{operation} {register_type(dtype)} {x[0]}, {x[1]}")

    return write


def _compare(ordered: str, signed: str, unsigned: str) -> Callable[..., str]:
    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        if dtype.kind == "f":
            test = f"fcmp {ordered}"
        else:
            test = f"icmp {unsigned if dtype.kind in 'bu' else signed}"
        return code.let(f"{test} {register_type(dtype)} {x[0]}, {x[1]}")

    return write


def _call(name: str) -> Callable[..., str]:
    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        return code.call(name, register_type(dtype), x)

    return write


def _intrinsic(name: str) -> Callable[..., str]:
    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        kind = register_type(dtype)
        suffix = "f64" if kind == "double" else "f32"
        operands = ", ".join(f"{kind} {operand}" for operand in x)
        code.declarations.add(f"declare {kind} @llvm.{name}.{suffix}({', '.join([kind] * len(x))})")
        return code.let(f"call {kind} @llvm.{name}.{suffix}({operands})")

    return write


def _select(code: Code, test: str, a: str, b: str, dtype: np.dtype[Any]) -> str:
    kind = register_type(dtype)
    return code.let(f"select i1 {test}, {kind} {a}, {kind} {b}")


def _negative(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    kind = register_type(dtype)
    return code.let(f"fneg {kind} {x[0]}" if dtype.kind == "f" else f"sub {kind} 0, {x[0]}")


def _first(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    return x[0]


def _square(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    return _multiply(code, [x[0], x[0]], dtype, {})


def _reciprocal(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    return code.let(f"fdiv {register_type(dtype)} {constant(1, dtype)}, {x[0]}")


def _guarded(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    """``g * local`` in which a zero g stops even an infinite local gradient."""
    g, local = x
    product = _multiply(code, [local, g], dtype, {})
    if dtype.kind != "f":
        return product
    return code.unless_zero(g, product, register_type(dtype))


def _extreme(test: str, integer: str, nan: Literal["wins", "loses"]) -> Callable[..., str]:
    """Write maximum and minimum, where NaN wins, and fmax and fmin, where it loses."""

    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        a, b = x
        kind = register_type(dtype)
        if dtype.kind != "f":
            sign = "u" if dtype.kind in "bu" else "s"
            return _select(code, code.let(f"icmp {sign}{integer} {kind} {a}, {b}"), a, b, dtype)
        first = code.let(f"fcmp o{test} {kind} {a}, {b}")
        nan_operand = a if nan == "wins" else b
        unordered = code.let(f"fcmp uno {kind} {nan_operand}, {nan_operand}")
        return _select(code, code.let(f"or i1 {first}, {unordered}"), a, b, dtype)

    return write


def _absolute(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    if dtype.kind == "f":
        return _intrinsic("fabs")(code, x, dtype, _)
    kind = register_type(dtype)
    if dtype.kind in "bu":
        return x[0]
    negative = code.let(f"icmp slt {kind} {x[0]}, 0")
    return _select(code, negative, code.let(f"sub {kind} 0, {x[0]}"), x[0], dtype)


def _sign(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    kind, zero = register_type(dtype), constant(0, dtype)
    if dtype.kind != "f":
        less, greater = "icmp slt", "icmp ugt" if dtype.kind in "bu" else "icmp sgt"
    else:
        less, greater = "fcmp olt", "fcmp ogt"
    above = code.let(f"{greater} {kind} {x[0]}, {zero}")
    if dtype.kind in "bu":
        return _select(code, above, constant(1, dtype), zero, dtype)
    below = code.let(f"{less} {kind} {x[0]}, {zero}")
    nothing = zero
    if dtype.kind == "f":  # sign(nan) is nan
        unordered = code.let(f"fcmp uno {kind} {x[0]}, {x[0]}")
        nothing = _select(code, unordered, x[0], zero, dtype)
    rest = _select(code, below, constant(-1, dtype), nothing, dtype)
    return _select(code, above, constant(1, dtype), rest, dtype)


def _clip(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    value, low, high = x
    at_least = _extreme("ge", "ge", "wins")(code, [value, low], dtype, {})
    return _extreme("le", "le", "wins")(code, [at_least, high], dtype, {})


def _where(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    return _select(code, x[0], x[1], x[2], dtype)


def _not(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    kind = register_type(dtype)
    return code.let(f"xor {kind} {x[0]}, {'true' if kind == 'i1' else -1}")


def _is(test: str) -> Callable[..., str]:
    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        if dtype.kind != "f":
            return "true" if test == "finite" else "false"
        kind = register_type(dtype)
        if test == "nan":
            return code.let(f"fcmp uno {kind} {x[0]}, {x[0]}")
        size = _intrinsic("fabs")(code, x, dtype, {})
        infinity = constant(np.inf, dtype)
        return code.let(f"fcmp {'oeq' if test == 'inf' else 'olt'} {kind} {size}, {infinity}")

    return write


def _signbit(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    kind = register_type(dtype)
    if dtype.kind in "bu":
        return "false"
    if dtype.kind == "f":
        whole = f"i{8 * dtype.itemsize}"
        return code.let(f"icmp slt {whole} {code.let(f'bitcast {kind} {x[0]} to {whole}')}, 0")
    return code.let(f"icmp slt {kind} {x[0]}, 0")


def _scaled(factor: float) -> Callable[..., str]:
    def write(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
        return _multiply(code, [x[0], constant(factor, dtype)], dtype, {})

    return write


def _power(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    """Write small whole powers as products, the square root as such, all others by exp and log."""
    value, exponent = x
    for number in (2, 1, 0, -1, 0.5):
        if exponent == constant(number, dtype):
            if number == 2:
                return _square(code, [value], dtype, {})
            if number == 1:
                return value
            if number == 0:
                return constant(1, dtype)
            if number == -1:
                return _reciprocal(code, [value], dtype, {})
    return _call("power")(code, x, dtype, {})


_multiply = _binary("fmul", "mul")


def _named(name: str) -> Operation:
    """Return the row of a function that `chainrule.native.ir.math` writes."""
    homes = (elementwise, error_functions, special)
    row: Operation = next(getattr(home, name) for home in homes if hasattr(home, name))
    return row


TABLE: dict[Operation, Element] = {
    elementwise.add: Element(_binary("fadd", "add"), arithmetic=True),
    elementwise.subtract: Element(_binary("fsub", "sub"), arithmetic=True),
    elementwise.multiply: Element(_multiply),
    elementwise.divide: Element(_binary("fdiv", "sdiv"), floating=True, steps=4),
    elementwise.negative: Element(_negative, arithmetic=True),
    elementwise.positive: Element(_first),
    kinds.identity: Element(_first),
    elementwise.conjugate: Element(_first),
    kinds.real: Element(_first),
    kinds.stopped: Element(_first),
    kinds.astype: Element(_first),
    kinds.to_float: Element(_first),
    elementwise.square: Element(_square, arithmetic=True),
    elementwise.reciprocal: Element(_reciprocal, floating=True),
    kinds.guarded_multiply: Element(_guarded, steps=3),
    elementwise.maximum: Element(_extreme("ge", "ge", "wins")),
    elementwise.minimum: Element(_extreme("le", "le", "wins")),
    elementwise.fmax: Element(_extreme("ge", "ge", "loses")),
    elementwise.fmin: Element(_extreme("le", "le", "loses")),
    elementwise.absolute: Element(_absolute),
    elementwise.fabs: Element(_absolute, floating=True),
    elementwise.sign: Element(_sign, arithmetic=True),
    elementwise.clip: Element(_clip),
    elementwise.where: Element(_where, "choice"),
    elementwise.sqrt: Element(_intrinsic("sqrt"), floating=True, cheap=False),
    elementwise.floor: Element(_intrinsic("floor"), floating=True),
    elementwise.ceil: Element(_intrinsic("ceil"), floating=True),
    elementwise.trunc: Element(_intrinsic("trunc"), floating=True),
    elementwise.rint: Element(_intrinsic("rint"), floating=True),
    elementwise.copysign: Element(_intrinsic("copysign"), floating=True),
    elementwise.floor_divide: Element(division.floor_divide, arithmetic=True, cheap=False),
    elementwise.remainder: Element(division.remainder, arithmetic=True, cheap=False),
    elementwise.fmod: Element(division.fmod, arithmetic=True, cheap=False),
    elementwise.signbit: Element(_signbit, "none"),
    elementwise.deg2rad: Element(_scaled(np.pi / 180), floating=True),
    elementwise.rad2deg: Element(_scaled(180 / np.pi), floating=True),
    elementwise.equal: Element(_compare("oeq", "eq", "eq"), "common"),
    elementwise.not_equal: Element(_compare("une", "ne", "ne"), "common"),
    elementwise.less: Element(_compare("olt", "slt", "ult"), "common"),
    elementwise.less_equal: Element(_compare("ole", "sle", "ule"), "common"),
    elementwise.greater: Element(_compare("ogt", "sgt", "ugt"), "common"),
    elementwise.greater_equal: Element(_compare("oge", "sge", "uge"), "common"),
    elementwise.logical_and: Element(_binary("", "and"), "boolean"),
    elementwise.logical_or: Element(_binary("", "or"), "boolean"),
    elementwise.logical_xor: Element(_binary("", "xor"), "boolean"),
    elementwise.logical_not: Element(_not, "boolean"),
    elementwise.bitwise_and: Element(_binary("", "and")),
    elementwise.bitwise_or: Element(_binary("", "or")),
    elementwise.bitwise_xor: Element(_binary("", "xor")),
    elementwise.invert: Element(_not),
    elementwise.isnan: Element(_is("nan"), "none"),
    elementwise.isinf: Element(_is("inf"), "none"),
    elementwise.isfinite: Element(_is("finite"), "none"),
    elementwise.power: Element(_power, floating=True, cheap=False),
    elementwise.float_power: Element(_power, floating=True, cheap=False),
    **{
        _named(name): Element(
            _call(name), floating=True, cheap=False, fast_path=name in math.HAVE_FAST_PATH
        )
        for name in math.NAMES
        if name != "power"
    },
}
