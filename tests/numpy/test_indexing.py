"""Reading and writing parts of an Array: as NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule.core.array import Array
from chainrule.errors import GradientLostError


def filled(shape):
    return np.arange(1.0, 1.0 + int(np.prod(shape))).reshape(shape)


@st.composite
def shapes_and_indices(draw):
    """A shape, and an index into it: basic, with masks, with integer arrays, or mixed."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    kind = draw(st.sampled_from(["basic", "integers", "mask", "mixed"]))
    if kind == "basic":
        index = draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    elif kind == "integers":
        index = draw(hnp.integer_array_indices(shape))
    elif kind == "mask":
        index = draw(hnp.arrays(bool, shape))
    else:
        rows = draw(st.lists(st.integers(-shape[0], shape[0] - 1), max_size=4))
        rest = [
            draw(st.sampled_from([slice(None), slice(1, None), slice(None, None, -1)]))
            for _ in shape[1:]
        ]
        index = (rows, *rest)
    return shape, index


@settings(deadline=None, max_examples=300)
@given(shapes_and_indices())
def test_reading_gives_what_numpy_gives_and_a_gradient_that_counts(case):
    shape, index = case
    x = filled(shape)
    expected = x[index]
    found = cr.array(x)[index]
    np.testing.assert_array_equal(found.value, expected)
    assert np.shape(found.value) == np.shape(expected)
    counts = np.zeros(shape)
    np.add.at(counts, index, 1.0)
    gradient = cr.grad(lambda x: np.sum(x[index]))(x)
    np.testing.assert_array_equal(gradient, counts)


@settings(deadline=None, max_examples=300)
@given(shapes_and_indices())
def test_writing_gives_what_numpy_gives_and_cuts_the_gradient(case):
    shape, index = case
    x = filled(shape)

    def write(x, value):
        y = x.copy()
        y[index] = value * value
        return np.sum(y * weights)

    weights = np.cos(filled(shape))
    expected = x.copy()
    expected[index] = 9.0
    dx, dvalue = cr.grad(write, argnums=(0, 1))(x, 3.0)
    assert write(x, 3.0) == np.sum(expected * weights)
    kept = np.ones(shape, bool)
    kept[index] = False
    np.testing.assert_array_equal(dx, np.where(kept, weights, 0.0))
    np.testing.assert_allclose(dvalue, 6.0 * np.sum(weights[~kept]), atol=1e-12)


def test_writing_rebinds_the_array_and_every_name_for_it():
    def f(x):
        y = x * 1.0
        alias = y
        y[1:] = 2 * x[:-1]
        return np.sum(alias**2)

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(cr.grad(f)(x), [2 + 8 * 1, 8 * 2, 0])


def test_a_view_is_a_view():
    def f(x):
        y = x * 1.0
        view = y[:1]
        view[0] = 100.0
        return np.sum(y)

    assert cr.value_and_grad(f)(np.ones(3))[0] == 102.0


@pytest.mark.parametrize("operator", ["+=", "-=", "*=", "/=", "**="])
def test_in_place_operators_change_the_array_for_all_who_hold_it(operator):
    def f(x):
        y = x * 2.0
        alias = y
        scope = {"y": y, "x": x}
        exec(f"y {operator} x", scope)
        return np.sum(alias if type(x) is Array else scope["y"])

    x = np.array([1.5, 2.0])
    plain = f(x)
    value, gradient = cr.value_and_grad(f)(x)
    assert value == plain
    above = np.array([(f(x + e) - f(x - e)) / 2e-6 for e in 1e-6 * np.eye(2)])
    np.testing.assert_allclose(gradient, above, rtol=1e-6)


def test_in_place_operators_leave_a_number_that_others_hold():
    def f(x):
        total = x
        total += 2 * x
        return total * x

    assert cr.grad(f)(3.0) == 18.0


def test_in_place_operators_keep_shape_and_dtype():
    def broadcast(x):
        y = x * 1
        y += np.ones((2, 3))
        return np.sum(y)

    with pytest.raises(ValueError, match="non-broadcastable output operand"):
        cr.grad(broadcast)(np.ones(3))
    y = cr.array(np.ones(2, np.float32)) * 1
    y += np.ones(2)
    assert y.dtype == np.float32


def test_sort_and_fill_work_in_place():
    def f(x):
        y = x.copy()
        y.sort()
        return y[0]

    np.testing.assert_array_equal(cr.grad(f)(np.array([3.0, 1.0, 2.0])), [0, 1, 0])

    def g(x):
        y = np.ones(3) * x
        y.fill(x * x)
        return np.sum(y)

    assert cr.grad(g)(2.0) == 12.0


