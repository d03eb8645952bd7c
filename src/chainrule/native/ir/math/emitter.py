"""A writer of LLVM IR in which formulas look like formulas.

An `Emitter` holds the instructions of one function. A `Value` is a register of it (or a literal),
with the operators of Python: ``x * y + 1.0`` appends two instructions. Nothing is computed here.

Nothing is fast-math: each operation rounds once, as IEEE 754 says. What may be fused is written
`Emitter.fma` (fused where the target does it in hardware, else a product and a sum: callers must do
with either), and what must be exact `two_product` in `exact.py`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np


class Format(NamedTuple):
    """A type of floating-point numbers, with the integers of its width."""

    name: str
    integer: str
    bits: int
    fraction: int  # bits of the significand that are stored
    bias: int  # of the exponent

    @property
    def magic(self) -> float:
        """1.5 times two to the `fraction`: adding and subtracting it rounds to an integer."""
        return 1.5 * 2.0**self.fraction

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number of full precision."""
        return 2.0 ** (1 - self.bias)

    @property
    def sign_bit(self) -> int:
        """The bits of negative zero, as a signed integer."""
        return -1 << (self.bits - 1)

    def round(self, x: float) -> float:
        """Return the number of this type next to x."""
        return x if self.name == "double" else float(np.float32(x))


DOUBLE = Format("double", "i64", 64, 52, 1023)
FLOAT = Format("float", "i32", 32, 23, 127)
FORMATS = {"double": DOUBLE, "float": FLOAT}

Operand: TypeAlias = "Value | float"


