"""Laying out printed code: lines of at most 100 characters, comments aligned at the right."""

from __future__ import annotations

import io
import itertools
import tokenize
from collections.abc import Sequence

__all__ = ["WIDTH", "aligned", "comment", "shortened", "wrapped"]

WIDTH = 100
_INDENT = "    "
_OPEN, _CLOSE = "([{", ")]}"
# Where a long line is broken first: the loosest operator that it has outside all brackets.
_OPERATORS = frozenset({"", ",", *"+-*/%@&|<>", "//", "**", "==", "!=", "<=", ">=", "if", "else"})
_BREAKS = (("if", "else"), ("==", "!=", "<", "<=", ">", ">="), ("|",), ("&",), ("+", "-"),
           ("@",), ("*", "/", "//", "%"))  # fmt: skip


def comment(text: str, width: int) -> str:
    """Return ``# text``, cut off where it would not fit."""
    return f"# {shortened(text, width - 2)}"


def shortened(text: str, width: int) -> str:
    """Return a text, its end left out where it would not fit."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def aligned(rows: Sequence[tuple[str, str, int]]) -> list[list[str]]:
    """Lay out statements with remarks behind them, all at the same column where they fit there.

    Args:
        rows: a statement (or a comment line), the remark behind it, '' for none, and how deep the
            statement is indented.

    Returns:
        For each row its lines.
    """
    laid = []
    for code, remark, depth in rows:
        indent = _INDENT * depth
        room = WIDTH - len(indent) - (len(remark) + 2 if remark else 0)
        lines = [code] if code.startswith("#") or code.endswith(":") else wrapped(code, room)
        laid.append([(indent + line).rstrip() for line in lines])
    marked = [
        (lines[0], remark) for lines, (_, remark, _) in zip(laid, rows, strict=True) if remark
    ]
    widest = max((len(first) for first, _ in marked), default=0)
    longest = max((len(remark) for _, remark in marked), default=0)
    column = min(widest, WIDTH - 2 - longest)
    for lines, (_, remark, _) in zip(laid, rows, strict=True):
        if remark:
            lines[0] = f"{lines[0]:<{column}}  {remark}"
    return laid


def wrapped(statement: str, width: int) -> list[str]:
    """Break a statement that is too long: after brackets and commas, before operators."""
    if len(statement) <= width:
        return [statement]
    if statement.startswith("assert "):
        return _wrapped_assertion(statement, width)
    target, symbol, expression = _assignment(statement)
    if symbol and not _is_call(expression):
        inner = _broken(expression, width - len(_INDENT))
        return [f"{target} {symbol} (", *(_INDENT + line for line in inner), ")"]
    lines = _in_brackets(expression if symbol else statement, width)
    return [f"{target} {symbol} {lines[0]}", *lines[1:]] if symbol else lines


def _wrapped_assertion(statement: str, width: int) -> list[str]:
    """Put the message of an assertion on a line of its own, and the test where it is too long."""
    test, *message = _arguments(statement.removeprefix("assert "))
    lines = [f"assert {test}"]
    if len(lines[0]) > width - len(", ("):
        inner = _broken(test, width - len(_INDENT))
        lines = ["assert (", *(_INDENT + line for line in inner), ")"]
    if not message:
        return lines
    lines[-1] += ", ("
    return [*lines, *(_INDENT + line for line in message), ")"]


def _assignment(statement: str) -> tuple[str, str, str]:
    depth = 0
    for token in _tokens(statement):
        if token.string in _OPEN and token.string:
            depth += 1
        elif token.string in _CLOSE and token.string:
            depth -= 1
        elif depth == 0 and token.string in ("=", "+=", "-="):
            at, end = token.start[1], token.end[1]
            return statement[:at].rstrip(), token.string, statement[end:].lstrip()
    return statement, "", ""


def _is_call(expression: str) -> bool:
    """Tell whether the brackets of a call surround almost everything: the line breaks in them."""
    depth = 0
    opened = 0
    for token in _tokens(expression):
        if token.string and token.string in _OPEN:
            opened += depth == 0
            depth += 1
        elif token.string and token.string in _CLOSE:
            depth -= 1
        elif depth == 0 and token.type == tokenize.OP and token.string != ".":
            return False
    return opened == 1 and expression.endswith((")", "]")) and not expression.startswith("(")


def _broken(expression: str, width: int) -> list[str]:
    """Break an expression inside brackets into lines."""
    if len(expression) <= width:
        return [expression]
    pieces = _split(expression)
    if len(pieces) > 1:
        return [line for piece in pieces for line in _broken(piece, width)]
    return _in_brackets(expression, width)


def _in_brackets(expression: str, width: int) -> list[str]:
    """Break an expression after its widest bracket, and at the commas in it."""
    at, end = _outer_brackets(expression)
    if at < 0:
        return [expression]
    inner = _arguments(expression[at + 1 : end])
    lines = [expression[: at + 1]]
    several = len(inner) > 1 or expression[at] == "[" or expression[:end].endswith(",")
    for k, argument in enumerate(inner):
        comma = "," if several and (k < len(inner) - 1 or at > 0 or len(inner) == 1) else ""
        broken = _broken(argument, width - len(_INDENT) - len(comma))
        lines += [_INDENT + line for line in broken]
        lines[-1] += comma
    tail = expression[end:]
    if len(tail) > width:
        head, *rest = _broken(tail[1:], width - 1)
        return [*lines, tail[0] + head, *rest]
    return [*lines, tail]


def _split(expression: str) -> list[str]:
    """Split at the loosest operators outside all brackets, each piece beginning with its own."""
    depth = 0
    found: dict[str, list[int]] = {}
    before = ""
    for token in _tokens(expression):
        text = token.string
        if text and text in _OPEN:
            depth += 1
        elif text and text in _CLOSE:
            depth -= 1
        elif depth == 0 and token.start[1] > 0 and before not in _OPERATORS:
            found.setdefault(text, []).append(token.start[1])
        before = text
    for symbols in _BREAKS:
        places = sorted(place for symbol in symbols for place in found.get(symbol, []))
        if places:
            bounds = [0, *places, len(expression)]
            return [expression[a:b].strip() for a, b in itertools.pairwise(bounds)]
    return [expression]


def _outer_brackets(expression: str) -> tuple[int, int]:
    """Return the widest pair of brackets at the outermost level."""
    best = (-1, -1)
    depth, start = 0, 0
    for token in _tokens(expression):
        if token.string and token.string in _OPEN:
            start = token.start[1] if depth == 0 else start
            depth += 1
        elif token.string and token.string in _CLOSE:
            depth -= 1
            at = token.start[1]
            if depth == 0 and at - start > best[1] - best[0] and at > start + 1:
                best = (start, at)
    return best


def _arguments(inner: str) -> list[str]:
    depth = 0
    bounds = [0]
    for token in _tokens(inner):
        if token.string and token.string in _OPEN:
            depth += 1
        elif token.string and token.string in _CLOSE:
            depth -= 1
        elif token.string == "," and depth == 0:
            bounds.append(token.end[1])
    bounds.append(len(inner) + 1)
    pieces = [inner[a : b - 1].strip() for a, b in itertools.pairwise(bounds)]
    return [piece for piece in pieces if piece]


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    skipped = (tokenize.ENDMARKER, tokenize.NEWLINE, tokenize.NL)
    try:
        found = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except tokenize.TokenError:  # a part of an expression
        return []
    return [token for token in found if token.type not in skipped]