def test_functions_that_write_work_on_arrays():
    def f(x):
        y = x.copy()
        np.fill_diagonal(y, 0.0)
        np.copyto(y, x * x, where=np.eye(2, dtype=bool)[::-1])
        np.put_along_axis(y, np.array([[0]]), 5.0, axis=0)
        return np.sum(y)

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    value, gradient = cr.value_and_grad(f)(x)
    assert value == 5.0 + 4.0 + 9.0
    np.testing.assert_array_equal(gradient, [[0, 4], [6, 0]])


def test_writing_into_an_input_that_waits_for_its_grad_is_refused():
    x = cr.array(np.ones(3))
    with pytest.raises(GradientLostError, match=r"x\[0\] = 2\.0"):
        x[0] = 2.0
    with pytest.raises(GradientLostError, match=r"x \+= 1\.0"):
        x += 1.0


def test_iteration_and_membership():
    def f(x):
        total = 0.0
        for row in x:
            a, b = row
            total = total + a * b
        return total

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(cr.grad(f)(x), [[2, 1], [4, 3]])
    assert 2.0 in cr.array(x)
    assert 9.0 not in cr.array(x)
    assert [float(v.value) for v in reversed(cr.array(np.arange(3.0)))] == [2.0, 1.0, 0.0]
    with pytest.raises(TypeError, match="iteration over a 0-d"):
        list(cr.array(1.0))
    with pytest.raises(TypeError, match="len"):
        len(cr.array(1.0))


def test_indices_of_all_kinds():
    x = cr.array(filled((3, 4)))
    mask = x > 5
    assert x[mask].shape == (7,)
    assert x[np.argmax(x, axis=0), 0].shape == (4,)
    assert x[..., None].shape == (3, 4, 1)
    assert x[np.int64(1)].shape == (4,)
    assert x[True].shape == (1, 3, 4)
    assert x[[0, 1]].shape == (2, 4)
    assert x[np.nonzero(x > 5)].shape == (7,)
    with pytest.raises(IndexError, match="out of bounds"):
        x[3]
    with pytest.raises(IndexError):
        x[1.0]
    with pytest.raises(IndexError):
        x[cr.array(1.0)]


def chained(a):
    a[0][1] = 5.0


def transposed(a):
    a.T[0] = 5.0


def reshaped(a):
    a.reshape(4)[1:] += 1.0


def computed(a):
    (a + 1.0)[0] = 5.0


@pytest.mark.parametrize("write", [chained, transposed, reshaped, computed])
def test_a_write_into_a_view_without_a_name(write):
    def f(x):
        a = x * 1.0
        write(a)
        return np.sum(a * weights)

    weights = np.arange(4.0).reshape(2, 2)
    x = np.ones((2, 2))
    value, gradient = cr.value_and_grad(f)(x)
    assert value == f(x)
    steps = 1e-6 * np.eye(4).reshape(4, 2, 2)
    slopes = [(f(x + e) - f(x - e)) / 2e-6 for e in steps]
    np.testing.assert_allclose(gradient.ravel(), slopes, atol=1e-8)


def test_writes_into_arrays_in_lists_and_objects():
    class Holder:
        pass

    def f(x):
        rows, holder = [x * 1.0], Holder()
        holder.a = {"a": x * 2.0}
        rows[0][0] = 0.0
        holder.a["a"][1] = 0.0
        a = x[1:]
        a[0] *= 3.0
        a.__setitem__((0, 0), x[1, 0] * 3.0)
        return np.sum(rows[0]) + np.sum(holder.a["a"]) + np.sum(a)

    np.testing.assert_array_equal(cr.grad(f)(np.ones((2, 2))), [[2.0, 2.0], [10.0, 4.0]])


def test_copyto_to_itself_is_no_write():
    def f(x):
        wide = np.broadcast_to(x, (2, 2))
        np.copyto(wide, wide)
        return np.sum(wide * x)

    np.testing.assert_array_equal(cr.grad(f)(np.array([1.0, 2.0])), [4.0, 8.0])


def test_copyto_from_an_array_without_history():
    def f(x):
        a = x * 2.0
        np.copyto(a, np.arange(2.0))
        b = x * 3.0
        np.copyto(b, 7, where=[True, False])
        return np.sum(a) + np.sum(b)

    value, g = cr.value_and_grad(f)(np.ones(2))
    assert value == 1.0 + 7.0 + 3.0
    np.testing.assert_array_equal(g, [0.0, 3.0])


@pytest.mark.parametrize(
    "index",
    [
        (np.array([True, False, True]), [0, 2]),
        (np.array([True, False, True]), 1, [[0], [1]]),
        ([2, 0], True),
        (True, 1, np.array([1, 1])),
    ],
    ids=str,
)
def test_masks_beside_integer_arrays(index):
    x = filled((3, 4, 2))
    y, pullback = cr.vjp(lambda x: x[index], x)
    np.testing.assert_array_equal(y, x[index])
    expected = np.zeros_like(x)
    np.add.at(expected, index, y)
    np.testing.assert_array_equal(pullback(y)[0], expected)
