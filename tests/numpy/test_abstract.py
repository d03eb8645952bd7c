"""Abstract arrays and numbers: NumPy's shapes, dtypes and types, and never a value."""

from __future__ import annotations

import itertools
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest

from chainrule.core.abstract import (
    Abstract,
    Scope,
    ValuesNeeded,
    as_array,
    beside,
    retyped,
    type_of,
)

#: Of each type that a value may have.
VALUES: dict[str, Any] = {
    "float64 array": np.full((3, 4), 0.5),
    "float32 array": np.full((4,), 0.5, np.float32),
    "float16 column": np.full((3, 1), 0.5, np.float16),
    "int64 array": np.full((3, 4), 2),
    "int32 array": np.full((4,), 2, np.int32),
    "bool array": np.ones((3, 4), bool),
    "0-d array": np.array(0.5, np.float32),
    "float64": np.float64(0.5),
    "float32": np.float32(0.5),
    "int64": np.int64(2),
    "float": 0.5,
    "int": 2,
    "bool": True,
}
BINARY = (
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod),
    *(operator.lt, operator.ge, operator.eq, operator.ne, operator.pow, operator.and_),
    *(np.add, np.divide, np.maximum, np.arctan2, np.hypot, np.logical_and, np.power, np.greater),
)
UNARY = (operator.neg, operator.abs, np.exp, np.sqrt, np.sign, np.isnan, np.logical_not, np.sinc)


def abstract(value: Any, scope: Scope) -> Abstract:
    if isinstance(value, np.ndarray):
        return scope.array(value.shape, value.dtype)
    return Abstract((), value, scope)


def described(value: Any) -> tuple[Any, ...]:
    real = value.stand_in() if type(value) is Abstract else value
    assert type(value) is not Abstract or type(real) is type_of(value)
    return type(real), getattr(real, "dtype", None), np.shape(real)


def check(f: Any, *operands: Any) -> bool:
    """Compare with NumPy for each choice of operands that are abstract; tell whether all could."""
    try:
        with np.errstate(all="ignore"):
            expected = described(f(*operands))
    except TypeError:
        return True
    known = True
    for chosen in itertools.product((True, False), repeat=len(operands)):
        if not any(chosen):
            continue
        scope = Scope(0)
        mixed = [abstract(x, scope) if c else x for x, c in zip(operands, chosen, strict=True)]
        try:
            assert described(f(*mixed)) == expected
        except ValuesNeeded:
            assert scope.needed
            known = False
    return known


def is_python(value: Any) -> bool:
    return type(value) in (float, int, bool)


@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
def test_two_operands(f: Any) -> None:
    for a, b in itertools.product(VALUES.values(), repeat=2):
        known = check(f, a, b)
        floating = any(np.asarray(x).dtype.kind == "f" for x in (a, b))
        assert known or not floating or (is_python(a) and is_python(b))


@pytest.mark.parametrize("f", UNARY, ids=lambda f: f.__name__)
def test_one_operand(f: Any) -> None:
    for x in VALUES.values():
        assert check(f, x) or type(x) is int  # which has no largest number in Python


