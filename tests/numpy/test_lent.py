"""What a function makes of arrays from outside can be written into; these arrays themselves not."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GradientLostError

C = np.array([1.0, 2.0, 4.0])
COUNTS = np.array([1, 2, 4])
LARGE = np.arange(4000.0)
KEPT: Any = None
DEFAULTS = {"w": C, "nested": [(C, 2.0)]}
SPACE = types.SimpleNamespace(w=C)
LOG: list[Any] = [C]


class Net:
    scale = np.array([2.0, 3.0, 4.0])

    def __init__(self) -> None:
        self.buffer, self.steps = np.array([1.0, 2.0, 4.0]), np.zeros(2)

    def loss(self, x):
        a, b = self.buffer.copy(), self.scale.copy()
        a[1] = b[0] = x
        self.steps[0] += 1.0
        self.buffer *= 2.0
        return np.sum(a * a * b), self.buffer


def helper():
    return C.copy()


def drawn():
    a = np.random.default_rng(0).normal(2.0, 0.1, 3)
    a[2] *= np.random.RandomState(1).uniform(size=3)[0]
    return a


def default(d=C):
    return d.copy()


def enclosed() -> Callable[[], Any]:
    table = np.array([[1.0, 2.0, 4.0]])
    return lambda: table[0].copy()


COPIES: dict[str, Callable[[], Any]] = {
    "copy": lambda: C.copy(),
    "astype": lambda: C.astype(float),
    "product": lambda: C * 2,
    "part": lambda: LARGE[1:4].copy(),
    "reshape": lambda: (C.reshape(3, 1) * 1)[:, 0],
    "array": lambda: np.array(C),
    "ufunc": lambda: np.sqrt(C),
    "function": lambda: np.stack([C, C])[0],
    "method": lambda: C.clip(1.5, 3.0),
    "dict": lambda: DEFAULTS["w"].copy(),
    "nested": lambda: DEFAULTS["nested"][0][0].copy(),
    "namespace": lambda: SPACE.w.copy(),
    "helper": helper,
    "integers": lambda: COUNTS.astype(float),
    "quotient of integers": lambda: COUNTS / len(str(COUNTS)) + C[COUNTS[0]],
    "random numbers": drawn,
    "default": default,
    "enclosed": enclosed(),
}


def written(make: Callable[[], Any], x: Any) -> Any:
    a = make()
    a[1] = x
    a[:2] *= x
    return np.sum(a * a * C)


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_what_is_made_of_them_can_be_written_into(make: Callable[[], Any]) -> None:
    def f(x):
        return written(make, x)

    before = C.copy(), LARGE.copy()
    value, slope = cr.value_and_grad(f)(3.0)
    assert value == pytest.approx(f(3.0), rel=1e-14)
    assert slope == pytest.approx((f(3.0 + 1e-6) - f(3.0 - 1e-6)) / 2e-6, rel=1e-7)
    assert cr.stage(f, 3.0)(3.0) == (pytest.approx(value), (pytest.approx(slope),))
    np.testing.assert_array_equal(C, before[0])
    np.testing.assert_array_equal(LARGE, before[1])


def test_integers_hold_no_gradient() -> None:
    def f(x):
        counts = COUNTS.copy()
        counts[1] = x
        return np.sum(counts * x)

    with pytest.raises(GradientLostError, match=r"array of integers, which holds no gradient, at"):
        cr.grad(f)(3.0)


def test_every_transform_does_so() -> None:
    def f(x):
        return written(C.copy, x) + written(helper, x)

    slope = cr.grad(f)(3.0)
    assert cr.jvp(f, (3.0,), (1.0,))[1] == pytest.approx(slope)
    assert cr.vjp(f, 3.0)[1](1.0)[0] == pytest.approx(slope)
    assert cr.linearize(f, 3.0)[1](1.0) == pytest.approx(slope)
    assert cr.taylor(f, 3.0, 1.0, 1)[1] == pytest.approx(slope)
    assert cr.jacobian(f)(3.0) == pytest.approx(slope)
    assert cr.grad(lambda x: cr.checkpoint(f)(x))(3.0) == pytest.approx(slope)
    assert cr.vmap(cr.grad(f))(np.array([3.0, 3.0])) == pytest.approx([slope, slope])
    assert cr.hessian(f)(3.0) == pytest.approx(cr.grad(cr.grad(f))(3.0))
    compiled = cr.compile(cr.grad(f))
    assert [compiled(3.0), compiled(3.0)] == [pytest.approx(slope)] * 2


def test_an_object_is_as_it_would_be_without_a_recording() -> None:
    net = Net()
    buffer = net.buffer
    (value, seen), slope = cr.value_and_grad(net.loss, has_aux=True)(3.0)
    assert value == 3.0 + 27.0 + 64.0
    assert slope == pytest.approx(1.0 + 3 * 6.0)
    assert net.buffer is buffer is seen
    np.testing.assert_array_equal(buffer, [2.0, 4.0, 8.0])
    assert net.steps[0] == 1.0
    assert type(net.steps) is np.ndarray


def test_what_the_function_keeps_of_them_is_the_array_itself() -> None:
    def f(x):
        global KEPT
        KEPT = C
        LOG.append(LOG[0])
        return written(C.copy, x)

    cr.grad(f)(3.0)
    assert KEPT is C
    assert all(array is C for array in LOG)


def test_what_is_overwritten_after_its_use() -> None:
    array = np.array([1.0, 2.0, 4.0])

    def f(x):
        a = array.copy()
        a[1] = x
        part = array[1:]
        y = np.sum(a * array) + np.sum(part * a[1:])
        array[:] = 7.0
        return y + x * part[0]

    assert cr.grad(f)(3.0) == 2.0 + 2.0 + 7.0
    np.testing.assert_array_equal(array, [7.0, 7.0, 7.0])


def entry(x):
    C[1] = x


def view(x):
    v = C[1:]
    v += x


def reshaped(x):
    C.reshape(3, 1)[0] = x


def at(x):
    np.add.at(C, [0, 1], x)


def filled(x):
    C.fill(x)


def attribute(x):
    SPACE.w *= x


@pytest.mark.parametrize("write", [entry, view, reshaped, at, filled, attribute])
@pytest.mark.parametrize("how", [lambda f: cr.grad(f)(2.0), lambda f: cr.stage(f, 2.0)])
def test_they_cannot_be_written_into_themselves(
    write: Callable[..., Any], how: Callable[..., Any]
) -> None:
    def f(x):
        a = C.copy()
        a[0] = x
        write(x)
        return np.sum(a * C)

    with pytest.raises(GradientLostError, match=r"writes into .* not make itself.*test_lent"):
        how(f)
    np.testing.assert_array_equal(C, [1.0, 2.0, 4.0])
