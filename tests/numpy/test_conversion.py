"""Where an Array would leave the graph: it may not do so silently."""

from __future__ import annotations

import copy
import math
import math as m
import pickle
import statistics
from math import log1p
from types import MappingProxyType

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.array import Array
from chainrule.errors import GradientLostError, UnsupportedError


def lost(f, x, *words):
    """Check that f raises GradientLostError, naming the line and the cure."""
    with pytest.raises(GradientLostError) as caught:
        cr.grad(f)(x)
    message = str(caught.value)
    assert "line " in message
    assert "test_conversion.py" in message
    for word in words:
        assert word in message
    return message


def test_what_was_written_is_named():
    rng, outside = np.random.default_rng(0), np.zeros(3)

    def filled(x):
        outside.fill(x[0])

    x = np.ones(3)
    lost(lambda x: complex(x[0]).real * 2, x, "`complex(x[0])` would drop")
    lost(lambda x: sum(int(v) for v in x), x, "`int(v)` would drop")
    lost(lambda x: np.float64(x[0]), x, "`np.float64(x[0])`, which asks for float(x), would drop")
    lost(lambda x: rng.normal(x[0], 1.0), x, "`rng.normal(x[0], 1.0)`, which", "rng.normal(size=n)")
    lost(filled, x, "`outside.fill(x[0])` writes into an array that the function does not make")


def test_questions_about_memory_and_whole_numbers():
    def f(x):
        copied = x.copy()
        memories = np.shares_memory(x, x[1:]), np.shares_memory(x, copied), x[0].is_integer()
        assert memories == (True, False, False)
        return np.sum(copied) if copied[1].is_integer() else 0.0

    np.testing.assert_array_equal(cr.grad(f)(np.array([1.5, 2.0])), np.ones(2))


def test_complex():
    lost(lambda x: complex(x).real, 2.0, "complex(x)")


def test_int():
    lost(lambda x: x ** int(x), 2.0, "int(chainrule.stop_gradient(x))")

    def counted(x):
        out = np.zeros(2, dtype=int)
        out[:] = x
        return np.sum(x * out)

    lost(counted, np.ones(2), "`out[:]`, which asks for int(x)", "dtype=float")


def test_types_of_numpy():
    lost(lambda x: np.float64(x) * 2, 2.0, "float(x)", "np.asarray(x, np.float64)")
    lost(lambda x: np.sum(np.complex64(x).real), np.ones(2), "np.asarray(x, np.complex64)")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: sum(a * a for row in x.tolist() for a in row),
        lambda x: np.sum(np.array(x.tolist()) ** 2),
        lambda x: sum(x.item(k) ** 2 for k in range(4)),
        lambda x: sum(x.item(i, j) ** 2 for i in range(2) for j in range(2)),
        lambda x: x[:1, :1].item() ** 2 + x.item((0, 1)) ** 2 + np.sum(x[1] ** 2).item(),
        lambda x: x.item(-4) ** 2 + np.sum(x[0, 1] ** 2).tolist() + np.sum(x[1] ** 2),
    ],
)
def test_item_and_tolist_stay_recorded(f):
    x = np.array([[1.0, 2.0], [3.0, -4.0]])
    value, gradient = cr.value_and_grad(f)(x)
    assert value == 30.0
    np.testing.assert_array_equal(gradient, 2 * x)
    np.testing.assert_array_equal(cr.stage(f, x)(x)[1][0], 2 * x)


def test_item_of_several():
    with pytest.raises(ValueError, match="size 1"):
        cr.grad(lambda x: x.item())(np.ones(2))
    assert cr.grad(lambda x: x.item() * 3)(2.0) == 3.0


def test_math_out_of_sight_of_the_view_advises_numpy():
    functions = MappingProxyType({"sine": math.sin})

    def f(x):
        return functions["sine"](x)  # math.sin(x)

    lost(f, 1.0, "np.sin(...)", "math.sin(...)")


class Model(tuple):
    """Its methods are out of the view's sight, for it has no subclass with the same memory."""

    __slots__ = ()

    act = math.atan

    def alias(self, x):
        return log1p(x)

    def attribute(self, x):
        return type(self).act(x)

    def module(self, x):
        return m.lgamma(x)

    def imported(self, x):
        from math import fsum

        return fsum([x, x])


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("alias", "Write np.log1p(...) in place of log1p(...)"),
        ("attribute", "NumPy's function in place of one of math"),
        ("module", "Write scipy.special.gammaln(...) in place of m.lgamma(...)"),
        ("imported", "Write np.sum(...) in place of fsum(...)"),
    ],
)
def test_math_in_a_method_advises_what_to_write(name, cure):
    lost(lambda x: getattr(Model(), name)(x), 1.5, cure)


