"""Two recordings are the same if they compute the same, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.record.alike import alike, is_plain, same_value
from chainrule.native.record.program import Program

X = np.array([0.5, -1.5, 2.0])
declared = cr.elementwise("declared_here", lambda x: x * 3, d=lambda x, y: 3.0)


def program(f: Any, *args: Any) -> Program:
    return cr.compile(f).lower(*args).program


def scaled(factor: Any) -> Any:
    return lambda x, y: np.sum(x * factor + y, axis=0) if y > 0 else x


BASE = scaled(2.0)
OTHERS: dict[str, Any] = {
    "constant": scaled(np.nextafter(2.0, 3.0)),
    "dtype of a constant": scaled(2),
    "array": scaled(np.array(2.0)),
    "parameter": lambda x, y: np.sum(x * 2.0 + y, axis=None) if y > 0 else x,
    "operation": lambda x, y: np.max(x * 2.0 + y, axis=0) if y > 0 else x,
    "operand": lambda x, y: np.sum(x * 2.0 + x, axis=0) if y > 0 else x,
    "guard": lambda x, y: np.sum(x * 2.0 + y, axis=0) if y < 9 else x,
    "no guard": lambda x, y: np.sum(x * 2.0 + y, axis=0),
    "more results": lambda x, y: (np.sum(x * 2.0 + y, axis=0), y) if y > 0 else x,
    "another result": lambda x, y: (x * 2.0 + y) if np.sum(x * 2.0 + y, axis=0) and y > 0 else x,
}


def test_the_same_function_is_alike() -> None:
    assert alike(program(BASE, X, 1.0), program(scaled(2.0), X, 1.0))
    assert alike(program(cr.grad(np.prod), X), program(cr.grad(np.prod), X))


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_is_different_is_seen(name: str) -> None:
    assert not alike(program(BASE, X, 1.0), program(OTHERS[name], X, 1.0))
    assert not alike(program(OTHERS[name], X, 1.0), program(BASE, X, 1.0))


def test_values() -> None:
    nan = float("nan")
    same: list[Any] = [
        *(1, 1.5, nan, "a", None, True, (1, [nan]), slice(1, None), {"a": X}, np.dtype("f4")),
        *(X, np.float32(2), np.broadcast_to(2.0, (3, 4)), np.array([nan, -0.0]), np.zeros((0, 2))),
    ]
    for k, a in enumerate(same):
        for n, b in enumerate(same):
            copy = np.array(b) if isinstance(b, np.ndarray) else b
            assert same_value(a, copy) == (k == n)
    assert not same_value(0.0, -0.0)
    assert not same_value(np.array([0.0]), np.array([-0.0]))
    assert not same_value(np.array([object()]), np.array([object()]))


def test_computations_that_may_remember() -> None:
    assert all(map(is_plain, program(lambda x: np.sum(np.exp(x) @ x), X).vertices()))
    assert not all(map(is_plain, program(lambda x: declared(x), X).vertices()))
