"""Operations of a user's own: names that are taken, and names that several have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.operation import OPERATIONS

X = np.array([0.5, -1.5, 2.0])


def declare(kind: str, name: str) -> Any:
    if kind == "elementwise":
        return cr.elementwise(name, lambda x: 2 * x, d=lambda x, y: 2)
    return getattr(cr, kind)(name, lambda x: 2 * x, pullback=lambda g, *_: 2 * g)


@pytest.mark.parametrize("kind", ["elementwise", "linear", "operation"])
@pytest.mark.parametrize("name", ["exp", "add", "where", "sum", "getitem", "identity", "softmax"])
def test_a_name_of_the_library_is_taken(kind: str, name: str) -> None:
    row = OPERATIONS[name]
    with pytest.raises(cr.errors.NameTakenError, match=f"called '{name}' already.*my_{name}"):
        declare(kind, name)
    assert OPERATIONS[name] is row


@pytest.mark.parametrize("kind", ["elementwise", "linear", "operation"])
def test_a_name_of_ones_own_may_be_used_again(kind: str) -> None:
    first, second = declare(kind, "own"), declare(kind, "own")
    assert first is not second
    assert "own" not in OPERATIONS
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(first(x) + second(x)))(X), [4, 4, 4])


def test_a_function_of_numpy_of_the_same_name_is_another() -> None:
    fix = cr.elementwise(
        "fix", lambda x: x + 0.0, d=1
    )  # np.fix(x) at the example, and not elsewhere
    with pytest.raises(cr.errors.UnsupportedError, match="declare it with source="):
        cr.stage(lambda x: np.sum(fix(x)), np.array([1.0, -2.0]))
    named = cr.elementwise("fix", lambda x: np.fix(x), d=0, numpy="numpy.fix")
    assert "np.fix(x)" in cr.stage(lambda x: np.sum(named(x) * x), X).source
