"""Terms of sums that cancel are left out, and no others."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.graph import Apply, Constant, Input, Vertex, apply_to, topological
from chainrule.graph.rewrite import share
from chainrule.graph.simplify.rules import simplify
from chainrule.graph.verify import equivalent, verify
from chainrule.operations import elementwise as e

a = Input("a", 1.7)
x = Input("x", np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -1.0]]))
y = Input("y", np.array([2.0, 4.0, -0.5]))


def add(*terms: Vertex) -> Vertex:
    first, *rest = terms
    for term in rest:
        first = apply_to(e.add, first, term)
    return first


def minus(first: Vertex, second: Vertex) -> Vertex:
    return apply_to(e.subtract, first, second)


def times(*factors: Vertex) -> Vertex:
    first, *rest = factors
    for factor in rest:
        first = apply_to(e.multiply, first, factor)
    return first


def over(first: Vertex, second: Vertex) -> Vertex:
    return apply_to(e.divide, first, second)


def number(value: float) -> Vertex:
    return Constant(value)


def simplified(vertex: Vertex, *written: Vertex) -> Vertex:
    vertex, *written = share([vertex, *written])
    (result,) = simplify([vertex], written=written)
    verify([result])
    equivalent([vertex], [result])
    return result


def operations(vertex: Vertex) -> list[str]:
    return [v.operation.name for v in topological([vertex]) if isinstance(v, Apply)]


half = over(number(0.5), a)


def test_two_terms_of_which_one_is_subtracted() -> None:
    result = simplified(minus(add(number(0.5), half), half))
    assert isinstance(result, Constant)
    assert result.value == 0.5


@pytest.mark.parametrize(
    "total",
    [
        minus(add(y, times(x, y)), times(y, x)),
        minus(add(y, over(times(number(0.5), x), times(x, x))), over(number(0.5), x)),
        add(y, times(minus(x, y), x), times(x, minus(y, x))),
        minus(add(y, times(number(0.1), x), times(number(0.2), x)), times(number(0.3), x)),
        add(y, apply_to(e.power, x, Constant(2)), apply_to(e.negative, times(x, x))),
        minus(minus(add(times(number(2.0), x), y), x), x),
    ],
    ids=["order", "factors", "sign", "coefficients", "powers", "many"],
)
def test_terms_with_the_same_factors(total: Vertex) -> None:
    assert set(operations(simplified(total))) == {"broadcast_to"}


def test_nothing_is_left() -> None:
    for vertex, name in ((x, ["broadcast_to"]), (a, [])):
        result = simplified(minus(apply_to(e.exp, vertex), apply_to(e.exp, vertex)))
        assert operations(result) == name
        assert not np.any(result.value)


def test_only_what_cancels_goes() -> None:
    result = simplified(minus(add(times(number(2.0), x), times(x, x)), times(x, number(2.0))))
    assert operations(result) == ["multiply"]
    total = add(times(number(0.3), x), times(number(-0.1), x))
    assert simplified(total) is not None
    assert operations(simplified(total)) == operations(total)


def test_a_sum_that_a_person_wrote_stays() -> None:
    written = minus(add(number(1), a), number(1))
    assert operations(simplified(times(a, written), written)) == ["add", "subtract", "multiply"]
    assert operations(simplified(written, written)) == ["add", "subtract"]
    result = simplified(minus(add(written, times(a, a)), times(a, a)), written)
    assert operations(result) == ["add", "subtract"]


def test_masks_do_not_cancel() -> None:
    mask = apply_to(e.greater, x, number(0.5))
    total = add(mask, apply_to(e.less, x, number(0.0)))
    assert operations(simplified(total)) == operations(total)


def test_the_dtype_stays() -> None:
    z = Input("z", np.array([1.0, 2.0], np.float32))
    wide = Input("w", np.array([1.0, 2.0]))
    assert simplified(minus(apply_to(e.exp, z), apply_to(e.exp, z))).dtype == np.float32
    assert simplified(minus(add(z, wide), wide)).dtype == np.float64


def newton_step(a: Any) -> Any:
    x = 0.5 * (a + a / a)
    return x


def several_paths(x: Any) -> Any:
    a = np.exp(x)
    z = np.sum(0.5 * (a + np.log(a)) - 0.5 * np.log(a))
    return z


@pytest.mark.parametrize(
    ("f", "argument", "line"),
    [
        (newton_step, 1.7, r"da = 0\.5 "),
        (several_paths, np.array([0.3, 0.7]), r"da = np\.full_like\(a, 0\.5\) "),
    ],
)
def test_printed_gradients_have_no_terms_that_cancel(f: Any, argument: Any, line: str) -> None:
    staged = cr.stage(f, argument)
    assert re.search(line, staged.source)
    np.testing.assert_allclose(staged(argument)[1][0], cr.grad(f)(argument), rtol=1e-14)
