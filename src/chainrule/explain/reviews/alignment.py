"""A hint where the shapes of a product do not align: which operand is to be transposed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.explain.reviews.run import HandRun

__all__ = ["hint_of_transposing"]


def hint_of_transposing(run: HandRun) -> str | None:
    """Return what to transpose in the line that ended a run, None where that is not the matter."""
    if not isinstance(run.error, ValueError) or run.error_line is None:
        return None
    try:
        tree = ast.parse(run.text(run.error_line))
    except SyntaxError:  # a part of a statement
        return None
    variables = {**run.namespace, **run.variables_at(len(run.changes))}
    for left, right in _products(tree):
        a, b = (_value(x, variables) for x in (left, right))
        if a is None or b is None or _align(a, b):
            continue
        for turn_a, turn_b in ((True, False), (False, True), (True, True)):
            if _align(a.T if turn_a else a, b.T if turn_b else b):
                written = f"{_turned(left, turn_a)} @ {_turned(right, turn_b)}"
                shapes = f"{ast.unparse(left)} is {a.shape}, {ast.unparse(right)} is {b.shape}"
                return f"{shapes}: {written} would align"
    return None


def _products(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                yield left, right
            case ast.Call(func=ast.Attribute(attr="dot" | "matmul"), args=[left, right]):
                yield left, right
            case ast.Call(func=ast.Attribute(value=left, attr="dot"), args=[right]):
                yield left, right


def _value(x: ast.expr, variables: Mapping[str, Any]) -> np.ndarray[Any, Any] | None:
    """Return the array that an operand is, if it is a variable, its transpose or the like."""
    kinds = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.expr_context)
    if not all(isinstance(node, kinds) for node in ast.walk(x)):
        return None
    try:
        value = eval(ast.unparse(x), dict(variables))
    except Exception:  # it was not there yet
        return None
    return value if isinstance(value, np.ndarray) and 1 <= value.ndim <= 2 else None


def _align(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    return bool(a.shape[-1] == b.shape[0])


def _turned(x: ast.expr, turned: bool) -> str:
    text = ast.unparse(x)
    if not turned:
        return text
    return text.removesuffix(".T") if text.endswith(".T") else f"{text}.T"
