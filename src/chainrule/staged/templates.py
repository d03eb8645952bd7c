"""How a call prints by what its row says: a Python expression with places for operands."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.staged.text import (
    ATOM,
    CONDITIONAL,
    Text,
    atom,
    call,
    infix,
    literal,
    negated,
    power,
    subscript,
)

__all__ = ["from_template"]

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_CLOSED = (ast.Name, ast.Constant, ast.List, ast.Dict, ast.Set)
_PLACE = re.compile(r"\{(\w+)\}")
_OPERAND = re.compile(r"\boperand_\d+\b")


def from_template(source: str, operands: Sequence[Text], params: Mapping[str, Any]) -> Text:
    """Write an expression in which ``{0}`` stands for an operand, ``{axis}`` for a parameter.

    Parentheses are put where operands need them. A single axis is written as a number, and
    ``keepdims=False``, which says nothing, is left out.
    """
    places = {f"operand_{k}": x for k, x in enumerate(operands)}

    def place(found: re.Match[str]) -> str:
        name = found[1]
        return f"operand_{name}" if name.isdigit() else _parameter(name, params.get(name))

    return _text(ast.parse(_PLACE.sub(place, source), mode="eval").body, places)


def _parameter(name: str, value: Any) -> str:
    if name == "axis" and isinstance(value, tuple) and len(value) == 1:
        (value,) = value
    return literal(value).text


def _text(node: ast.expr, places: Mapping[str, Text]) -> Text:
    """Write an expression in which names stand for texts."""

    def text(inner: ast.expr) -> Text:
        return _text(inner, places)

    match node:
        case ast.Name(id=name) if name in places:
            return places[name]
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return power(text(left), text(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SYMBOLS:
            return infix(_SYMBOLS[type(op)], text(left), text(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _SYMBOLS:
            return infix(_SYMBOLS[type(op)], text(left), text(right))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return negated(text(operand))
        case ast.Attribute(value=value, attr=name):
            return atom(f"{text(value).within(ATOM)}.{name}")
        case ast.Call(func=function, args=arguments, keywords=keywords):
            options = {str(k.arg): text(k.value) for k in keywords}
            if options.get("keepdims") in (atom("False"), atom("None")):
                del options["keepdims"]
            return call(text(function).text, *map(text, arguments), **options)
        case ast.Subscript(value=value, slice=index):
            return subscript(text(value), text(index).text)
        case ast.Tuple(elts=items):
            inner = ", ".join(text(item).text for item in items)
            return atom(f"({inner},)" if len(items) == 1 else f"({inner})")
    rest = _OPERAND.sub(lambda found: places[found[0]].within(ATOM), ast.unparse(node))
    return Text(rest, ATOM if isinstance(node, _CLOSED) else CONDITIONAL)
