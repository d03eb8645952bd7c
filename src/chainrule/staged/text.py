"""Python expressions as text that knows how tightly it binds, so that parentheses stay minimal."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

__all__ = [
    "ATOM",
    "BIT_OR",
    "COMPARISON",
    "CONDITIONAL",
    "MATMUL",
    "POWER",
    "PRODUCT",
    "SUM",
    "UNARY",
    "Text",
    "assertion",
    "atom",
    "call",
    "infix",
    "literal",
    "method",
    "negated",
    "power",
    "subscript",
]

(
    CONDITIONAL,
    COMPARISON,
    BIT_OR,
    BIT_XOR,
    BIT_AND,
    SUM,
    MATMUL,
    PRODUCT,
    UNARY,
    POWER,
    ATOM,
) = range(11)

_INFIX = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": MATMUL,
    "&": BIT_AND, "|": BIT_OR, "^": BIT_XOR,
    "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON,
    "==": COMPARISON, "!=": COMPARISON,
}  # fmt: skip
_SIMPLE = re.compile(r"-?[\w.]+")


class Text(NamedTuple):
    """An expression, and the precedence of the operator at its root."""

    text: str
    precedence: int

    def within(self, precedence: int) -> str:
        """Return the text as an operand that has to bind at least so tightly."""
        return self.text if self.precedence >= precedence else f"({self.text})"

    @property
    def is_name(self) -> bool:
        """Tell whether this is a variable."""
        return self.text.isidentifier()


def atom(text: str) -> Text:
    """Return a text that never needs parentheses."""
    return Text(text, ATOM)


def infix(symbol: str, a: Text, b: Text) -> Text:
    """Return ``a symbol b``.

    ``@`` among products and powers below a fraction bar get parentheses that Python does not need
    and a reader does.
    """
    own = _INFIX[symbol]
    left, right = own, own + 1
    if symbol == "@":
        left, right = (MATMUL if a.precedence == MATMUL else UNARY), UNARY
    elif own == PRODUCT:
        left = MATMUL
        right = UNARY if symbol == "*" else ATOM
    elif own == COMPARISON:
        left = own + 1
    return Text(f"{a.within(left)} {symbol} {b.within(right)}", own)


def power(base: Text, exponent: Text) -> Text:
    """Return ``base**exponent``, with spaces around ``**`` where an operand is not simple."""
    left, right = base.within(ATOM), exponent.within(UNARY)
    simple = _SIMPLE.fullmatch(left) and _SIMPLE.fullmatch(right)
    return Text(f"{left}**{right}" if simple else f"{left} ** {right}", POWER)


def negated(operand: Text) -> Text:
    """Return ``-operand``."""
    return Text(f"-{operand.within(UNARY)}", UNARY)


def call(function: str, *arguments: Text | str, **options: Any) -> Text:
    """Return ``function(arguments, option=...)``; options that are None are left out."""
    parts = [a.text if isinstance(a, Text) else a for a in arguments]
    parts += [f"{key}={_option(value)}" for key, value in options.items() if value is not None]
    return atom(f"{function}({', '.join(parts)})")


def method(operand: Text, name: str, *arguments: Text | str, **options: Any) -> Text:
    """Return ``operand.name(...)``."""
    return call(f"{operand.within(ATOM)}.{name}", *arguments, **options)


def subscript(operand: Text, index: str) -> Text:
    """Return ``operand[index]``."""
    return atom(f"{operand.within(ATOM)}[{index}]")


def assertion(test: str, message: str) -> str:
    """Return the statement that raises with a message where a test fails."""
    return f"assert {test}, {json.dumps(message, ensure_ascii=False)}"


def _option(value: Any) -> str:
    return value.text if isinstance(value, Text) else literal(value).text


def literal(value: Any) -> Text:
    """Return a number, string, or tuple or list of them, as Python writes it."""
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return atom("..." if value is Ellipsis else repr(value))
    if isinstance(value, int):
        return Text(str(value), ATOM if value >= 0 else UNARY)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, complex):
        if value != value or abs(value) == math.inf:
            return call("complex", _float(value.real), _float(value.imag))
        if value.real:
            return atom(repr(value))  # in brackets
        text = f"{value.imag!r}j".replace(".0j", "j")
        return Text(text, UNARY if text.startswith("-") else ATOM)
    if isinstance(value, tuple):
        inner = ", ".join(literal(item).text for item in value)
        return atom(f"({inner},)" if len(value) == 1 else f"({inner})")
    if isinstance(value, list):
        return atom(f"[{', '.join(literal(item).text for item in value)}]")
    if isinstance(value, str) and value.isprintable() and not set(value) & set('"\\'):
        return atom(f'"{value}"')
    return atom(repr(value))


def _float(value: float) -> Text:
    if value != value:
        return atom("np.nan")
    if value in (float("inf"), float("-inf")):
        return atom("np.inf") if value > 0 else Text("-np.inf", UNARY)
    text = repr(float(value))
    return Text(text, UNARY if text.startswith("-") else ATOM)