@dataclass(frozen=True, eq=False)
class Value:
    """A register or a literal of a type."""

    emitter: Emitter
    type: str
    text: str

    @property
    def _is_float(self) -> bool:
        return self.type in FORMATS

    def _binary(self, floating: str, integer: str, left: Operand, right: Operand) -> Value:
        e = self.emitter
        a, b = e.coerce(left, self.type), e.coerce(right, self.type)
        return e.let(self.type, f"{floating if self._is_float else integer} {self.type}", a, b)

    def __add__(self, other: Operand) -> Value:
        return self._binary("fadd", "add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self._binary("fadd", "add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self._binary("fsub", "sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self._binary("fsub", "sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self._binary("fmul", "mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self._binary("fmul", "mul", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return self._binary("fdiv", "", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self._binary("fdiv", "", other, self)

    def __neg__(self) -> Value:
        if self._is_float:
            return self.emitter.let(self.type, f"fneg {self.type}", self)
        return 0 - self

    def __and__(self, other: Operand) -> Value:
        return self._binary("", "and", self, other)

    def __or__(self, other: Operand) -> Value:
        return self._binary("", "or", self, other)

    def __xor__(self, other: Operand) -> Value:
        return self._binary("", "xor", self, other)

    def __invert__(self) -> Value:
        return self ^ -1

    def __lshift__(self, other: Operand) -> Value:
        return self._binary("", "shl", self, other)

    def __rshift__(self, other: Operand) -> Value:
        """Shift zeros in: AVX2 has no arithmetic shift of 64-bit lanes."""
        return self._binary("", "lshr", self, other)

    @property
    def typed(self) -> str:
        """The type and the text, as an argument or initialiser is written."""
        return f"{self.type} {self.text}"

    def _compare(self, floating: str, integer: str, other: Operand) -> Value:
        e = self.emitter
        kind = f"fcmp {floating}" if self._is_float else f"icmp {integer}"
        return e.let("i1", f"{kind} {self.type}", self, e.coerce(other, self.type))

    # A comparison with NaN is false.

    def __lt__(self, other: Operand) -> Value:
        return self._compare("olt", "slt", other)

    def __le__(self, other: Operand) -> Value:
        return self._compare("ole", "sle", other)

    def __gt__(self, other: Operand) -> Value:
        return self._compare("ogt", "sgt", other)

    def __ge__(self, other: Operand) -> Value:
        return self._compare("oge", "sge", other)

    def equals(self, other: Operand) -> Value:
        """Whether two values are equal (``==`` is left to Python)."""
        return self._compare("oeq", "eq", other)


class Emitter:
    """The body of one function, of the given type of numbers."""

    def __init__(self, format: Format, fma: bool, globals: dict[str, str] | None = None) -> None:
        self.format = format
        self.has_fma = fma
        self.lines: list[str] = []
        self.globals = {} if globals is None else globals  # definitions outside the function

    @property
    def suffix(self) -> str:
        """What the names of intrinsic functions on the numbers end with."""
        return f"f{self.format.bits}"

    @property
    def is_double(self) -> bool:
        """Whether the numbers are doubles, so that constants of that precision are called for."""
        return self.format is DOUBLE

    def choose(self, double: float, float_: float) -> float:
        """Return the constant for the type of the numbers."""
        return double if self.is_double else float_

    # Writing.

    def let(self, type: str, instruction: str, *operands: Value) -> Value:
        """Append an instruction, and return the register that takes its result."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {instruction} {', '.join(x.text for x in operands)}")
        return Value(self, type, name)

    def coerce(self, x: Operand, type: str) -> Value:
        """Return a value of this type: x itself, or the literal of a number."""
        if isinstance(x, Value):
            if x.type != type:
                raise TypeError(f"{x.text} is of type {x.type}, not {type}")
            return x
        return Value(self, type, _literal(x, type))

    def number(self, x: float) -> Value:
        """Return the literal of a number, rounded to the type of this function."""
        return self.coerce(x, self.format.name)

    def integer(self, x: int) -> Value:
        """Return the literal of an integer as wide as the numbers."""
        return self.coerce(x, self.format.integer)

    def _call(self, name: str, type: str, *operands: Value) -> Value:
        intrinsic = f"llvm.{name}.f{FORMATS[type].bits}"
        arguments = ", ".join(f"{x.type} {x.text}" for x in operands)
        return self.let(type, f"call {type} @{intrinsic}({arguments})")

    # Operations without an operator.

    def fma(self, x: Operand, y: Operand, z: Operand) -> Value:
        """Return x * y + z, rounded once if the target has such an instruction, else twice."""
        type = next(v.type for v in (x, y, z) if isinstance(v, Value))
        a, b, c = (self.coerce(v, type) for v in (x, y, z))
        return self._call("fma", type, a, b, c) if self.has_fma else a * b + c

    def sqrt(self, x: Value) -> Value:
        """Return the square root, correctly rounded."""
        return self._call("sqrt", x.type, x)

    def abs(self, x: Value) -> Value:
        """Return x without its sign."""
        return self._call("fabs", x.type, x)

    def copysign(self, x: Value, sign: Value) -> Value:
        """Return the magnitude of x with the sign bit of `sign`."""
        return self._call("copysign", x.type, x, sign)

    def select(self, condition: Value, x: Operand, y: Operand) -> Value:
        """Return x where the condition holds, else y. Both are computed."""
        known = next((v for v in (x, y) if isinstance(v, Value)), None)
        type = known.type if known else self.format.name
        a, b = self.coerce(x, type), self.coerce(y, type)
        return self.let(type, f"select i1 {condition.text}, {type} {a.text}, {type} {b.text}")

    def is_nan(self, x: Value) -> Value:
        """Return whether x is not a number."""
        return self.let("i1", f"fcmp uno {x.type}", x, x)

    def bits(self, x: Value) -> Value:
        """Return the integer that has the bits of x."""
        integer = FORMATS[x.type].integer
        return self.let(integer, f"bitcast {x.type} {x.text} to {integer}")

    def from_bits(self, x: Value) -> Value:
        """Return the number that has the bits of x."""
        return self.let(self.format.name, f"bitcast {x.type} {x.text} to {self.format.name}")

    def round(self, x: Value) -> tuple[Value, Value]:
        """Return x rounded to an integer, and integer bits whose low part is that integer.

        Sound for numbers below 2 to the power `fraction` - 1. Unlike llvm.rint and fptosi, it needs
        no instruction that plain x86-64 or AVX2 lacks.
        """
        t = x + self.format.magic
        return t - self.format.magic, self.bits(t)

    def polynomial(self, x: Value, coefficients: tuple[float, ...]) -> Value:
        """Return the sum of coefficients[i] * x**i: even and odd powers apart, so two at a time."""
        if len(coefficients) < 5:
            return self._horner(x, coefficients)
        square = x * x
        even = self._horner(square, coefficients[0::2])
        odd = self._horner(square, coefficients[1::2])
        return self.fma(odd, x, even)

    def estrin(self, x: Value, coefficients: tuple[float, ...]) -> Value:
        """Return the same by Estrin's scheme: sooner, with one product more of 7 coefficients.

        Terms are joined two by two, which do not wait for one another.
        """
        if len(coefficients) < 5:
            return self._horner(x, coefficients)
        terms: list[Operand] = list(coefficients)
        while True:
            pairs = zip(terms[0::2], terms[1::2], strict=False)
            terms[: len(terms) // 2 * 2] = [self.fma(b, x, a) for a, b in pairs]
            if len(terms) == 1:
                return self.coerce(terms[0], x.type)
            x = x * x

    def _horner(self, x: Value, coefficients: tuple[float, ...]) -> Value:
        total = self.coerce(coefficients[-1], x.type)
        for c in coefficients[-2::-1]:
            total = self.fma(total, x, c)
        return total

    def as_double(self) -> Emitter:
        """Return a writer into the same function whose numbers are doubles."""
        other = Emitter(DOUBLE, self.has_fma, self.globals)
        other.lines = self.lines
        return other

    def extend(self, x: Value) -> Value:
        """Return a float as a double."""
        return self.let("double", f"fpext float {x.text} to double")

    def truncate(self, x: Value) -> Value:
        """Return a double rounded to a float."""
        return self.let("float", f"fptrunc double {x.text} to float")


def _literal(x: float, type: str) -> str:
    if type in FORMATS:
        # LLVM writes floats, too, with the bits of the double of the same value.
        (bits,) = struct.unpack("<Q", struct.pack("<d", FORMATS[type].round(float(x))))
        return f"0x{bits:016X}"
    return str(int(x))