@pytest.mark.parametrize("f", [statistics.mean, statistics.variance])
def test_statistics_advises_numpy(f):
    with pytest.raises(GradientLostError, match=r"Write np\.mean"):
        cr.grad(lambda x: f([x, 2 * x]))(1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.isnan(a),
        lambda a: np.hypot(a, 1.0),
        lambda a: np.linalg.inv(a),
        lambda a: np.round(a),
    ],
)
def test_an_object_array_that_numpy_cannot_use_is_explained(call):
    makers = MappingProxyType({"array": np.array})

    def f(x):
        return call(makers["array"]([[1.0, x], [x, 2.0]]))

    with pytest.raises(UnsupportedError, match=r"np\.\w.*line .*np\.stack\(\[a, b\]\)"):
        cr.grad(f)(2.0)


OUTSIDE = np.zeros(2)


def test_writing_into_an_ndarray_from_outside():
    def entry(x):
        OUTSIDE[0] = x
        return OUTSIDE.sum()

    def part(x):
        OUTSIDE[1:] = x
        return OUTSIDE.sum()

    def listed(x):
        OUTSIDE[:] = [x, 1.0]
        return OUTSIDE.sum()

    lost(entry, 1.0, "OUTSIDE[0] = x", "b = a.copy()")
    lost(part, np.ones(1), "OUTSIDE[1:] = x")
    lost(listed, 1.0, "OUTSIDE[:] = [x, 1.0]")


def test_in_place_operators_on_an_ndarray_from_outside():
    def f(x):
        total = OUTSIDE
        total += x
        return total.sum()

    lost(f, np.ones(2), "total += x", "a = a + b")


def test_out_of_an_ndarray_from_outside():
    number = np.zeros(())

    def ufunc(x):
        np.exp(x, out=OUTSIDE)
        return OUTSIDE.sum()

    def function(x):
        return np.sum(x, out=number)

    def reduction(x):
        return np.add.reduce(x, out=number)

    lost(ufunc, np.ones(2), "np.exp(x, out=OUTSIDE)", "make a new array")
    lost(function, np.ones(2), "np.sum(x, out=number)")
    lost(reduction, np.ones(2), "np.add.reduce(x, out=number)")


@pytest.mark.parametrize(
    "write",
    [
        lambda nd, x: np.copyto(nd, x),
        lambda nd, x: np.put(nd, [0], x),
        lambda nd, x: np.place(nd, nd == 0, x),
        lambda nd, x: np.putmask(nd, nd == 0, x),
        lambda nd, x: np.put_along_axis(nd, np.array([0]), x, 0),
        lambda nd, x: np.fill_diagonal(nd[None], x),
        lambda nd, x: np.add.at(nd, [0], x[0]),
    ],
)
def test_functions_that_write(write):
    nd = np.zeros(3)

    def f(x):
        write(nd, x)
        return nd.sum()

    lost(f, np.ones(3))


def test_truth_values_may_be_looked_at():
    assert cr.grad(lambda x: x * x if x > 0 else -x)(3.0) == 6.0
    assert cr.grad(lambda x: 2 * x if x else x)(3.0) == 2.0
    with pytest.raises(ValueError, match="ambiguous"):
        cr.grad(lambda x: 1.0 * x[0] if x else x[0])(np.ones(2))


def test_whole_numbers_have_no_gradient_to_lose():
    table = [5.0, 7.0, 11.0]

    def f(x):
        return x * table[math.floor(x)] + round(x) + math.ceil(x) + math.trunc(x)

    assert cr.value_and_grad(f)(1.6) == (1.6 * 7.0 + 2 + 2 + 1, 7.0)
    assert cr.grad(lambda x: round(x, 1) + x)(1.26) == 1.0
    assert cr.value_and_grad(lambda x: round(x, 1) + 0 * x)(1.26)[0] == 1.3


def test_integers_of_an_array_are_plain():
    def f(x):
        n = int(np.sum(x > 0))
        return np.sum(x[: np.count_nonzero(x > 0)]) * n * float(np.argmax(x))

    np.testing.assert_array_equal(cr.grad(f)(np.array([1.0, 2.0, -1.0])), [2.0, 2.0, 0.0])


def test_range_over_a_float_is_pythons_own_error():
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        cr.grad(lambda x: sum((x for _ in range(x)), 0.0))(3.0)


def test_no_silent_array():
    assert not hasattr(cr.array(1.0), "__array__")
    assert not hasattr(cr.array(1.0), "__array_interface__")