A = np.ones((3, 4, 5))
S, V = np.ones((4, 4), np.float32), np.ones(4, np.float32)
CALLS: dict[str, tuple[Any, ...]] = {
    "sum": (lambda x: np.sum(x), A),
    "sum of an axis": (lambda x: np.sum(x, axis=-1, keepdims=True), A),
    "add.reduce": (lambda x: np.add.reduce(x, axis=(0, 2)), A),
    "empty sum": (lambda x: np.add.reduce(x, axis=0), A[:0]),
    "mean of integers": (lambda x: np.mean(x, axis=1), A.astype(int)),
    "var": (lambda x: np.var(x, axis=(1,), ddof=1), A),
    "max": (lambda x: np.max(x, axis=None), S),
    "argmax": (lambda x: np.argmax(x, axis=1), S),
    "count_nonzero": (lambda x: np.count_nonzero(x), S),
    "norm": (lambda x: np.linalg.norm(x, 2, 1, True), S),
    "cumsum": (lambda x: np.cumsum(x, axis=0), S > 0),
    "where": (lambda c, x, y: np.where(c, x, y), S > 0, V, A[:, :, :4]),
    "where of numbers": (lambda c, x: np.where(c, x, 0.0)[()], np.bool_(True), np.float32(1)),
    "reshape": (lambda x: np.reshape(x, (20, 3)), A),
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)), A),
    "squeeze": (lambda x: np.squeeze(x, (0, 1)), S[:1, :1]),
    "broadcast_to": (lambda x: np.broadcast_to(x, (3, 4)), V),
    "concatenate": (lambda x, y: np.concatenate([x, y, np.ones((2, 4))], axis=0), S, S),
    "stack": (lambda x, y: np.stack([x, y], axis=1), V, V),
    "getitem": (lambda x: x[1:, None, ..., 2], A),
    "entry": (lambda x: x[1], V),
    "gather": (lambda x: x[[0, 2, 2], :2], S),
    "take": (lambda x, i: np.take(beside(x, i), i, axis=1), S, np.array([[0, 3]])),
    "diag": (lambda x: np.diag(x), V),
    "repeat": (lambda x: np.repeat(x, 3, axis=0), S),
    "matmul": (lambda x, y: x @ y, A, np.ones((5, 2), np.float32)),
    "matmul of batches": (lambda x, y: np.matmul(x, y), np.ones((2, 1, 3, 4)), np.ones((5, 4, 6))),
    "vectors": (lambda x, y: x @ y, V, V),
    "matrix and vector": (lambda x, y: y @ x, S, V),
    "dot": (lambda x, y: np.dot(x, y), A, np.ones((2, 5, 3))),
    "inner": (lambda x, y: np.inner(x, y), A, np.ones((2, 5))),
    "outer": (lambda x, y: np.outer(x, y), V, np.ones(3)),
    "tensordot": (lambda x, y: np.tensordot(x, y, ((1, 2), (0, 1)))[()], A, np.ones((4, 5))),
    "einsum": (lambda x, y: np.einsum("...ij,jk->...ik", x, y), A, np.ones((5, 2))),
    "einsum of ones": (lambda x, y: np.einsum("ij,ij->j", x, y), S, S[:1]),
    "astype": (lambda x: as_array(x).astype(np.float32)[()], np.float64(1)),
    "pad": (lambda x: np.pad(x, ((1, 2), (0, 0)), constant_values=1), S),
    "float": (lambda x: retyped(x, float), np.float64(1)),
    "result_type": (lambda x: np.zeros(2, np.result_type(x, np.float32)), V),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    f, *operands = CALLS[name]
    assert check(f, *operands)


@pytest.mark.parametrize(
    "look",
    [
        *(bool, int, float, complex, operator.index, list, len, repr, str, "{:.2f}".format, iter),
        *(np.asarray, np.array, math.floor, math.exp, round, pickle.dumps, memoryview),
        *(lambda x: 1 in x, lambda x: x.item(), lambda x: x.tolist(), lambda x: x.sort()),
        *(np.nonzero, np.unique, np.median, np.frexp, np.add.accumulate),
        *(lambda x: np.ones(3)[x], lambda x: np.ones(3).__setitem__(0, x), lambda x: x[x > 0]),
        *(lambda x: np.add(x, 1.0, dtype=float), lambda x: np.max(x[:0]), lambda x: x @ x[1:]),
        *(
            lambda x: np.allclose(x, x),
            lambda x: [1, 2].__mul__(x),
            lambda x: np.zeros(3).fill(x),
            lambda x: np.arange(x),
        ),
        *(lambda x: x.__setitem__(0, 1.0), lambda x: np.linalg.inv(x), lambda x: x.strides),
    ],
)
def test_looking_at_a_value(look: Any) -> None:
    scope = Scope(0)
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever NumPy or Python makes of it
        look(scope.array((3,), np.dtype(float)))
    assert scope.needed or look in (memoryview,)


def test_python_numbers_that_may_raise() -> None:
    """Where Python raises for some numbers, it is for Python to do."""
    for f in (operator.truediv, operator.floordiv, operator.mod, operator.pow):
        for a, b in ((1.0, 2.0), (1, 2), (1.0, 2)):
            assert not check(f, a, b)
    assert not check(operator.pow, np.array([2]), np.array([3]))