def test_unknown_attributes_are_named():
    with pytest.raises(AttributeError, match=r"x\.tobytes has no derivative.*\.value"):
        cr.array(np.ones(2)).tobytes  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        cr.array(1.0).magic  # noqa: B018
    assert "exp" not in dir(cr.array(1.0))


def test_a_deep_copy_of_an_input_is_an_input_of_its_own():
    """As for a target network: its values are not those of the first, nor is its gradient."""
    p = cr.array(np.array([1.0, 2.0]))
    q = copy.deepcopy(p)
    q.value -= 1
    np.sum(q * q).backward()
    np.testing.assert_array_equal(p.value, [1.0, 2.0])
    np.testing.assert_array_equal(q.grad, [0.0, 2.0])
    assert p.grad is None


def test_a_number_behind_stop_gradient_may_be_an_int():
    def f(x):
        return x[int(abs(cr.stop_gradient(x[0])))] * 2.0

    x = np.array([1.5, 2.0])
    np.testing.assert_array_equal(cr.grad(f)(x), [0.0, 2.0])
    fast = cr.compile(cr.value_and_grad(f))
    for first in (1.5, 0.5, -1.2):
        x[0] = first
        value, g = fast(x)
        expected_value, expected = cr.value_and_grad(f)(x)
        assert value == expected_value
        np.testing.assert_array_equal(g, expected)


def test_copies_share_the_history_and_not_the_writes():
    def f(x):
        a, b = copy.copy(x), copy.deepcopy(x)
        a[0] = 0.0
        return np.sum(a) + 10 * np.sum(b)

    np.testing.assert_array_equal(cr.grad(f)(np.ones(2)), [10.0, 11.0])


def test_pickling_is_refused():
    with pytest.raises(TypeError, match=r"x\.value"):
        pickle.dumps(cr.array(1.0))


def test_arrays_without_axes_stay_arrays():
    def f(x):
        a = x.astype(np.float32)
        a[...] *= 2
        b = np.where(x > 0, x, 0.0)
        b[...] *= a
        c = np.pad(x, 1)
        np.copyto(c, [x])
        assert np.ascontiguousarray(x).shape == (1,)
        return np.sum(a) + b + c

    assert cr.grad(f)(np.array(0.5)) == pytest.approx(2 + 4 * 0.5 + 1)


def written_flat(x):
    a = np.array(x)
    a.flat[0] *= x
    np.put(a, [0], [3 * a])
    return a


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.cumsum(x, 0),
        lambda x: np.cumprod(x, axis=-1),
        lambda x: np.repeat(x, 2, axis=0),
        lambda x: np.take(x, [0, 0], axis=0),
        lambda x: np.argsort(x, axis=0) + x + np.argmax(x, axis=0),
        lambda x: np.max(x, axis=0),
        written_flat,
    ],
)
def test_the_one_axis_of_a_number(f):
    value, gradient = cr.value_and_grad(lambda x: np.sum(f(x)))(np.array(0.7))
    above, below = (np.sum(f(np.array(0.7 + h))) for h in (1e-6, -1e-6))
    assert value == pytest.approx(np.sum(f(np.array(0.7))))
    assert gradient == pytest.approx((above - below) / 2e-6)


def test_casting():
    def f(x):
        return np.sum(x.astype(np.float32) * 2) + np.sum(x.astype(int)) + np.sum(np.astype(x, bool))

    np.testing.assert_array_equal(cr.grad(f)(np.array([1.5, 2.5])), [2.0, 2.0])
    assert cr.array(1.0).astype(np.float32).dtype == np.float32
    assert cr.array(np.ones(2)).astype(complex).dtype == np.complex128
    with pytest.raises(TypeError, match="Cannot cast"):
        cr.array(np.ones(2)).astype(np.float32, casting="safe")


def test_backward_needs_one_number():
    x = cr.array(np.ones(3))
    with pytest.raises(cr.errors.NonScalarOutputError, match=r"shape \(3,\).*sum\(\)\.backward"):
        (x * 2).backward()
    (x * 2).backward(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])
    assert type(x * 1) is Array


def keyed(x):
    return {x: 1.0}[x] * x


def flat_write(x):
    out = OUTSIDE
    out.flat[0] = x
    return out.sum()


@pytest.mark.parametrize(
    ("f", "cure"),
    [
        (keyed, "no key for a dict"),
        (flat_write, "b = a.copy()"),
    ],
)
def test_errors_of_python_gain_a_cure(f, cure):
    with pytest.raises((UnsupportedError, GradientLostError), match="test_conversion") as caught:
        cr.grad(lambda x: cr.grad(f)(x))(2.0)
    assert cure in str(caught.value)
